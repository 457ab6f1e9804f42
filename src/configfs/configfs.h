/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a struct gadget to the steps that make it in configfs. */
#pragma once

#include "base/paths.h"
#include "configfs/usbg.h"
#include "gadgetfile/gadget.h"
#include "plan/plan.h"

/* What the steps of one gadget share; lives as long as the plan. */
struct configfs {
	const struct paths *paths;
	const struct gadget *gadget;
	struct usbg_view view;
	/* What the kernel has made of some values, in the order of the writing. */
	struct remark {
		char *path; /* of the attribute, which has one at most */
		char *text;
		struct origin at;
	} * remarks;
	size_t n_remarks;
};
void configfs_close(struct configfs *c);
/* In place of what there is about that step's path. `text` is taken over; NULL: there is none. */
void configfs_remark(struct configfs *c, const struct step *step, char *text);
/* After a reload: remarks about what is not in the plan go, the others get its places. */
void configfs_settle(struct configfs *c, const struct plan *plan);
void configfs_forget_remarks(struct configfs *c);
/* What configfs_close leaves, for the status. */
void configfs_free(struct configfs *c);

/* GADGET's directory in configfs; the caller frees it. */
char *configfs_gadget_path(const struct paths *paths, const char *name);
/* And that of a function of it. */
char *configfs_function_path(const struct paths *paths, const char *gadget, const char *type,
			     const char *instance);

/* Everything up to the links in the configurations: the gadget without its life. */
void configfs_add_gadget(struct plan *plan, struct configfs *c);
/* The last step: onto the bus. */
void configfs_add_bind(struct plan *plan, struct configfs *c, const char *udc);

/* For plan_from_json; ends with NULL. */
extern const struct step_op *const configfs_ops[];
