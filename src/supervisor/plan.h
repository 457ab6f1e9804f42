/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan of a gadget: all that its gadget file asks for, as steps. Changes nothing on the
 * machine. */
#pragma once

#include "configfs/configfs.h"
#include "function/function.h"

/* All steps that a plan, and a record, may have; ends with NULL. The caller frees the list. */
const struct step_op **gadget_plan_ops(void);

/*
 * A live function for each one that has a `ffs` group or a worker. The caller owns *list, also when
 * it fails.
 */
int gadget_plan_functions(struct functions *all, const struct gadget *g,
			  struct live_function ***list, size_t *n, struct error *err);
/* The steps, in their order. `udc` NULL: no bind. `base`: see function_add_steps. */
void gadget_plan_steps(struct configfs *configfs, const struct gadget *g,
		       struct live_function **list, size_t n, const char *udc,
		       const struct plan *base, struct plan *plan);

/* --- preview.c --- */

/* A plan that is not applied, and what is needed to make it. */
struct preview {
	struct loop loop;
	struct rundir rundir; /* its path only */
	struct output output;
	struct functions live;
	struct configfs configfs;
	struct plan plan;
};

/* Without functions and plan. The caller calls preview_free in each case, as of preview_make. */
int preview_open(struct preview *preview, const struct paths *paths, const char *name,
		 struct error *err);
/* Of a gadget that comes up. `udc` NULL: no bind. */
int preview_make(struct preview *preview, const struct paths *paths, const struct gadget *g,
		 const char *udc, struct error *err);
void preview_free(struct preview *preview);
