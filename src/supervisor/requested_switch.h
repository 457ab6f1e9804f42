/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other gadget of a switch, and what was prepared for it before this gadget goes down. */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"
#include "rundir/rundir.h"

struct requested_switch {
	struct gadget *gadget; /* model of the other gadget; the struct owns all members */
	json_t *document;      /* the other gadget's document */
	json_t *switch_json_for_workers; /* the object "switch" in its workers' configurations */
	struct rundir target_rundir;	 /* the other gadget's run directory, locked */
	bool target_has_record; /* a dead supervisor of the other gadget left files and steps, which
			       are undone when this gadget is down */
	char *udc;		/* UDC for the other gadget; NULL: the one that its file selects */
};

/* Frees the struct, and releases the lock on the other gadget's name. */
void requested_switch_free(struct requested_switch *requested);
