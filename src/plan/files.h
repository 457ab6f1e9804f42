/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that any room may need: directories and symbolic links. */
#pragma once

#include "plan/plan.h"

/* A directory that must not exist before. `value` is unused. */
extern const struct step_op plan_op_mkdir;
/* A directory that several gadgets share: found or made; removed by whoever leaves it empty. */
extern const struct step_op plan_op_mkdir_shared;
/* `self` of both: the directory above is a shared one of the same plan. */
#define PLAN_SHARED_PARENT ((void *)&plan_op_mkdir_shared)
/* A symbolic link at `path` to `value`; never over an existing node. */
extern const struct step_op plan_op_symlink;

/* rmdir of `path`, already gone included; what every mkdir-like step undoes with. */
int plan_undo_rmdir(struct step *step, struct error *err);
int plan_undo_unlink(struct step *step, struct error *err);
