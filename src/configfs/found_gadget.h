/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a plan from a gadget that was found in configfs, so that the gadget can be undone. */
#pragma once

#include "configfs/tree.h"
#include "plan/plan.h"

/*
 * Adds steps for the gadget's directory, and for all directories and links below it. The kernel
 * allows the undo of the steps in the reverse order. `dir` is the gadget's directory, from which
 * `tree` was read.
 */
void found_gadget_add_steps(struct plan *plan, const struct configfs_tree *tree, const char *dir);
/* Adds the step that binds the gadget. It must be the last step, because its undo comes first. */
void found_gadget_add_bind(struct plan *plan, const char *dir);
