/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a function on the bus, derived from FunctionFS' events. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>

/* The state of the link, from the last events of ep0. */
struct link_state {
	bool bound, enabled, suspended;
	uint8_t speed; /* enum ffsctl_speed: speed of the connection at the last ENABLE */
};

/*
 * Changes the state as the event requires. The kernel drops older events from its queue (f_fs.c,
 * __ffs_event_add), so that ENABLE may come twice or without BIND: any event is valid in any state.
 * Returns false if the event is unknown.
 */
bool link_state_apply(struct link_state *state, const struct ffsctl_event *event);

/*
 * Stores the events that lead from the unbound state to this state, at most LINK_STATE_EVENTS, in
 * `events`. Returns the number of events. `max_transfer`: that of ENABLE (struct ffsctl_event).
 */
#define LINK_STATE_EVENTS 3
size_t link_state_to_events(const struct link_state *state, uint16_t max_transfer,
			    struct ffsctl_event *events);
