/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The step engine. A plan is a list of small steps, each with its undo. `up` applies the steps in
 * order, and undoes them if one fails. `down` undoes the steps, the last one first. --dry-run
 * prints the plan. `reload` applies the difference of two plans (difference.h). The callers define
 * the operations of the steps.
 *
 * The undo must find everything that a step has made from `op`, `path` and `value` alone, because
 * the step may be undone by another process, which has only the record on disk. An undo is
 * idempotent: it succeeds if nothing is left to undo.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * The step is not finished: the caller must call again after the next event. For steps that wait
 * for a process.
 */
#define PLAN_AGAIN 1
/*
 * The step is not finished, and no event will follow: the caller must call again after PLAN_SOON_MS
 * milliseconds. Only an undo returns this, and only a limited number of times.
 */
#define PLAN_SOON 2
#define PLAN_SOON_MS 10

struct step;

struct step_op {
	const char *name;      /* "mkdir": the word in --dry-run, in messages and in the record */
	const char *undo_name; /* "rmdir"; NULL: the undo of an earlier step undoes this one, too */
	/*
	 * Both return 0, PLAN_AGAIN, or a negative errno with `err` filled; `undo` may also return
	 * PLAN_SOON. When `apply` fails, it must have removed what it has made.
	 */
	int (*apply)(struct step *step, struct error *err);
	int (*undo)(struct step *step, struct error *err);
	bool needs_value; /* the undo reads `value`: a record must have one */
	/*
	 * Writes the previous value, which `apply` has stored. Only steps that write a value have
	 * this function. Only `reload` calls it, because `down` removes the whole directory.
	 */
	int (*restore)(struct step *step, struct error *err);
	/*
	 * Replaces `last`, an applied step of the same op. NULL: `apply` is called instead. Returns
	 * what `apply` returns.
	 */
	int (*replace)(struct step *step, struct step *last, struct error *err);
};

struct step {
	const struct step_op *op;
	char *path;
	char *value;	    /* NULL if the op uses no value */
	struct position at; /* position in the gadget file; `file` is NULL if there is none */
	void *context; /* argument of the op's functions; not owned; NULL in a plan that was read
		       from disk */
	enum { STEP_TODO, STEP_DONE } state;
	unsigned int tries;   /* how often an undo returned PLAN_SOON */
	bool keep_previous;   /* `apply` must read the previous value, for `restore` */
	char *previous_value; /* the previous value; NULL: unknown */
};

struct plan {
	struct step *steps;
	size_t n, capacity;
	size_t next_step; /* index of the first step that is not applied yet */
	/* Called after each step that was applied or undone; may be NULL. */
	void (*on_step)(const struct step *step, bool undone);
};

/*
 * Appends a step. Returns a pointer to it, which is valid until the next plan_add. The plan then
 * owns `path` and `value`.
 */
struct step *plan_add(struct plan *plan, const struct step_op *op, char *path, char *value,
		      const struct position *at, void *self);
void step_free(struct step *step);
void plan_free(struct plan *plan);
#define _cleanup_plan_ _cleanup_(plan_free)

/*
 * Applies the steps in order. Returns 0 when all steps are applied, PLAN_AGAIN when a step waits,
 * or a negative errno when a step fails; `err` then names step and path, and has the position in
 * the gadget file. Undoes nothing.
 */
int plan_apply(struct plan *plan, struct error *err);

/*
 * Undoes the applied steps, the last one first. Continues after a failure, so that as little as
 * possible is left. Then returns the errno of the first failure; `err` has its text and the paths
 * of the other failed steps.
 */
int plan_undo(struct plan *plan, struct error *err);

/* Undoes only the last step that was applied; plan_apply may apply it again. */
int plan_undo_last(struct plan *plan, struct error *err);

/* Marks every step as applied: for a plan that was read from disk. */
void plan_assume_applied(struct plan *plan);

/* Returns the array "plan" of the JSON output; the caller owns it. */
json_t *plan_to_json(const struct plan *plan);
/*
 * Returns the array for the record on disk, with the previous values that are known; the caller
 * owns it.
 */
json_t *plan_to_record(const struct plan *plan);
/*
 * Reads a plan from a record. `ops` lists the known ops and ends with NULL. Fails with EX_SOFTWARE
 * if a step has another op.
 */
int plan_from_json(struct plan *plan, const json_t *json, const struct step_op *const *ops,
		   struct error *err);
