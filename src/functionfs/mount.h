/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounting a FunctionFS instance. */
#pragma once

#include "plan/plan.h"

/*
 * Whether nobody keeps the mount of a step from being unmounted; `but_of` as for mount_holders().
 * EX_CANTCREAT, with who does.
 */
int ffs_mount_is_free(const struct step *step, pid_t but_of, struct error *err);

/* `path` is the mount point, `value` "INSTANCE OPTIONS" ("OPTIONS" may be empty). */
extern const struct step_op ffs_op_mount;

#define FFS_FILE_SYSTEM "functionfs"
#define FFS_MODULE "usb_f_fs"
/* What to do where it is missing. */
#define FFS_LOAD "modprobe " FFS_MODULE " (CONFIG_USB_CONFIGFS_F_FS)"
