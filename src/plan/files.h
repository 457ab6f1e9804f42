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
/* `context` of both steps, if the parent directory is a shared directory of the same plan. */
#define PLAN_SHARED_PARENT ((void *)&plan_op_mkdir_shared)
/* Makes the symbolic link `path` with the target `value`. Fails if `path` exists. */
extern const struct step_op plan_op_symlink;

/* Undoes a step that made a directory; returns 0 if `path` does not exist. */
int plan_undo_rmdir(struct step *step, struct error *err);
int plan_undo_unlink(struct step *step, struct error *err);
