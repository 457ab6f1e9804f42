/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that make directories and symbolic links. */
#pragma once

#include "plan/plan.h"

/* Makes a directory, which must not exist before. `value` is unused. */
extern const struct step_op plan_op_mkdir;
/*
 * Makes a directory that several gadgets share, unless it exists. The undo removes the directory if
 * it is empty.
 */
extern const struct step_op plan_op_mkdir_shared;
/*
 * Value of `context` of a plan_op_mkdir or plan_op_mkdir_shared step if another step of the same
 * plan, with the op plan_op_mkdir_shared, makes its parent directory.
 */
#define PLAN_SHARED_PARENT ((void *)&plan_op_mkdir_shared)
/* Makes the symbolic link `path` with the target `value`. Fails if `path` exists. */
extern const struct step_op plan_op_symlink;

/* Removes the directory that a step has made; returns 0 if it does not exist. */
int plan_undo_mkdir(struct step *step, struct error *err);
/* Removes the link that a step has made, whatever its target; returns 0 if it does not exist. */
int plan_undo_symlink(struct step *step, struct error *err);
