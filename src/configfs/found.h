/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a plan that can be undone from a gadget found in configfs, whichever program made it. */
#pragma once

#include "configfs/tree.h"
#include "plan/plan.h"

/*
 * Adds steps for the gadget's directory and all directories and links below it, in an order in
 * which they could have been made: undoing removes them in an order that the kernel allows. `dir`
 * is the gadget's directory, from which `tree` was read.
 */
void found_add_gadget(struct plan *plan, const struct configfs_tree *tree, const char *dir);
/* Adds the step that binds it; its undo comes first and unbinds the gadget. */
void found_add_bind(struct plan *plan, const char *dir);
