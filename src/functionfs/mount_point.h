/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount points and what belongs to others: what a mount or a device link of ours would hide or
 * replace, and what hides a mount of ours.
 */
#pragma once

#include "base/error.h"
#include "base/paths.h"

/*
 * Fails with EX_CANTCREAT if FunctionFS mounted on `path` would hide or be inside another mount, or
 * hide files. The message names the gadget that uses the other mount. Does nothing if `instance` is
 * mounted on `path` already.
 */
int ffs_check_mount_point(const struct paths *paths, const char *path, const char *instance,
			  struct error *err);
/*
 * Does the same after the mount: fails if another mount was made on `path` between
 * ffs_check_mount_point and the mount of `instance`.
 */
int ffs_check_mounted_first(const struct paths *paths, const char *path, const char *instance,
			    struct error *err);
/*
 * Returns which mount hides the instance that is mounted on `path`, for example "a file system of
 * type 'tmpfs' on /dev/ffs"; NULL: none, or the instance is not mounted there. The caller frees the
 * text. `paths` NULL: the text has no names of gadgets. `mounts` is a text that mounts_read
 * returned; NULL: the kernel's current list.
 */
char *ffs_find_cover(const struct paths *paths, const char *mounts, const char *path,
		     const char *instance);
/* Fails with EX_CANTCREAT if another mount hides the instance that is mounted on `path`. */
int ffs_check_is_visible(const struct paths *paths, const char *path, const char *instance,
			 struct error *err);

/*
 * Sets the error that a link cannot be made, with EX_CANTCREAT, if `path` exists or is in
 * FunctionFS; the message names the gadget that it belongs to. Returns 0 if the path is free.
 */
int ffs_check_link_path(const struct paths *paths, const char *path, struct error *err);
