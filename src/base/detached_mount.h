/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts that only this process sees. */
#pragma once

/*
 * Mounts a file system, but attaches the mount to no directory: other processes do not see it, and
 * it ends with its last file. `options`: names and values by turns; NULL ends them, or is none.
 * Returns a file descriptor of the root directory (O_PATH), or a negative errno; -EINVAL: unknown
 * option. (Older kernels report an unknown option only when the file system is made.) Needs Linux
 * 5.2.
 */
int mount_detached(const char *type, const char *const *options);
