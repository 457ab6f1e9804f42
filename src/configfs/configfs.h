/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the steps that create a struct gadget in configfs. */
#pragma once

#include "base/paths.h"
#include "configfs/backend.h"
#include "gadgetfile/gadget.h"
#include "plan/plan.h"

/* Data that the steps of one gadget share; must exist as long as the plan. */
struct configfs {
	const struct paths *paths;
	const struct gadget *gadget;
	struct backend backend;
	/*
	 * Attributes whose value the kernel has changed, in the order in which they were written.
	 */
	struct changed_value {
		char *path;	    /* path of the attribute; the list contains each path once */
		char *text;	    /* warning for the status */
		struct position at; /* position of the value in the gadget file */
	} * changed_values;
	size_t n_changed_values;
};
/* Closes the back end, which is only needed for making items; called after `up` and a reload. */
void configfs_close(struct configfs *c);
/*
 * Replaces the note about the attribute that the step writes. Takes ownership of `text`, the
 * warning; NULL: the kernel has not changed the value.
 */
void configfs_note_changed_value(struct configfs *c, const struct step *step, char *text);
/*
 * Called after a reload: removes the notes about attributes that the plan does not write any more,
 * and updates the positions of the others.
 */
void configfs_update_changed_values(struct configfs *c, const struct plan *plan);
void configfs_forget_changed_values(struct configfs *c);
/* Frees everything, also the changed values, which configfs_close keeps for the status. */
void configfs_free(struct configfs *c);

/* Returns the gadget's directory in configfs; the caller frees it. */
char *configfs_gadget_path(const struct paths *paths, const char *name);
/* Returns the directory of one of the gadget's functions; the caller frees it. */
char *configfs_function_path(const struct paths *paths, const char *gadget, const char *type,
			     const char *instance);

/* Adds the steps that make the gadget, up to the links in its configurations. */
void configfs_add_gadget(struct plan *plan, struct configfs *c);
/* Adds the last step of the plan, which binds the gadget to the UDC. */
void configfs_add_bind(struct plan *plan, struct configfs *c, const char *udc);

/* The operations of all steps in this directory, for plan_from_json; ends with NULL. */
extern const struct step_op *const configfs_ops[];
