/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host has done to a function, as FunctionFS' events tell it. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>

struct link_state {
	bool bound, enabled, suspended;
	uint8_t speed; /* enum ffsctl_speed, as of the last ENABLE */
};

/*
 * The kernel's queue keeps only what is newest (f_fs.c, __ffs_event_add): ENABLE may come without
 * BIND, and twice. So there is no event that cannot come, in any state. False: none that is known.
 */
bool link_state_apply(struct link_state *state, const struct ffsctl_event *event);

/* The events that tell this state to who knows of none, at most LINK_STATE_EVENTS; how many. */
#define LINK_STATE_EVENTS 3
size_t link_state_events(const struct link_state *state, struct ffsctl_event *events);
