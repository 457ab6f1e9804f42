/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the plan of a gadget: everything that its gadget file defines, as steps. Applies nothing.
 */
#pragma once

#include "configfs/configfs.h"
#include "function/function.h"

/*
 * Returns all kinds of steps that a plan or a record may have, as a list that ends with NULL. The
 * caller frees the list.
 */
const struct step_op **gadget_step_ops(void);

/*
 * Creates a live function for each function of the model that has an `ffs` group or a worker. The
 * caller owns *list, also on failure.
 */
int gadget_make_live_functions(struct functions *all, const struct gadget *g,
			       struct live_function ***list, size_t *n, struct error *err);
/*
 * Sets which functions of the list are left out: those that are optional, and that the gadget of
 * the applied plan `base` has, but its configurations do not.
 */
void gadget_set_left_out_functions(const struct gadget *g, struct live_function **list, size_t n,
				   const struct plan *base);
/*
 * Adds all steps of the gadget to `plan`, in their order, but no links to functions that are left
 * out. `udc` NULL: without a bind step. `base`:
 * see function_add_steps.
 */
void gadget_add_steps(struct configfs *configfs, const struct gadget *g,
		      struct live_function **list, size_t n, const char *udc,
		      const struct plan *base, struct plan *plan);
/* Returns the last step of the plan if it binds the gadget, else NULL. */
struct step *gadget_last_step_if_bind(struct plan *plan);
/* Returns the applied bind step of a plan; NULL: the gadget is not bound. */
const struct step *gadget_find_applied_bind(const struct plan *plan);
/* Removes a bind step that is not applied; binding_states.c adds it again before a bind. */
void gadget_remove_unapplied_bind(struct plan *plan);

/* --- plan_preview.c --- */

/* A plan that is only printed or checked, never applied, with the data that its steps point at. */
struct plan_preview {
	struct loop loop;
	struct rundir rundir; /* only the path is set */
	struct log_file log_file;
	struct functions functions;
	struct configfs configfs;
	struct plan plan;
};

/*
 * Opens a preview that has no functions and no plan yet. The caller must call plan_preview_free,
 * also on failure.
 */
int plan_preview_open(struct plan_preview *preview, const struct paths *paths, const char *name,
		      struct error *err);
/*
 * Opens a preview, and makes the plan that `up` would apply. `udc` NULL: without a bind step. The
 * caller must call plan_preview_free, also on failure.
 */
int plan_preview_make(struct plan_preview *preview, const struct paths *paths,
		      const struct gadget *g, const char *udc, struct error *err);
void plan_preview_free(struct plan_preview *preview);
