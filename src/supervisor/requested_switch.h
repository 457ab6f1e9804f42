/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target of a switch, which is the gadget to switch to, and what was prepared for it before the
 * current gadget goes down.
 */
#pragma once

#include <jansson.h>

#include "gadgetfile/gadget.h"
#include "rundir/rundir.h"

struct requested_switch {
	struct gadget *target_gadget;	 /* model of the target; the struct owns all members */
	json_t *target_document;	 /* document of the target's gadget file */
	json_t *switch_json_for_workers; /* the object "switch" in the configurations of the
					    target's workers */
	struct rundir target_rundir;	 /* run directory of the target, locked */
	/* a dead supervisor left a record of the target; its steps are undone after the current
	   gadget has gone down */
	bool target_has_record;
	char *target_udc; /* UDC for the target; NULL: the one that its gadget file selects */
};

/* Frees the struct, and releases the lock on the target's name. */
void requested_switch_free(struct requested_switch *requested);
