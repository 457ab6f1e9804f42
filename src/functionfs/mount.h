/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plan step that mounts a FunctionFS instance. */
#pragma once

#include "plan/plan.h"

/*
 * Fails with EX_CANTCREAT if a process uses the mount of the step; the message names the processes.
 * Ignores the process `except` and its descendants (0: no exception).
 */
int ffs_check_mount_unused(const struct step *step, pid_t except, struct error *err);

/*
 * Mounts a FunctionFS instance. step->path is the mount point, step->value is "INSTANCE OPTIONS";
 * OPTIONS may be empty.
 */
extern const struct step_op ffs_op_mount;

#define FFS_FILE_SYSTEM "functionfs"
#define FFS_MODULE "usb_f_fs"
/*
 * Adds "this kernel has no FunctionFS" and a hint to the error of a failed mount or mkdir. Returns
 * the negative errno of the error.
 */
int ffs_fail_missing(struct error *err);
/* Hint for a kernel that has not loaded FunctionFS. */
#define FFS_LOAD_HINT "modprobe " FFS_MODULE " (CONFIG_USB_CONFIGFS_F_FS)"
