/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a gadget: one table of states and events. The state determines what `status` prints,
 * what is sent to a service manager, which commands are refused with which message, and the `phase`
 * in struct functions. The binding (binding.h) and each worker (function/worker.h) have states of
 * their own.
 */
#pragma once

#include <stdbool.h>

#include "function/functions.h"
#include "rundir/status.h"

struct binding;
struct live_gadget;

/* The notification of a gadget that is reloaded; sd_notify(3). */
#define GADGET_NOTIFY_RELOADING "RELOADING=1"

enum gadget_state {
	GADGET_WAITING,	  /* no step is applied yet; the gadget may be waiting for a UDC */
	GADGET_STARTING,  /* steps are being applied */
	GADGET_UP,	  /* all steps are applied; binding and workers have states of their own */
	GADGET_RELOADING, /* another gadget file is being applied */
	GADGET_REVERTING, /* a reload failed and is being reverted */
	GADGET_BROKEN,	  /* a reload failed and could not be reverted: only `down` is possible */
	GADGET_FAILED,	  /* a function failed because its keeper died: only `down` is possible */
	GADGET_SWITCHING, /* steps are being undone because of a switch to another gadget */
	GADGET_STOPPING,  /* steps are being undone */
	GADGET_SWITCHED,  /* the gadget is down; this process becomes the supervisor of another
			     gadget */
	GADGET_GONE,	  /* the gadget is down; steps that could not be undone are in the record */
	GADGET_STATE_COUNT
};

enum gadget_event {
	GADGET_EV_BEGIN,     /* the UDC is chosen, or none is needed */
	GADGET_EV_MADE,	     /* all steps are applied */
	GADGET_EV_TAKE_OVER, /* the gadget of a dead supervisor is taken over: everything that the
				supervisor made still exists */
	GADGET_EV_RELOAD,    /* a reload begins: the gadget file is valid and can be applied */
	GADGET_EV_RELOADED,  /* all changes are applied */
	GADGET_EV_REVERT,    /* a change failed, or the reload took longer than its timeout */
	GADGET_EV_REVERTED,  /* all changes are undone */
	GADGET_EV_REVERT_FAILED, /* a change cannot be undone */
	GADGET_EV_KEEPER_DIED,	 /* a keeper died and cannot be replaced */
	GADGET_EV_SWITCH,	 /* a worker requested another gadget, and the checks succeeded */
	GADGET_EV_DOWN,		 /* `down`, a signal, or the gadget cannot come up */
	GADGET_EV_UNDONE,	 /* every step is undone, or cannot be undone */
	/* in the foreground: the gadget has failed, and all its workers have ended */
	GADGET_EV_DROPPED,
	GADGET_EVENT_COUNT
};

/*
 * Changes the state as the table defines for the event. Returns false, and changes nothing, if the
 * event has no effect in the current state.
 */
bool gadget_handle_event(struct live_gadget *live, enum gadget_event event);

/* Returns whether the gadget is down and the supervisor can end. */
bool gadget_is_down(const struct live_gadget *live);
/*
 * Returns whether all steps are applied and none is being undone. Only then the supervisor manages
 * the bind and restarts workers.
 */
bool gadget_steps_are_applied(const struct live_gadget *live);
/* Returns whether a reload is being applied or reverted. */
bool gadget_is_reloading(const struct live_gadget *live);
/*
 * Returns whether commands that change the gadget are refused. If so, sets the error to the exit
 * status `exit_status` and the errno `error_number`.
 */
bool gadget_refuses_commands(const struct live_gadget *live, int exit_status, int error_number,
			     struct error *err);
/* Returns the state that `status` prints; see ffsctl(8), "States". */
enum gadget_state_in_status gadget_state_for_status(const struct live_gadget *live,
						    const struct binding *binding);
/* Returns the notification for a service manager (sd_notify(3)); "": none. */
const char *gadget_service_notification(const struct live_gadget *live);
