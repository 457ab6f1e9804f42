/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan step that mounts a FunctionFS instance. */
#pragma once

#include "plan/plan.h"

/*
 * Checks that no process uses the mount of a step, except the process `except` and its descendants
 * (0: no exception). Fails with EX_CANTCREAT if a process does; the message names the processes.
 */
int ffs_mount_is_free(const struct step *step, pid_t except, struct error *err);

/* `path` is the mount point, `value` "INSTANCE OPTIONS" ("OPTIONS" may be empty). */
extern const struct step_op ffs_op_mount;

#define FFS_FILE_SYSTEM "functionfs"
#define FFS_MODULE "usb_f_fs"
/*
 * Adds to the error of a failed mount or mkdir that this kernel has no FunctionFS. Returns the
 * negative errno of the error.
 */
int ffs_missing(struct error *err);
/* Hint for a kernel that has not loaded FunctionFS. */
#define FFS_LOAD_HINT "modprobe " FFS_MODULE " (CONFIG_USB_CONFIGFS_F_FS)"
