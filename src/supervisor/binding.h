/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binds and unbinds a gadget that is up. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"

struct usb_host_state;
struct live_gadget;
struct plan;
struct step;

enum binding_state {
	BINDING_OFF,		    /* not bound because of `unbind` or --no-bind */
	BINDING_ON,		    /* bound */
	BINDING_UNBOUND_EXTERNALLY, /* unbound by another program; ffsctl does not rebind it */
	BINDING_UDC_REMOVED,	    /* the kernel binds the gadget again when the UDC appears */
	/* ffsctl, and not the kernel, binds the gadget again when the UDC exists and all workers
	   are ready */
	BINDING_REBIND_DUE,
	BINDING_FAILED, /* unbound because a worker is WORKER_FAILED (on_failed) */
	BINDING_STATE_COUNT
};

enum binding_event {
	BINDING_EV_BIND,	/* `bind` was requested, and every worker is ready */
	BINDING_EV_UNBIND,	/* `unbind` was requested */
	BINDING_EV_READY,	/* every worker is ready */
	BINDING_EV_RECONNECT,	/* a worker ended in a transfer, and its on_crash is "reconnect" */
	BINDING_EV_FAILED,	/* a worker became WORKER_FAILED, and its on_failed is "unbind" */
	BINDING_EV_EP0_CLOSED,	/* a daemon closed its files, so the kernel unbound the gadget
				 * (f_fs.c, ffs_closed)
				 */
	BINDING_EV_BOUND,	/* the kernel has bound the gadget to its UDC */
	BINDING_EV_UNBOUND,	/* another program unbound it, in configfs or in the driver core */
	BINDING_EV_UDC_REMOVED, /* the UDC does not exist any more */
	BINDING_EV_REBIND_FAILED, /* the UDC exists again, but the kernel could not rebind the
				     gadget */
	BINDING_EVENT_COUNT
};

/*
 * The UDC that the gadget is bound to or must be bound to, and the state of the bind. The struct
 * owns all strings, unless a comment says otherwise.
 */
struct binding {
	struct live_gadget *live;
	struct usb_host_state *host;
	enum binding_state state;	   /* valid while all steps are applied */
	const char *udc_from_command_line; /* --udc; NULL: not given; not owned */
	bool udc_may_be_missing; /* the gadget comes up even if the UDC of --udc does not exist */
	bool must_stay_unbound; /* the gadget must stay unbound, because of --no-bind or `unbind` */
	char *udc; /* UDC to which the gadget is bound, or before the bind the UDC that was chosen;
		      NULL: none was chosen, or `unbind` has unbound the gadget */
	char *udc_before_unbind; /* UDC before `unbind`; NULL: none */
	char *udc_before_reload; /* UDC that the gadget was bound to before the current reload
				    unbound it; NULL: the reload did not unbind it */
	char *requested_udc;	 /* UDC that `bind` names; NULL: none */
	bool bind_pending;	 /* `bind` was requested, and waits until the workers are ready */
	struct error bind_error; /* reason why the last bind or rebind failed */
	bool bind_found_no_udc;	 /* the last rebind was not tried, because the UDC did not exist */

	/* optional_functions.c */
	struct fd_watch optional_timer; /* maximum wait for optional workers; owned */
	bool awaits_optional;		/* the timer runs */
	bool optional_wait_is_over;	/* the timer has fired since the gadget was last bound */

	/* binding_uevents.c */
	struct fd_watch uevent_watch; /* owned */
	bool watches_uevents;	 /* the socket was opened, or its open failed and is not repeated */
	char *uevent_filter_udc; /* UDC whose uevents are received; NULL: those of all devices */
	bool uevent_arrived;	 /* a uevent arrived since the last check, or anything else that
				    requests one (binding_request_check) */
	bool new_udc_uevent_arrived; /* a uevent announced a new UDC since the last check */

	/* rebind_delay.c */
	struct fd_watch rebind_timer;
	double bound_since;	/* monotonic time of the last bind */
	bool files_were_closed; /* a daemon has closed its files, and the delay of the rebind is not
				   computed yet */
	bool was_healthy;	/* the gadget was bound long enough before that */
	double rebind_delay; /* delay of the next rebind after the workers are ready, in seconds */
	bool rebind_is_delayed;	   /* the workers are ready, and the delay has begun */
	bool rebind_delay_is_over; /* the delay has ended, and the gadget can be bound */

	/* binding_writes.c */
	struct fd_watch write_watch; /* inotify(7) for the gadget's directory in configfs; owned */
	bool written_by_others;	     /* another program wrote to UDC after the gadget was bound */
	bool bound_while_watched; /* the gadget was bound after write_watch was opened, so that no
				     write is missed */
};

void binding_init(struct binding *binding, struct live_gadget *live, struct usb_host_state *host);
void binding_free(struct binding *binding);
/* Opens the binding's timer in the loop of the gadget. Returns a negative errno on failure. */
int binding_open_timer(struct binding *binding);
/*
 * await_udc.c: chooses the UDC. If none matches, waits at most `seconds` for one; HUGE_VAL: no
 * limit. Returns 0 after binding->udc was set, or if `down` was requested before
 * (GADGET_STOPPING). If the UDC is removed later, before the bind, the gadget comes up without it
 * (binding_set_first_state).
 */
