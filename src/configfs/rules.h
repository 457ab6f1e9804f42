/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a reload for steps in configfs: which step depends on which. The rules use only op,
 * path and value, so that they also apply to a plan that was read from disk.
 *
 * A function is removed and made again when an attribute changes that cannot be written while the
 * gadget is bound. Such an attribute could be written while no configuration has the function, but
 * some functions would then differ from those that `up` makes: `cdrom` of a drive sets its `ro`,
 * and a network function that was bound once keeps its addresses.
 */
#pragma once

#include "plan/plan.h"

/* Members of struct plan_rules. */
bool configfs_step_depends_on(const struct step *later, const struct step *earlier);
bool configfs_remade_with(const struct step *earlier, const struct step *later);
bool configfs_replaces(const struct step *next, const struct step *last);
