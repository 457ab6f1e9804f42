/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a function on the bus, derived from FunctionFS' events. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>

struct link_state {
	bool bound, enabled, suspended;
	uint8_t speed; /* speed at the last ENABLE, an enum ffsctl_speed */
};

/*
 * Applies an event. The kernel's queue drops older events (f_fs.c, __ffs_event_add): ENABLE may
 * come without BIND, or twice, so any event is valid in any state. Returns false if the event is
 * unknown.
 */
bool link_state_apply(struct link_state *state, const struct ffsctl_event *event);

/* Writes the events that lead from the unbound state to this one; returns their number. */
#define LINK_STATE_EVENTS 3
size_t link_state_events(const struct link_state *state, struct ffsctl_event *events);
