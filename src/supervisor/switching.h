/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A requested switch: the other gadget, and what was prepared for it. */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"
#include "rundir/rundir.h"

struct switching {
	struct gadget *gadget; /* the other gadget; owned, like all members */
	json_t *document;      /* its document */
	json_t *switched;      /* "switch" in its workers' configurations */
	struct rundir rundir;  /* its run directory, locked */
	bool has_leftovers; /* files of its dead supervisor exist, which are undone when this gadget
			       is down */
	char *udc;	    /* UDC for the other gadget; NULL: the one that its file selects */
};

/* Frees the request and releases the name. */
void switching_free(struct switching *switching);
