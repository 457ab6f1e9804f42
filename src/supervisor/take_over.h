/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking over a gadget whose supervisor has died while it was up: keepers and workers go on for as
 * long as they were told to hold, and the host has noticed nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct supervisor;

/*
 * For a supervisor that has its rundir and its record (but for the plan), in place of coming up. 0:
 * the gadget is up, with the same keepers and workers. -ESTALE: there is nothing to take over that
 * is what the gadget file says; what is left must be cleared, and the supervisor be made anew.
 * Nothing was changed then.
 */
int take_over_if_unchanged(struct supervisor *s);

/* The same whatever the file says now, and even if this version would make another plan of it. */
int take_over_as_it_is(struct supervisor *s);

/* Whether somebody else could take over now. */
bool take_over_is_possible(const struct supervisor *s);
/* Tells the keepers how long to wait for the next supervisor, should this one die now. */
void take_over_allow(struct supervisor *s);
