/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN/NAME/record: the gadget file, the options of `up`, and the plan. It is written before the
 * first step, so that another process can undo the steps or continue. Only root can read it.
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
	json_t *document; /* document of the gadget file */
	char *origin; /* name of the gadget with which the process started, if a switch has replaced
			 it; else NULL */

	/* The options of `up`. */
	char **dirs;	/* directories of gadget files, ends with NULL */
	char *udc;	/* --udc; NULL: not given */
	double hold;	/* --hold, seconds */
	double timeout; /* --timeout, seconds */
	gid_t group;	/* --group; 0: root only */
	char *path;	/* the environment's PATH; NULL in records of older versions */
};

/* Returns a record without options; the caller frees it. `origin` may be NULL. */
struct record record_make(const struct gadget *g, const json_t *document, const char *origin);
void record_free(struct record *record);
/* Replaces the gadget file and its document, after a reload. */
void record_set_file(struct record *record, const struct gadget *g, const json_t *document);

/*
 * Reads a record. Returns -ENOENT and leaves `err` empty if there is none. Missing values are NULL
 * or 0. The caller frees the record, also on failure.
 */
int record_read(const struct paths *paths, const char *name, struct record *record,
		struct error *err);
/* Writes the record with its plan. */
int record_write(const struct rundir *rundir, const struct record *record, const struct plan *plan,
		 struct error *err);
/*
 * Reads the plan of a record, with all steps marked as applied: any of them may need an undo. The
 * plan stays empty if there is no record. `ops` lists the known ops and ends with NULL.
 */
int record_read_plan(const struct paths *paths, const char *name, const struct step_op *const *ops,
		     struct plan *plan, struct error *err);

/* Returns whether two records describe the same gadget; `autostart` and the options may differ. */
bool record_is_of_same_gadget(const struct record *a, const struct record *b);
/* Sets the error of a record that does not name the gadget file. Returns a negative errno. */
int record_lacks_file(const char *name, struct error *err);
/* Returns whether the gadget's name is not the one of its file (`up --name`). */
bool record_is_renamed(const struct record *record);
