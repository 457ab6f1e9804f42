/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binds and unbinds a gadget that is up. Used only in PHASE_UP. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"

struct host_state;
struct live_gadget;
struct plan;
struct step;

enum bus_state {
	BUS_OFF,		/* `unbind`, or --no-bind */
	BUS_ON,			/* bound */
	BUS_UNBOUND_EXTERNALLY, /* unbound by another program; ffsctl does not rebind it */
	BUS_UDC_REMOVED,	/* the kernel binds it again when the UDC appears */
	BUS_REBIND_DUE, /* the kernel does not bind it again; ffsctl does when that is possible */
	BUS_FAILED,	/* unbound because a worker failed for good (on_failed) */
	BUS_STATE_COUNT
};

enum bus_event {
	BUS_EV_BIND,	    /* `bind`, and every worker is ready */
	BUS_EV_UNBIND,	    /* `unbind` */
	BUS_EV_READY,	    /* every worker is ready */
	BUS_EV_FAILED,	    /* a worker failed for good, and its on_failed is "unbind" */
	BUS_EV_EP0_CLOSED,  /* a daemon ended: the kernel unbound the gadget (f_fs.c, ffs_closed) */
	BUS_EV_BOUND,	    /* the kernel has bound the gadget to its UDC */
	BUS_EV_UNBOUND,	    /* another program unbound it, in configfs or in the driver core */
	BUS_EV_UDC_REMOVED, /* the UDC does not exist */
	BUS_EV_REBIND_FAILED, /* the UDC is back, but the kernel could not bind the gadget again */
	BUS_EVENT_COUNT
};

/* On which UDC the gadget is, or must be. All strings are owned, unless a comment says otherwise.
 */
struct binding {
	struct live_gadget *live;
	struct host_state *host;
	enum bus_state state;	/* valid while all steps are applied */
	const char *udc_wanted; /* --udc; NULL; not owned */
	bool no_bind;		/* --no-bind or `unbind`: the gadget must stay unbound */
	char *udc; /* UDC that ffsctl chose or bound it to; NULL: none, or unbound by command */
	char *last_udc;		 /* UDC before `unbind`; NULL: none */
	char *udc_before_reload; /* UDC before a reload that rebinds; NULL: none does */
	char *bind_udc;		 /* UDC that `bind` names; NULL: none */
	bool bind_wanted;	 /* `bind` waits for the workers */
	struct error bind_error; /* reason why the last bind or rebind failed */

	/* bus_watch.c */
	struct fd_watch uevents; /* owned */
	bool watches_uevents;	 /* uevents are received, or opening the socket failed */
	char *uevents_of;	 /* UDC whose uevents are received; NULL: all devices */
	bool uevent;		 /* a uevent arrived since the last check */
	bool udc_is_new;	 /* it announced a new UDC */
};

void bus_init(struct binding *binding, struct live_gadget *live, struct host_state *host);
void bus_free(struct binding *binding);
/*
 * await_udc.c: chooses the UDC, and waits for one up to `seconds` (HUGE_VAL: for ever). Returns 0
 * with binding->udc set, or with the gadget stopping if `down` came first.
 */
int bus_await_udc(struct binding *binding, double seconds, struct error *err);

/* Sets the state of a gadget that came up: bound, if it has a UDC. */
void bus_begin(struct binding *binding);
/*
 * Sets the state of a gadget that was taken over. `udc`: that of its plan; NULL: none. `no_bind`:
 * it was unbound by command, or never bound; then `state` is not used.
 */
void bus_take_over(struct binding *binding, const char *udc, bool no_bind, enum bus_state state);

/*
 * Requests a bind to `udc`; NULL: the last UDC, else the one that `up` would choose. bus_update
 * binds when the workers are ready. *changed is false if it is bound already. Fails with
 * EX_CANTCREAT if it is bound to another UDC, or by another program, or if another `bind` waits for
 * another UDC.
 */
int bus_bind(struct binding *binding, const char *udc, bool *changed, struct error *err);
/* Unbinds the gadget until bus_bind. *changed is false if it was not bound. */
int bus_unbind(struct binding *binding, bool *changed, struct error *err);

/*
 * Returns whether the gadget is bound to binding->udc, as the kernel reports: any program can write
 * to configfs.
 */
bool bus_is_on(const struct binding *binding);
/* Returns whether only the UDC is missing: the gadget is bound when it appears. */
bool bus_awaits_udc(const struct binding *binding);

/* Withdraws a bind that waits for the workers: no client waits for it any more. */
void bus_withdraw(struct binding *binding);

/* Called before a reload unbinds the gadget to bind it again. Meanwhile it has no UDC. */
void bus_release_udc(struct binding *binding);
/* Gives it the UDC that it had before bus_release_udc. */
void bus_restore_udc(struct binding *binding);
/* Gives it another UDC instead; `udc` is owned by the callee. */
void bus_move(struct binding *binding, char *udc);
/*
 * Sets the state after a reload that unbound the gadget: bound to binding->udc again (BUS_ON), or
 * waiting for the UDC (BUS_REBIND_DUE).
 */
void bus_reloaded(struct binding *binding, enum bus_state state);

/*
 * Handles the end of a daemon that had ep0 open: the kernel unbound the gadget (f_fs.c,
 * ffs_closed). It is bound again when the next daemon is ready.
 */
void bus_ep0_closed(struct binding *binding);

/* Handles a worker that failed for good, with on_failed = "unbind". */
void bus_worker_failed(struct binding *binding);

/*
 * Returns whether, after a restart, the rebind has succeeded, failed (err has the reason), or is
 * not due. Returns false while another worker is restarted.
 */
bool bus_rebind_has_ended(const struct binding *binding, struct error *err);

/* Returns the bind step of a plan; NULL: not bound. */
const struct step *bus_step(const struct plan *plan);

/* Fails with EX_CANTCREAT if another program bound the gadget, or if a `bind` waits for workers. */
int bus_check(const struct binding *binding, struct error *err);
/* Called after each change: checks the kernel, and binds when the workers are ready. */
void bus_update(struct binding *binding);
/* bus_watch.c: receives the uevents that matter in the current state. */
void bus_watch(struct binding *binding);
