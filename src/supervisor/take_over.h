/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes over a gadget whose supervisor died while it was up. Keepers and workers run for the time
 * of --hold, and the host notices nothing.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct binding;
struct control;
struct live_gadget;

struct takeover {
	struct live_gadget *live;
	struct binding *binding;
	struct control *control;
	double linger; /* --hold: seconds that keepers wait after the death of the supervisor */
	double linger_sent; /* seconds last sent to the keepers; 0: no takeover possible */
	bool done;	    /* this supervisor took the gadget over */
};

void take_over_init(struct takeover *takeover, struct live_gadget *live, struct binding *binding,
		    struct control *control);

/*
 * Takes over instead of bringing the gadget up. The caller has set rundir and record, except for
 * the plan. Returns 0: the gadget is up with the same keepers and workers. Returns -ESTALE and
 * changes nothing: there is nothing to take over, or it does not match the gadget file; the caller
 * undoes the leftovers and starts anew.
 */
int take_over_if_unchanged(struct takeover *takeover);

/*
 * Takes over without comparing with the gadget file, even if this version would make another plan
 * from it.
 */
int take_over_as_it_is(struct takeover *takeover);

/* Returns whether another supervisor could take over now. */
bool take_over_is_possible(const struct takeover *takeover);
/* Sends the keepers how long to wait for another supervisor if this one dies now. */
void take_over_allow(struct takeover *takeover);
