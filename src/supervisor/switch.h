/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replaces a gadget that is up with another one at a worker's request (SWITCH). Before anything is
 * undone, the other file is read, its name taken, and everything checked that can be. Then this
 * gadget goes down, and the process becomes the supervisor of the other one (client/switch.c).
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"
#include "rundir/rundir.h"

struct supervisor;
struct live_worker;

struct switching {
	struct gadget *gadget; /* the other gadget; owned, as all members */
	json_t *document;      /* its document */
	json_t *switched;      /* "switch" in its workers' configurations */
	struct rundir rundir;  /* its run directory, locked */
	bool has_leftovers; /* its dead supervisor left something, which is undone when this gadget
			       is down */
	char *udc;	    /* its UDC; NULL: as its file says */
};

/*
 * Handles SWITCH of a worker: the name, a NUL, and a message for the other gadget. Only in
 * PHASE_UP.
 */
void switch_asked(struct supervisor *s, struct live_worker *worker, const char *body, size_t size);
/* Frees the request and releases the name. */
void switching_free(struct switching *switching);
/* Cancels a switch: `down` wants neither gadget. */
void switch_cancel(struct supervisor *s);
