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
	/* Values that the kernel changed, in the order in which they were written. */
	struct remark {
		char *path; /* path of the attribute, which has at most one remark */
		char *text;
		struct position at;
	} * remarks;
	size_t n_remarks;
};
/* Closes what is only needed for making items; called after `up` and after a reload. */
void configfs_close(struct configfs *c);
/* Replaces the remark about the step's path. `text`: owned by the remark; NULL: no remark. */
void configfs_remark(struct configfs *c, const struct step *step, char *text);
/* Removes remarks about paths that are not in the plan, and updates the positions of the others;
 * called after a reload. */
void configfs_update_remarks(struct configfs *c, const struct plan *plan);
void configfs_forget_remarks(struct configfs *c);
/* Frees everything, also the remarks, which configfs_close keeps for the status. */
void configfs_free(struct configfs *c);

/* Returns the gadget's directory in configfs; the caller frees it. */
char *configfs_gadget_path(const struct paths *paths, const char *name);
/* Returns the directory of one of its functions; the caller frees it. */
char *configfs_function_path(const struct paths *paths, const char *gadget, const char *type,
			     const char *instance);

/* Adds the steps that make the gadget, up to the links in its configurations. */
void configfs_add_gadget(struct plan *plan, struct configfs *c);
/* Adds the last step: binds the gadget to the UDC. */
void configfs_add_bind(struct plan *plan, struct configfs *c, const char *udc);

/* The operations of these steps, for plan_from_json; ends with NULL. */
extern const struct step_op *const configfs_ops[];
