/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a gadget: one table of states and events. The state determines what `status` prints,
 * what a service manager is sent, which commands are refused with which message, and which phase
 * functions see. The bus (bus.h) and each worker (function/worker.h) have states of their own.
 */
#pragma once

#include <stdbool.h>

#include "function/owner.h"

struct supervisor;

enum gadget_state {
	GADGET_WAITING,	  /* no step is applied yet; perhaps no UDC exists */
	GADGET_STARTING,  /* steps are being applied */
	GADGET_UP,	  /* all steps are applied; bus and workers have states of their own */
	GADGET_RELOADING, /* on the way to another gadget file */
	GADGET_REVERTING, /* that failed: on the way back */
	GADGET_BROKEN,	  /* the way back failed, too: only `down` is left */
	GADGET_FAILED,	  /* a keeper died, and a function with it: only `down` is left */
	GADGET_SWITCHING, /* on the way down, to become another gadget */
	GADGET_STOPPING,  /* on the way down */
	GADGET_SWITCHED,  /* down; the process goes on as another gadget */
	GADGET_GONE,	  /* down, or what is left cannot be undone */
	GADGET_STATE_COUNT
};

enum gadget_event {
	GADGET_EV_BEGIN,	 /* the UDC is chosen, or none is wanted */
	GADGET_EV_MADE,		 /* the last step is applied */
	GADGET_EV_TAKE_OVER,	 /* everything that a dead supervisor made exists */
	GADGET_EV_RELOAD,	 /* another gadget file, which can be applied */
	GADGET_EV_RELOADED,	 /* the last change is applied */
	GADGET_EV_REVERT,	 /* a change failed, or the time is over */
	GADGET_EV_REVERTED,	 /* the last change is undone */
	GADGET_EV_REVERT_FAILED, /* one cannot be undone */
	GADGET_EV_KEEPER_DIED,	 /* and cannot be replaced */
	GADGET_EV_SWITCH,	 /* a worker asks for another gadget, which can be made */
	GADGET_EV_DOWN,		 /* `down`, a signal, or it cannot come up */
	GADGET_EV_UNDONE,	 /* the last step is undone, or cannot be */
	GADGET_EV_DROPPED,	 /* failed in the foreground, and all workers have ended */
	GADGET_EVENT_COUNT
};

/*
 * Applies an event to the table. Returns false, and changes nothing, if the event has no effect in
 * this state.
 */
bool gadget_handle(struct supervisor *s, enum gadget_event event);

/* Returns whether it is down and the supervisor can end. */
bool gadget_is_gone(const struct supervisor *s);
/*
 * Returns whether all steps are applied and none is being undone, so that bus and workers are
 * managed.
 */
bool gadget_is_made(const struct supervisor *s);
/* Returns whether a reload is applied or reverted. */
bool gadget_is_reloading(const struct supervisor *s);
/* Returns why commands that change it are refused; NULL: they are accepted. */
const char *gadget_refusal(const struct supervisor *s);
/* Returns its word in `status`; see ffsctl(8), "States". */
const char *gadget_status(const struct supervisor *s);
/* Returns the notification for a service manager (sd_notify(3)); "": none. */
const char *gadget_notification(const struct supervisor *s);
