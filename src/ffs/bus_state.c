/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffs/bus_state.h"

bool bus_state_take(struct bus_state *state, const struct ffsctl_event *event)
{
	switch (event->event) {
	case FFSCTL_EVENT_BIND:
		state->bound = true;
		return true;
	case FFSCTL_EVENT_UNBIND:
		state->bound = state->enabled = state->suspended = false;
		return true;
	case FFSCTL_EVENT_ENABLE:
		state->bound = state->enabled = true;
		state->suspended = false;
		state->speed = event->speed;
		return true;
	case FFSCTL_EVENT_DISABLE:
		state->enabled = false;
		return true;
	case FFSCTL_EVENT_SUSPEND:
		state->suspended = true;
		return true;
	case FFSCTL_EVENT_RESUME:
		state->suspended = false;
		return true;
	default:
		return false;
	}
}

size_t bus_state_tell(const struct bus_state *state, struct ffsctl_event *events)
{
	size_t n = 0;

	if (state->bound)
		events[n++] = (struct ffsctl_event){ .event = FFSCTL_EVENT_BIND };
	if (state->enabled)
		events[n++] = (struct ffsctl_event){ .event = FFSCTL_EVENT_ENABLE,
						     .speed = state->speed };
	if (state->suspended)
		events[n++] = (struct ffsctl_event){ .event = FFSCTL_EVENT_SUSPEND };
	return n;
}
