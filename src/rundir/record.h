/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN/NAME/record: what a gadget came from, how its supervisor was started, and the plan. Written
 * before the first step, so that the next process can undo all there is, or continue. Only root can
 * read it.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "gadgetfile/gadget.h"
#include "plan/plan.h"
#include "rundir/rundir.h"

struct record {
	char *name;
	char *file, *dir; /* the gadget file, and its directory */
	json_t *document; /* its JSON form */
	char *origin;	  /* the gadget that the process was started for, if it switched; NULL */

	/* The options of `up`. */
	char **dirs;	/* where gadget files are found by name; ends with NULL */
	char *udc;	/* --udc; NULL */
	double hold;	/* --hold, seconds */
	double timeout; /* --timeout, seconds */
	gid_t group;	/* --group; 0: root only */
	char *path;	/* PATH, where programs are found; NULL in records of older versions */
};

/* All but the options. `origin` may be NULL. */
struct record record_make(const struct gadget *g, const json_t *document, const char *origin);
void record_free(struct record *record);
/* The gadget has another file from now on. */
void record_set_file(struct record *record, const struct gadget *g, const json_t *document);

/*
 * -ENOENT without a text: there is none. What a damaged one lacks is NULL or 0. The caller frees it,
 * also when this fails.
 */
int record_read(const struct paths *paths, const char *name, struct record *record,
		struct error *err);
int record_write(const struct rundir *rundir, const struct record *record, const struct plan *plan,
		 struct error *err);
/*
 * The plan of a record, every step taken for applied: what there may be to undo. Without a record
 * nothing was made, and the plan is left empty. `ops` ends with NULL.
 */
int record_read_plan(const struct paths *paths, const char *name, const struct step_op *const *ops,
		     struct plan *plan, struct error *err);

/* Whether two records are of the same gadget, no matter when and by whom it is brought up. */
bool record_is_of_same_gadget(const struct record *a, const struct record *b);
/* Whether the gadget has another name than its file gives it (`up --name`). */
bool record_is_renamed(const struct record *record);
