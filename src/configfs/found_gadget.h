/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a plan from a gadget that was found in configfs. The undo of the plan removes the gadget.
 */
#pragma once

#include "configfs/tree.h"
#include "plan/plan.h"

/*
 * Adds steps for the gadget's directory `dir`, and for all directories and links below it, which
 * `tree` contains. Their order allows plan_undo to undo them from last to first.
 * The caller marks the steps as applied (plan_assume_applied): plan_undo undoes no other steps.
 */
void found_gadget_add_steps(struct plan *plan, const struct configfs_tree *tree, const char *dir);
/*
 * Adds the step that binds the gadget. It must be the last step, so that the undo unbinds the
 * gadget first.
 */
void found_gadget_add_bind_step(struct plan *plan, const char *dir);
