/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/state.h"

#include "base/trace.h"
#include "supervisor/notify.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

static const struct {
	const char *name;	  /* in traces */
	enum phase phase;	  /* the phase that functions see */
	const char *status;	  /* NULL: depends on bus and workers */
	const char *notification; /* sd_notify(3); NULL: none */
	const char *refusal;	  /* why commands that change the gadget are refused; NULL: they are
				     accepted */
} states[GADGET_STATE_COUNT] = {
	[GADGET_WAITING] = { "WAITING", PHASE_WAITING_UDC, "starting", NULL,
			     "the gadget is not up yet" },
	[GADGET_STARTING] = { "STARTING", PHASE_COMING_UP, "starting", NULL,
			      "the gadget is not up yet" },
	[GADGET_UP] = { "UP", PHASE_UP, NULL, "READY=1", NULL },
	[GADGET_RELOADING] = { "RELOADING", PHASE_UP, NULL, NOTIFY_RELOADING,
			       "it is being reloaded: try again when that is over" },
	[GADGET_REVERTING] = { "REVERTING", PHASE_UP, NULL, NOTIFY_RELOADING,
			       "it is being reloaded: try again when that is over" },
	[GADGET_BROKEN] = { "BROKEN", PHASE_UP, "degraded", "READY=1",
			    "the gadget is not up: take it down, then up again" },
	[GADGET_FAILED] = { "FAILED", PHASE_UP, "failed", "READY=1",
			    "the gadget is not up: take it down, then up again" },
	[GADGET_SWITCHING] = { "SWITCHING", PHASE_GOING_DOWN, "degraded", NULL,
			       "it is about to become another gadget (switch_to)" },
	[GADGET_STOPPING] = { "STOPPING", PHASE_GOING_DOWN, "degraded", "STOPPING=1",
			      "the gadget is being taken down" },
	[GADGET_SWITCHED] = { "SWITCHED", PHASE_GONE, "degraded", NULL,
			      "it is about to become another gadget (switch_to)" },
	[GADGET_GONE] = { "GONE", PHASE_GONE, "degraded", "STOPPING=1", "the gadget is down" },
};

static const char *const events[GADGET_EVENT_COUNT] = {
	[GADGET_EV_BEGIN] = "BEGIN",
	[GADGET_EV_MADE] = "MADE",
	[GADGET_EV_TAKE_OVER] = "TAKE_OVER",
	[GADGET_EV_RELOAD] = "RELOAD",
	[GADGET_EV_RELOADED] = "RELOADED",
	[GADGET_EV_REVERT] = "REVERT",
	[GADGET_EV_REVERTED] = "REVERTED",
	[GADGET_EV_REVERT_FAILED] = "REVERT_FAILED",
	[GADGET_EV_KEEPER_DIED] = "KEEPER_DIED",
	[GADGET_EV_SWITCH] = "SWITCH",
	[GADGET_EV_DOWN] = "DOWN",
	[GADGET_EV_UNDONE] = "UNDONE",
	[GADGET_EV_DROPPED] = "DROPPED",
};

/*
 * Next states. 0 is GADGET_WAITING, the first state, to which no event leads, and means that the
 * event has no effect.
 */
static const enum gadget_state leads_to[GADGET_STATE_COUNT][GADGET_EVENT_COUNT] = {
	[GADGET_WAITING] = {
		[GADGET_EV_BEGIN] = GADGET_STARTING,
		[GADGET_EV_TAKE_OVER] = GADGET_UP,
		[GADGET_EV_DOWN] = GADGET_STOPPING,
	},
	[GADGET_STARTING] = {
		[GADGET_EV_MADE] = GADGET_UP,
		[GADGET_EV_DOWN] = GADGET_STOPPING,
	},
	[GADGET_UP] = {
		[GADGET_EV_RELOAD] = GADGET_RELOADING,
		[GADGET_EV_KEEPER_DIED] = GADGET_FAILED,
		[GADGET_EV_SWITCH] = GADGET_SWITCHING,
		[GADGET_EV_DOWN] = GADGET_STOPPING,
	},
	[GADGET_RELOADING] = {
		[GADGET_EV_RELOADED] = GADGET_UP,
		[GADGET_EV_REVERT] = GADGET_REVERTING,
		[GADGET_EV_KEEPER_DIED] = GADGET_FAILED,
		[GADGET_EV_DOWN] = GADGET_STOPPING,
	},
	[GADGET_REVERTING] = {
		[GADGET_EV_REVERTED] = GADGET_UP,
		[GADGET_EV_REVERT_FAILED] = GADGET_BROKEN,
		[GADGET_EV_KEEPER_DIED] = GADGET_FAILED,
		[GADGET_EV_DOWN] = GADGET_STOPPING,
	},
	[GADGET_BROKEN] = {
		[GADGET_EV_KEEPER_DIED] = GADGET_FAILED,
		[GADGET_EV_DOWN] = GADGET_STOPPING,
	},
	[GADGET_FAILED] = {
		[GADGET_EV_DOWN] = GADGET_STOPPING,
		[GADGET_EV_DROPPED] = GADGET_GONE,
	},
	[GADGET_SWITCHING] = {
		[GADGET_EV_DOWN] = GADGET_STOPPING,
		[GADGET_EV_UNDONE] = GADGET_SWITCHED,
	},
	[GADGET_STOPPING] = {
		[GADGET_EV_UNDONE] = GADGET_GONE,
	},
};

bool gadget_handle(struct supervisor *s, enum gadget_event event)
{
	enum gadget_state to = leads_to[s->state][event];

	trace("gadget", states[s->state].name, events[event]);
	if (to == GADGET_WAITING)
		return false;
	s->state = to;
	s->live.phase = states[to].phase;
	s->changed = true;
	return true;
}

bool gadget_is_gone(const struct supervisor *s)
{
	return states[s->state].phase == PHASE_GONE;
}

bool gadget_is_made(const struct supervisor *s)
{
	return states[s->state].phase == PHASE_UP && s->state != GADGET_FAILED;
}

bool gadget_is_reloading(const struct supervisor *s)
{
	return s->state == GADGET_RELOADING || s->state == GADGET_REVERTING;
}

const char *gadget_refusal(const struct supervisor *s)
{
	return states[s->state].refusal;
}

/* Returns the status of a gadget whose steps are all applied. */
static const char *status_of_parts(const struct supervisor *s)
{
	if (s->bus == BUS_FAILED)
		return "failed";
	if (gadget_is_reloading(s) && s->reload->was_on)
		return "starting";
	for (size_t n = 0; n < s->live.n; n++) {
		const struct live_worker *worker = s->live.v[n]->worker;

		if (worker && !worker_is_ready_or_idle(worker))
			return "degraded";
	}
	if (s->bus == BUS_REBIND_DUE)
		return "degraded";
	return s->no_bind ? "unbound" : "ready";
}

const char *gadget_status(const struct supervisor *s)
{
	return states[s->state].status ?: status_of_parts(s);
}

const char *gadget_notification(const struct supervisor *s)
{
	return states[s->state].notification ?: "";
}
