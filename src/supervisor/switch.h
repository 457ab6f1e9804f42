/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replaces a gadget that is up with another one at a worker's request (SWITCH). Before anything is
 * undone, the other gadget file is read, its name is locked, and everything that can be checked is
 * checked. Then this gadget goes down, and the process becomes the supervisor of the other one
 * (client/switch.c).
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"
#include "rundir/rundir.h"

struct supervisor;
struct live_worker;

struct switching {
	struct gadget *gadget; /* the other gadget; owned, like all members */
	json_t *document;      /* its document */
	json_t *switched;      /* "switch" in its workers' configurations */
	struct rundir rundir;  /* its run directory, locked */
	bool has_leftovers; /* files of its dead supervisor exist, which are undone when this gadget
			       is down */
	char *udc;	    /* UDC for the other gadget; NULL: the one that its file selects */
};

/*
 * Handles SWITCH of a worker: the name, a NUL, and a message for the other gadget. Only in
 * PHASE_UP.
 */
void switch_asked(struct supervisor *s, struct live_worker *worker, const char *body, size_t size);
/* Frees the request and releases the name. */
void switching_free(struct switching *switching);
/* Cancels a switch, for `down`. */
void switch_cancel(struct supervisor *s);
