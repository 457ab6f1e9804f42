/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On the bus and off it, while all else of the gadget stays. Only in PHASE_UP. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct plan;
struct step;
struct supervisor;

enum bus_state {
	BUS_OFF,		/* `unbind`, or --no-bind */
	BUS_ON,			/* bound */
	BUS_UNBOUND_EXTERNALLY, /* unbound by another program; ffsctl does not rebind it */
	BUS_UDC_REMOVED,	/* the kernel binds it again when the UDC appears */
	BUS_REBIND_DUE, /* the kernel does not bind it again: ffsctl does, when it is possible */
	BUS_FAILED,	/* unbound because a worker failed for good (on_failed) */
	BUS_STATE_COUNT
};

enum bus_event {
	BUS_EV_BIND,	    /* `bind`, and every worker is ready */
	BUS_EV_UNBIND,	    /* `unbind` */
	BUS_EV_READY,	    /* every worker is ready */
	BUS_EV_FAILED,	    /* a worker failed for good, and its on_failed is "unbind" */
	BUS_EV_EP0_CLOSED,  /* a daemon ended: the kernel unbound the gadget (f_fs.c, ffs_closed) */
	BUS_EV_BOUND,	    /* the kernel has it on its UDC */
	BUS_EV_UNBOUND,	    /* another program unbound it, in configfs or in the driver core */
	BUS_EV_UDC_REMOVED, /* the UDC does not exist */
	BUS_EV_REBIND_FAILED, /* the UDC is back, but the kernel could not bind the gadget again */
	BUS_EVENT_COUNT
};

/* It is up: bound, where it has a UDC. */
void bus_begin(struct supervisor *s);

/*
 * Wants the gadget on the bus: on `udc`, or NULL: where it was, else where `up` would have put it.
 * It is bound as soon as its workers are ready, by bus_look. *changed is false when it is there
 * already. Fails with EX_CANTCREAT when it is on another one, or wanted there by another `bind`, or
 * there by somebody else's doing.
 */
int bus_bind(struct supervisor *s, const char *udc, bool *changed, struct error *err);
/* Takes it off, until bus_bind. *changed is false when it was not on it. */
int bus_unbind(struct supervisor *s, bool *changed, struct error *err);

/* Whether it is where the supervisor has bound it: anybody can write to configfs. */
bool bus_is_on(const struct supervisor *s);
/* Whether nothing but its UDC is missing: it is on the bus as soon as that is there. */
bool bus_awaits_udc(const struct supervisor *s);

/*
 * After a reload that has taken it off the bus: s->udc has it again (BUS_ON), or could not be bound
 * to because it is not there (BUS_REBIND_DUE).
 */
void bus_reloaded(struct supervisor *s, enum bus_state state);

/*
 * A daemon that had ep0 open has ended, and with it its function: the kernel has taken the gadget
 * off the bus (f_fs.c, ffs_closed). It comes back when the next one is ready.
 */
void bus_ep0_closed(struct supervisor *s);

/* A worker has failed for good, and its gadget is not to stay on the bus without it. */
void bus_worker_failed(struct supervisor *s);

/*
 * After a restart: whether it is known if the gadget gets back on the bus that was taken off it
 * because of a worker. Then err says why it does not; one that is off it for another reason is none
 * that must. False: not yet, another worker is still being restarted.
 */
bool bus_has_returned(const struct supervisor *s, struct error *err);

/* The step by which the plan has bound it; NULL: it is not bound. */
const struct step *bus_step(const struct plan *plan);

/* Fails with EX_CANTCREAT when somebody else has put it on the bus, or a bind waits for workers. */
int bus_check(const struct supervisor *s, struct error *err);
/* After each change: what was wanted, or waited for a worker. */
void bus_look(struct supervisor *s);
/* bus_watch.c: has the kernel's uevents wake us up that matter now. */
void bus_watch(struct supervisor *s);
