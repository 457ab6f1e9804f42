/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/link_state.h"

#include "base/test_environment.h"
#include "base/util.h"

enum link_status { LINK_UNBOUND, LINK_BOUND, LINK_ENABLED, LINK_SUSPENDED, LINK_COUNT };

/*
 * Returns the state as one value. A function can be suspended only while it is enabled
 * (composite.c, composite_suspend).
 */
static enum link_status link_status_of(const struct link_state *state)
{
	if (state->enabled)
		return state->suspended ? LINK_SUSPENDED : LINK_ENABLED;
	return state->bound ? LINK_BOUND : LINK_UNBOUND;
}

#define UNBOUND LINK_UNBOUND
#define BOUND LINK_BOUND
#define ENABLED LINK_ENABLED
#define SUSPENDED LINK_SUSPENDED

/*
 * The next state for each event (row) and each state (column). Some transitions are possible only
 * because the kernel drops older events: after UNBIND and BIND it reports only BIND, after BIND and
 * ENABLE only ENABLE. If SUSPEND or RESUME is read while the function is not enabled, the kernel
 * has dropped an ENABLE that came before. The kernel does this only when it queues a later BIND,
 * UNBIND, ENABLE or DISABLE. So the suspended state is already over, and this later event, which is
 * read next, tells the current state.
 */
/* clang-format off */
static const struct {
	const char *word;
	uint8_t event;
	enum link_status to[LINK_COUNT];
} rows[] = {
	/*				      unbound  bound    enabled    suspended */
	{ "bind",    FFSCTL_EVENT_BIND,	    { BOUND,   BOUND,   BOUND,     BOUND     } },
	{ "unbind",  FFSCTL_EVENT_UNBIND,   { UNBOUND, UNBOUND, UNBOUND,   UNBOUND   } },
	{ "enable",  FFSCTL_EVENT_ENABLE,   { ENABLED, ENABLED, ENABLED,   ENABLED   } },
	{ "disable", FFSCTL_EVENT_DISABLE,  { BOUND,   BOUND,   BOUND,     BOUND     } },
	{ "suspend", FFSCTL_EVENT_SUSPEND,  { BOUND,   BOUND,   SUSPENDED, SUSPENDED } },
	{ "resume",  FFSCTL_EVENT_RESUME,   { BOUND,   BOUND,   ENABLED,   ENABLED   } },
};
/* clang-format on */

bool link_state_apply(struct link_state *state, const struct ffsctl_event *event)
{
	static const char *const words[] = { "unbound", "bound", "enabled", "suspended" };
	enum link_status link = link_status_of(state);
	size_t row = 0;

	while (row < ARRAY_SIZE(rows) && rows[row].event != event->event)
		row++;
	if (row == ARRAY_SIZE(rows))
		return false;
	trace_record_lookup("link", words[link], rows[row].word);
	link = rows[row].to[link];
	state->bound = link != LINK_UNBOUND;
	state->enabled = link == LINK_ENABLED || link == LINK_SUSPENDED;
	state->suspended = link == LINK_SUSPENDED;
	if (event->event == FFSCTL_EVENT_ENABLE)
		state->speed = event->speed;
	return true;
}

size_t link_state_to_events(const struct link_state *state, uint16_t max_transfer,
			    struct ffsctl_event *events)
{
	size_t n = 0;

	if (state->bound)
		events[n++] = (struct ffsctl_event){ .event = FFSCTL_EVENT_BIND };
	if (state->enabled)
		events[n++] = (struct ffsctl_event){ .event = FFSCTL_EVENT_ENABLE,
						     .speed = state->speed,
						     .max_transfer = max_transfer };
	if (state->suspended)
		events[n++] = (struct ffsctl_event){ .event = FFSCTL_EVENT_SUSPEND };
	return n;
}
