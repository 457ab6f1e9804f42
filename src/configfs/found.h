/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gadget found in configfs, by whatever program it was made, as a plan that can be undone. */
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
