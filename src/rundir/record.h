/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a gadget, RUN/NAME/record: the gadget file, the options of `up`, and the plan. The
 * record is written before the first step of the plan, so that another process can undo the steps
 * or take over the gadget. Only root can read it.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "gadgetfile/gadget.h"
#include "plan/plan.h"
#include "rundir/rundir.h"

/* The contents of the record, without the plan. */
struct record {
	char *name; /* name of the gadget */
	char *gadget_file, *gadget_file_dir;
	json_t *document; /* document of the gadget file */
	/* Name of the first gadget of this supervisor, if a switch has replaced it; else NULL */
	char *first_gadget_name;

	/* The options of `up`. */
	char **gadget_dirs;		     /* directories of gadget files; ends with NULL */
	char *requested_udc;		     /* --udc; NULL: not given */
	double keeper_takeover_wait_seconds; /* --hold: time that keepers wait for a takeover */
	double up_timeout_seconds;	     /* --timeout, seconds */
	gid_t gid_allowed_to_control;	     /* --group; 0: root only */
	char *path_env;			     /* PATH of the environment; NULL: it was not set */
};

/* Returns a record without options; the caller frees it. `first_gadget_name` may be NULL. */
struct record record_make(const struct gadget *g, const json_t *document,
			  const char *first_gadget_name);
void record_free(struct record *record);
/* Replaces the gadget file and its document after a reload. */
void record_set_gadget_file(struct record *record, const struct gadget *g, const json_t *document);

/*
 * Reads the record of a gadget. Returns -ENOENT and leaves `err` empty if there is no record.
 * Missing values become NULL or 0. The caller frees the record, also on failure.
 */
int record_read(const struct paths *paths, const char *name, struct record *record,
		struct error *err);
/* Writes the record and the plan to RUN/NAME/record. */
int record_write(const struct rundir *rundir, const struct record *record, const struct plan *plan,
		 struct error *err);
/*
 * Reads the plan of a record. Marks all steps as applied, because each of them may need an undo.
 * The plan stays empty if there is no record. `ops` lists the known step ops and ends with NULL.
 */
int record_read_plan(const struct paths *paths, const char *name, const struct step_op *const *ops,
		     struct plan *plan, struct error *err);

/* Returns whether two records describe the same gadget. Ignores `autostart` and the options. */
bool records_describe_equal_gadgets(const struct record *a, const struct record *b);
/*
 * Sets the error for a record that does not contain the path of the gadget file. `name` is the name
 * of the gadget. Returns a negative errno.
 */
int record_fail_no_gadget_file(const char *name, struct error *err);
/* Returns whether the gadget has another name than in its gadget file (`up --name`). */
bool record_name_was_overridden(const struct record *record);
