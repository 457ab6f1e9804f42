/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in configfs of a gadget, whoever made it, as a plan that can be undone. */
#pragma once

#include "configfs/tree.h"
#include "plan/plan.h"

/*
 * Adds the gadget's directory and all directories and links below it, in an order in which they
 * could have been made: then undoing removes them in one in which the kernel lets them go. `dir` is
 * the gadget's directory, which `tree` was read from.
 */
void found_add_gadget(struct plan *plan, const struct configfs_tree *tree, const char *dir);
/* That it is bound. Undone, which has to be first, it is not. */
void found_add_bind(struct plan *plan, const char *dir);
