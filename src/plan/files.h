/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that other parts of ffsctl use: directories and symbolic links. */
#pragma once

#include "plan/plan.h"

/* A directory that must not exist before. `value` is unused. */
extern const struct step_op plan_op_mkdir;
/* A directory that several gadgets share: made unless it exists; the undo removes it if it is
 * empty. */
extern const struct step_op plan_op_mkdir_shared;
/* `context` of both: the directory above is a shared one of the same plan. */
#define PLAN_SHARED_PARENT ((void *)&plan_op_mkdir_shared)
/* A symbolic link at `path` to `value`. Fails if `path` exists. */
extern const struct step_op plan_op_symlink;

/* Undoes a step that made a directory; returns 0 if `path` does not exist. */
int plan_undo_rmdir(struct step *step, struct error *err);
int plan_undo_unlink(struct step *step, struct error *err);
