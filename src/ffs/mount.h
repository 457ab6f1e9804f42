/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounting a FunctionFS instance. */
#pragma once

#include "plan/plan.h"

/* `path` is the mount point, `value` "INSTANCE OPTIONS" ("OPTIONS" may be empty). */
extern const struct step_op ffs_op_mount;

#define FFS_FILE_SYSTEM "functionfs"
