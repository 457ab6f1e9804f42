/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dependencies between steps in configfs, for a reload. They follow only from the members op,
 * path and value of the steps, so that they also apply to a plan that was read from a record.
 *
 * If the reload changes an attribute of a function that cannot be written while the gadget is
 * bound, it removes the function and makes it again. It would not suffice to remove the function
 * only from its configurations and to write the attribute: writing `cdrom` of a LUN also changes
 * its `ro`, and a network function keeps its addresses after its first bind. The result would
 * differ from what `up` makes.
 */
#pragma once

#include "plan/plan.h"

/* Members of struct plan_rules (plan/difference.h), whose comments describe them. */
bool configfs_step_depends_on(const struct step *later, const struct step *earlier);
bool configfs_step_forces_reapply_of(const struct step *earlier, const struct step *later);
bool configfs_step_replaces(const struct step *next, const struct step *last);
