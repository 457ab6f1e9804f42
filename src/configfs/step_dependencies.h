/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dependencies between steps in configfs, for a reload. They follow only from the members op,
 * path and value of the steps, so that they also apply to a plan that was read from a record.
 *
 * Some attributes of a function cannot be written while the gadget is bound. If the value of one of
 * them changes, the reload removes the function and makes it again. It would not suffice to remove
 * only the links to the function and to write the attribute, because the result would differ from
 * what `up` makes: writing `cdrom` of a LUN also changes the LUN's `ro`, and a network function
 * keeps its addresses after its first bind.
 */
#pragma once

#include "plan/plan.h"

/* The functions for the members of struct plan_rules, which plan/difference.h describes. */
bool configfs_step_depends_on(const struct step *later, const struct step *earlier);
bool configfs_earlier_must_be_reapplied_if_later_changes(const struct step *earlier,
							 const struct step *later);
bool configfs_step_can_replace(const struct step *next, const struct step *last);
