/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Applies and undoes plans. A plan is a list of small steps, each of which can be undone. `up`
 * applies the steps in order, and undoes them if one fails. `down` undoes the steps, the last one
 * first.
 * --dry-run prints the plan. `reload` applies the difference of two plans (difference.h). The
 * callers define the operations of the steps.
 *
 * `op`, `path` and `value` must be enough for the undo to find everything that a step has made. The
 * reason: another process may undo the step, and it has only the record on disk. An undo is
 * idempotent: it succeeds if nothing is left to undo.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * The step is not finished: the caller must call again after the next event. Steps that wait for a
 * process return this.
 */
#define PLAN_AGAIN 1
/*
 * The step is not finished, and no event will follow: the caller must call again after PLAN_SOON_MS
 * milliseconds. Only an undo returns this, and only a limited number of times.
 */
#define PLAN_SOON 2
#define PLAN_SOON_MS 10

struct step;

/* A kind of step: what applies and undoes steps of this kind. */
struct step_op {
	const char *name; /* "mkdir": the word in --dry-run, in messages and in the record */
	const char
		*undo_name; /* "rmdir"; NULL: the undo of an earlier step also undoes this step */
	/*
	 * `apply` and `undo` return 0, PLAN_AGAIN, or a negative errno with `err` set; `undo` may
	 * also return PLAN_SOON. If `apply` fails, it must remove what it has made.
	 */
	int (*apply)(struct step *step, struct error *err);
	int (*undo)(struct step *step, struct error *err);
	bool needs_value; /* `undo` reads `value`, so a step in a record must have one */
	/*
	 * Writes step->previous_value, which `apply` has stored, to undo the step.
	 * `restore_previous_value` is NULL if the step writes no value. Only `reload` calls this
	 * function, because `down` removes the whole directory.
	 */
	int (*restore_previous_value)(struct step *step, struct error *err);
	/*
	 * Applies the step in place of `replaced`, an applied step with the same op. Returns what
	 * `apply` returns. NULL: `apply` is called instead.
	 */
	int (*replace)(struct step *step, struct step *replaced, struct error *err);
};

/* A step of a plan: one operation on a path. */
struct step {
	const struct step_op *op;
	char *path;
	char *value;	    /* NULL if the op uses no value */
	struct position at; /* position in the gadget file; `file` is NULL if there is none */
	void *context; /* argument of the op's functions; not owned; NULL in a plan that was read
		       from disk */
	enum { STEP_TODO, STEP_DONE } state;
	unsigned int n_undo_tries; /* number of times that `undo` returned PLAN_SOON */
	bool save_previous_value;  /* `apply` must store in `previous_value` the value that it
				      overwrites */
	char *previous_value;	   /* value before the step was applied; NULL: unknown */
};

/* The steps that bring a gadget up, in this order; they are undone from the end. */
struct plan {
	struct step *steps;
	size_t n, capacity;
	size_t next_step; /* index of the first step that is not applied yet */
	/* Called after each step that was applied or undone; may be NULL. */
	void (*on_step)(const struct step *step, bool undone);
};

/*
 * Appends a step. Returns a pointer to the step, which is valid until the next plan_add. The plan
 * takes ownership of `path` and `value`.
 */
struct step *plan_add(struct plan *plan, const struct step_op *op, char *path, char *value,
		      const struct position *at, void *context);
void step_free(struct step *step);
void plan_free(struct plan *plan);
#define _cleanup_plan_ _cleanup_(plan_free)

/*
 * Applies the steps in order. Returns 0 when all steps are applied, PLAN_AGAIN when a step waits,
 * or a negative errno when a step fails; `err` then has the step's op, path and position in the
 * gadget file. Does not undo the applied steps. The next call continues with the step that waited
 * or failed.
 */
int plan_apply(struct plan *plan, struct error *err);
/* Does the same as plan_apply, but only until the first step with the op `end`. */
int plan_apply_until(struct plan *plan, const struct step_op *end, struct error *err);

/*
 * Undoes the applied steps, the last one first. Continues after a failure, so that as little as
 * possible is left. Returns PLAN_AGAIN or PLAN_SOON when a step waits. At the end returns 0, or the
 * negative errno of the first failure; `err` then has the message of the first failure and the
 * paths of the other failed steps.
 */
int plan_undo(struct plan *plan, struct error *err);

/* Undoes only the last applied step; plan_apply may apply this step again. */
int plan_undo_last(struct plan *plan, struct error *err);

/* Marks every step as applied, for a plan that was read from a record. */
void plan_assume_applied(struct plan *plan);

/* Returns the array "plan" of the JSON output; the caller owns it. */
json_t *plan_to_json(const struct plan *plan);
/*
 * Returns the array "plan" of the record on disk, which also has the previous values that are
 * known; the caller owns it.
 */
json_t *plan_to_record(const struct plan *plan);
/*
 * Reads a plan from a record. `ops` lists the known ops and ends with NULL. Fails with EX_SOFTWARE
 * if a step has another op.
 */
int plan_from_json(struct plan *plan, const json_t *json, const struct step_op *const *ops,
		   struct error *err);
