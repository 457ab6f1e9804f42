/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan steps that mount a FunctionFS instance and make the link of the key `device`. */
#pragma once

#include "plan/plan.h"

/*
 * Fails with EX_CANTCREAT if a process uses the mount of the step, or if another mount hides it;
 * the message names the processes or the other mount. Ignores the process `except` and its
 * descendants (0: no exception).
 */
int ffs_check_mount_unused(const struct step *step, pid_t except, struct error *err);

/*
 * Mounts a FunctionFS instance. step->path is the mount point, step->value is "INSTANCE OPTIONS";
 * OPTIONS may be empty. `context` is a struct paths; NULL in a plan that was read from disk.
 */
extern const struct step_op ffs_op_mount;
/*
 * Makes the symbolic link `path` of the key `device` with the target `value`. `context` is as
 * above.
 */
extern const struct step_op ffs_op_device_link;
/*
 * Fails with EX_CANTCREAT if one of these two steps would hide or replace what belongs to another
 * gadget or program. Returns 0 for other steps. The error has the step's position.
 */
int ffs_check_path_is_free(const struct step *step, struct error *err);

/* Returns whether the step is one of these two, and its path is `path`, below it or above it. */
bool ffs_step_uses_path(const struct step *step, const char *path);

#define FFS_FILE_SYSTEM "functionfs"
#define FFS_MODULE "usb_f_fs"
/*
 * Adds "this kernel has no FunctionFS" and a hint to the error of a failed mount or mkdir. Returns
 * the negative errno of the error.
 */
int ffs_fail_missing(struct error *err);
/* Hint for a kernel that has not loaded FunctionFS. */
#define FFS_LOAD_HINT "modprobe " FFS_MODULE " (CONFIG_USB_CONFIGFS_F_FS)"
