/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another gadget in place of one that is up, because a worker of it asks (SWITCH). The other one's
 * file is read, its name taken, and all that can be known before is looked at, before anything of
 * this one is removed. Then this one goes down, and the process becomes the other one's supervisor
 * (client/switch.c).
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"
#include "rundir/rundir.h"

struct supervisor;
struct live_worker;

struct switching {
	struct gadget *gadget; /* to become; owned, as is all the rest */
	json_t *form;	       /* its JSON form */
	json_t *switched;      /* "switch" in its workers' configuration */
	struct rundir rundir;  /* its own, locked */
	bool has_leftovers;    /* of one that died; they go when this one is down */
	char *udc;	       /* NULL: what its file says */
};

/* A worker's SWITCH: the name, and behind a NUL what to hand over. Only in PHASE_UP. */
void switch_asked(struct supervisor *s, struct live_worker *worker, const char *body, size_t size);
/* Frees it; the name that it holds is free again. */
void switching_free(struct switching *switching);
/* Who takes it down does not want the other one either. */
void switch_cancel(struct supervisor *s);