int binding_await_udc(struct binding *binding, double seconds, struct error *err);

/*
 * Sets the state of a gadget that came up: BINDING_ON, BINDING_OFF if it has no UDC, or
 * BINDING_REBIND_DUE if the UDC was removed while the gadget came up.
 */
void binding_set_first_state(struct binding *binding);
/*
 * Sets the state of a gadget that was taken over. `udc` is the UDC of its plan; NULL: the plan has
 * no bind. If `no_bind`, a command had unbound the gadget or it was never bound; then `state` is
 * not used.
 */
void binding_set_state_after_takeover(struct binding *binding, const char *udc, bool no_bind,
				      enum binding_state state);

/*
 * Requests a bind to `udc`; NULL: to the last UDC, or, if there is none, to the one that `up` would
 * choose. Later binding_handle_uevents_and_bind binds the gadget, when the workers are ready. Sets
 * *changed to false if the gadget is bound already. Fails with EX_CANTCREAT if the gadget is bound
 * to a UDC other than `udc`, if a program other than ffsctl bound it, or if an earlier `bind` to a
 * different UDC still waits for workers.
 */
int binding_request_bind(struct binding *binding, const char *udc, bool *changed,
			 struct error *err);
/*
 * Unbinds the gadget; afterwards only binding_request_bind binds it again. Sets *changed to false
 * if the gadget was not bound.
 */
int binding_unbind(struct binding *binding, bool *changed, struct error *err);

/*
 * Returns whether the gadget is bound to binding->udc. Asks the kernel, because any program can
 * write to configfs.
 */
bool binding_is_bound_in_kernel(const struct binding *binding);
/* Returns whether the gadget must be bound, and its UDC does not exist. */
bool binding_udc_is_missing(const struct binding *binding);
/*
 * Returns whether the gadget must be bound, and its UDC does not exist, or is back since the last
 * bind did not find it.
 */
bool binding_lacks_udc(const struct binding *binding);
/* Returns whether the gadget is unbound only because its UDC does not exist. */
bool binding_awaits_udc(const struct binding *binding);

/*
 * Returns whether the gadget is not bound, and ffsctl binds it as soon as its workers are ready,
 * without a command.
 */
bool binding_is_due(const struct binding *binding);

/* Cancels a bind that waits for the workers, because the commands that requested it have ended. */
void binding_cancel_bind(struct binding *binding);

/*
 * Moves binding->udc to binding->udc_before_reload. Called before a reload unbinds the gadget to
 * bind it again.
 */
void binding_set_udc_aside(struct binding *binding);
/* Moves binding->udc_before_reload back to binding->udc. */
void binding_restore_udc_set_aside(struct binding *binding);
/* Sets binding->udc to `udc`; the binding takes ownership of the string. */
void binding_set_udc_after_reload(struct binding *binding, char *udc);
/*
 * Sets the state after a reload that unbound the gadget: bound to binding->udc again (BINDING_ON),
 * or to be bound (BINDING_REBIND_DUE), because the UDC was removed (`lacks_udc`) or an optional
 * function does not work.
 */
void binding_set_state_after_reload(struct binding *binding, enum binding_state state,
				    bool lacks_udc);

/*
 * Requests that the next binding_handle_uevents_and_bind compares the state with that of the
 * kernel: something may have unbound the gadget.
 */
void binding_request_check(struct binding *binding);
/*
 * Stores which descriptors the daemons have. Called before a bind: if the kernel unbinds the gadget
 * later, others show that a daemon closed its files.
 */
void binding_store_descriptors(struct binding *binding);

/*
 * Unbinds the gadget, so that its host connects anew, because a worker with on_crash = "reconnect"
 * has ended in the middle of a transfer. It is bound again when all workers are ready. Returns
 * false if it was not bound, or if it could not be unbound: then `err` has the reason.
 */
bool binding_reconnect(struct binding *binding, struct error *err);

/* Unbinds the gadget, because a worker with on_failed = "unbind" is WORKER_FAILED. */
void binding_handle_failed_worker(struct binding *binding);

/*
 * Called for `restart` when its workers are ready. Returns true if the command need not wait for a
 * rebind: none is due, or the rebind has succeeded or failed (err has the reason). Returns false
 * while a rebind waits, for other workers or for the end of a reload.
 */
bool binding_rebind_has_ended(const struct binding *binding, struct error *err);

/*
 * Checks, before a reload or a switch, that no other bind conflicts with it. Fails with
 * EX_CANTCREAT if another program bound the gadget, or if a `bind` waits for workers.
 */
int binding_check_no_foreign_or_pending_bind(const struct binding *binding, struct error *err);
/*
 * Called after each change: compares the state with that of the kernel, and binds when the workers
 * are ready.
 */
void binding_handle_uevents_and_bind(struct binding *binding);
/* binding_uevents.c: starts, changes or ends the watch of uevents as the current state needs it. */
void binding_update_uevent_watch(struct binding *binding);
