/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reload has to know of the steps in configfs: which rest on which, and what may change
 * while the host looks on. All by op, path and value, so that it is true of a plan that was read
 * from disk as well.
 *
 * A function is made anew when anything of it changes that is not live. Its attributes could be
 * written while no configuration has it, but some functions would not be the same as after `up`:
 * `cdrom` of a drive sets its `ro`, and a network function that was bound once keeps its addresses.
 */
#pragma once

#include "plan/plan.h"

/* Of struct plan_rules. */
bool configfs_rests_on(const struct step *later, const struct step *earlier);
bool configfs_remade_with(const struct step *earlier, const struct step *later);
bool configfs_replaces(const struct step *next, const struct step *last);
