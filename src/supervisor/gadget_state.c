/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/gadget_state.h"

#include "base/test_environment.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"

static const struct {
	const char *name;	  /* name of the state in traces */
	enum up_down_phase phase; /* value of functions.up_down_phase in this state */
	/* what `status` prints; STATUS_UNKNOWN: state_of_binding_and_workers finds it out */
	enum gadget_state_in_status status;
	const char *notification; /* notification for sd_notify(3); NULL: none */
	const char *refusal; /* reason why commands that change the gadget are refused; NULL: they
				are accepted */
	const char *hint;    /* hint of the error for a refused command; NULL: none */
} states[GADGET_STATE_COUNT] = {
	[GADGET_WAITING] = { "WAITING", PHASE_WAITING_UDC, STATUS_STARTING, NULL,
			     "the gadget is not up yet", NULL },
	[GADGET_STARTING] = { "STARTING", PHASE_COMING_UP, STATUS_STARTING, NULL,
			      "the gadget is not up yet", NULL },
	[GADGET_UP] = { "UP", PHASE_UP, STATUS_UNKNOWN, "READY=1", NULL, NULL },
	[GADGET_RELOADING] = { "RELOADING", PHASE_UP, STATUS_UNKNOWN, GADGET_NOTIFY_RELOADING,
			       "the gadget is being reloaded", "try again after the reload" },
	[GADGET_REVERTING] = { "REVERTING", PHASE_UP, STATUS_UNKNOWN, GADGET_NOTIFY_RELOADING,
			       "the gadget is being reloaded", "try again after the reload" },
	[GADGET_BROKEN] = { "BROKEN", PHASE_UP, STATUS_DEGRADED, "READY=1",
			    "a reload could not be undone", "take it down, then up again" },
	[GADGET_FAILED] = { "FAILED", PHASE_UP, STATUS_FAILED, "READY=1", "the gadget has failed",
			    "take it down, then up again" },
	[GADGET_SWITCHING] = { "SWITCHING", PHASE_GOING_DOWN, STATUS_DEGRADED, NULL,
			       "the gadget is about to become another gadget (switch_to)", NULL },
	[GADGET_STOPPING] = { "STOPPING", PHASE_GOING_DOWN, STATUS_DEGRADED, "STOPPING=1",
			      "the gadget is being taken down", NULL },
	[GADGET_SWITCHED] = { "SWITCHED", PHASE_GONE, STATUS_DEGRADED, NULL,
			      "the gadget is about to become another gadget (switch_to)", NULL },
	[GADGET_GONE] = { "GONE", PHASE_GONE, STATUS_DEGRADED, "STOPPING=1", "the gadget is down",
			  NULL },
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
 * The next state for each state and event. 0 means that the event has no effect; it is also the
 * value of GADGET_WAITING, the first state, to which no event leads.
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

bool gadget_handle_event(struct live_gadget *live, enum gadget_event event)
{
	enum gadget_state to = leads_to[live->state][event];

	trace_record_lookup("gadget", states[live->state].name, events[event]);
	if (to == GADGET_WAITING)
		return false;
	live->state = to;
	live->functions.up_down_phase = states[to].phase;
	live->needs_plan_and_status_update = true;
	return true;
}

bool gadget_is_down(const struct live_gadget *live)
{
	return states[live->state].phase == PHASE_GONE;
}

bool gadget_steps_are_applied(const struct live_gadget *live)
{
	return states[live->state].phase == PHASE_UP && live->state != GADGET_FAILED;
}

bool gadget_is_reloading(const struct live_gadget *live)
{
	return live->state == GADGET_RELOADING || live->state == GADGET_REVERTING;
}

bool gadget_refuses_commands(const struct live_gadget *live, int exit_status, int error_number,
			     struct error *err)
{
	const char *refusal = states[live->state].refusal, *hint = states[live->state].hint;

	if (refusal)
		error_set(err, exit_status, error_number, NULL, "%s", refusal);
	if (hint)
		error_add_hint(err, "%s", hint);
	return refusal;
}

/* Returns the state that `status` prints for a gadget whose steps are all applied. */
static enum gadget_state_in_status state_of_binding_and_workers(const struct live_gadget *live,
								const struct binding *binding)
{
	if (binding->state == BINDING_FAILED)
		return STATUS_FAILED;
	if (gadget_is_reloading(live) && binding->udc_before_reload)
		return STATUS_STARTING;
	for (size_t n = 0; n < live->functions.n; n++) {
		const struct live_worker *worker = live->functions.list[n]->worker;

		if (live->functions.list[n]->left_out)
			return STATUS_DEGRADED;
		if (worker && !worker_need_not_be_awaited(worker) &&
		    !worker_starts_with_device(worker))
			return STATUS_DEGRADED;
	}
	if (binding->state == BINDING_REBIND_DUE)
		return STATUS_DEGRADED;
	return binding->must_stay_unbound ? STATUS_UNBOUND : STATUS_READY;
}

enum gadget_state_in_status gadget_state_for_status(const struct live_gadget *live,
						    const struct binding *binding)
{
	return states[live->state].status ?: state_of_binding_and_workers(live, binding);
}

const char *gadget_service_notification(const struct live_gadget *live)
{
	return states[live->state].notification ?: "";
}
