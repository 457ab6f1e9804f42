/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that make a struct gadget in configfs. */
#pragma once

#include "base/paths.h"
#include "configfs/backend.h"
#include "gadgetfile/gadget.h"
#include "plan/plan.h"

/* What the steps of one gadget share; lives as long as the plan. */
struct configfs {
	const struct paths *paths;
	const struct gadget *gadget;
	struct backend backend;
	/* Values that the kernel changed, in the order in which they were written. */
	struct remark {
		char *path; /* of the attribute; one remark at most for each */
		char *text;
		struct position at;
	} * remarks;
	size_t n_remarks;
};
/* After `up` and after a reload: closes what was only needed for making items. */
void configfs_close(struct configfs *c);
/* Replaces the remark about the step's path. Takes over `text`; NULL: no remark. */
void configfs_remark(struct configfs *c, const struct step *step, char *text);
/* After a reload: removes remarks about paths that are not in the plan; the others get its
 * positions. */
void configfs_settle(struct configfs *c, const struct plan *plan);
void configfs_forget_remarks(struct configfs *c);
/* Frees all; configfs_close keeps the remarks, which the status reports. */
void configfs_free(struct configfs *c);

/* The gadget's directory in configfs; the caller frees it. */
char *configfs_gadget_path(const struct paths *paths, const char *name);
/* The directory of one of its functions. */
char *configfs_function_path(const struct paths *paths, const char *gadget, const char *type,
			     const char *instance);

/* Adds the steps that make the gadget, up to the links in its configurations. */
void configfs_add_gadget(struct plan *plan, struct configfs *c);
/* Adds the last step: binds the gadget to the UDC. */
void configfs_add_bind(struct plan *plan, struct configfs *c, const char *udc);

/* For plan_from_json; ends with NULL. */
extern const struct step_op *const configfs_ops[];
