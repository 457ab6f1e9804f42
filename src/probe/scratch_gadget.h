/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A temporary gadget with a FunctionFS instance, to probe the kernel or to change the state of a
 * UDC. Its name is ".ffsctl-probe.N", which no gadget file can have. It has a run directory with
 * lock and record, as other gadgets have. If the lock is not held, the command that made the
 * scratch gadget has died, and the next command removes the gadget.
 */
#pragma once

#include "base/paths.h"
#include "configfs/configfs.h"
#include "rundir/rundir.h"

struct scratch_gadget {
	char *name; /* name of the gadget, and of its FunctionFS instance */
	char *dir;  /* directory of the gadget in configfs */
	/* Steps that make the gadget; callers may add steps before each scratch_gadget_apply. */
	struct plan plan;
	struct configfs configfs; /* context of the steps */
	struct gadget model;	  /* has only the name */
	struct rundir rundir;
};

/*
 * Chooses and locks a name, and plans a gadget with a FunctionFS function. First removes the
 * scratch gadgets of commands that have died. Returns 0 or a negative errno; the caller must call
 * scratch_gadget_free() in both cases.
 */
int scratch_gadget_init(struct scratch_gadget *s, const struct paths *paths, struct error *err);
/* Writes the record and applies the steps that are not applied yet. Needs root. */
int scratch_gadget_apply(struct scratch_gadget *s, struct error *err);
/*
 * Undoes all steps, and removes the run directory. `r` is the result so far: if it is a negative
 * errno, `err` and the result are not changed. Else returns 0 or a negative errno.
 */
int scratch_gadget_remove(struct scratch_gadget *s, int r, struct error *err);
void scratch_gadget_free(struct scratch_gadget *s);
#define _cleanup_scratch_gadget_ _cleanup_(scratch_gadget_free)

/* Removes the scratch gadgets of commands that were killed. */
int scratch_gadgets_remove_leftovers(const struct paths *paths, struct error *err);
