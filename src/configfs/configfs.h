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
	struct backend_state backend;
	/*
	 * While steps are added: for each function of the gadget, whether its links are left out;
	 * NULL: none are. Not owned.
	 */
	const bool *is_left_out;
	bool forces_eject; /* the last reload ejects media that the host has locked */
	/*
	 * Attributes whose value the kernel has changed, in the order in which they were written.
	 */
	struct value_changed_by_kernel {
		char *attribute_path; /* path of the attribute; the list contains no path twice */
		char *warning;	      /* text of the warning in the status */
		struct position at;   /* position of the value in the gadget file */
	} * values_changed_by_kernel;
	size_t n_values_changed_by_kernel;
	/*
	 * Activates a UDC that a failed bind has left deactivated (deactivation.h); NULL: nothing
	 * does. Returns 0 or a negative errno.
	 */
	int (*activate_udc)(const struct paths *paths, const char *udc, struct error *err);
	/*
	 * A bind of the gadget failed, and the kernel still counts its deactivations: the next bind
	 * is done twice.
	 */
	bool counts_old_deactivations;
	/*
	 * A failed bind leaves the UDC deactivated until configfs_activate_deactivated_udc() is
	 * called, because the bind is tried again at each event, and an activation is an event.
	 */
	bool activates_udc_later;
	char *deactivated_udc; /* UDC that such a bind has left deactivated; NULL: none */
	/*
	 * Path of the notes about UDCs without the UDC's name (rundir/udc_notes.h); NULL: none are
	 * made.
	 */
	char *udc_note_prefix;
};
/* Closes the back end, because items are only made during `up` and reloads. Called at their end. */
void configfs_close_backend(struct configfs *c);
/*
 * Records that the kernel has changed the value that the step wrote, and takes ownership of
 * `warning`. `warning` NULL: the kernel has not changed the value; removes an earlier record.
 */
void configfs_note_value_changed_by_kernel(struct configfs *c, const struct step *step,
					   char *warning);
/*
 * Called after a reload: removes from values_changed_by_kernel the attributes that the plan does
 * not write any more, and updates the positions of the others.
 */
void configfs_prune_values_changed_by_kernel(struct configfs *c, const struct plan *plan);
void configfs_free_values_changed_by_kernel(struct configfs *c);
/* Closes the back end, and frees values_changed_by_kernel. */
void configfs_free(struct configfs *c);

/* Returns the gadget's directory in configfs; the caller frees it. */
char *configfs_gadget_path(const struct paths *paths, const char *name);
/* Returns the directory of one of the gadget's functions; the caller frees it. */
char *configfs_function_path(const struct paths *paths, const char *gadget, const char *type,
			     const char *instance);

/* Adds all steps that make the gadget, except the bind. */
void configfs_add_gadget_without_bind(struct plan *plan, struct configfs *c);
/* Adds the last step of the plan, which binds the gadget to the UDC. */
void configfs_add_bind(struct plan *plan, struct configfs *c, const char *udc);

/* The operations of all steps in src/configfs, for plan_from_json; ends with NULL. */
extern const struct step_op *const configfs_ops[];
