/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a reload for steps in configfs: which steps depend on other steps. The rules use
 * only op, path and value of steps, so that they also apply to a plan that was read from a record.
 *
 * If an attribute of a function changes that cannot be written while the gadget is bound, the
 * function is removed and made again. The attribute could also be written while the function is in
 * no configuration, but then some functions would differ from those that `up` makes: writing
 * `cdrom` of a drive changes its `ro`, and a network function that was bound once keeps its
 * addresses.
 */
#pragma once

#include "plan/plan.h"

/* Functions for struct plan_rules, whose comments describe them. */
bool configfs_step_depends_on(const struct step *later, const struct step *earlier);
bool configfs_remade_with(const struct step *earlier, const struct step *later);
bool configfs_replaces(const struct step *next, const struct step *last);
