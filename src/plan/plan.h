/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The step engine. A plan is a list of small steps, each with its undo. `up` applies them from the
 * beginning, a failure undoes those that were applied, `down` undoes the list from the end,
 * --dry-run prints it, `reload` applies the difference of two plans (difference.h). The callers
 * define the operations of the steps.
 *
 * The undo must find everything that a step has made from `op`, `path` and `value` alone, because
 * another process, which has only the record on disk, may undo it. An undo is idempotent: it
 * succeeds if nothing is left to undo.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Not finished: call again after the next event. For steps that wait for a process. */
#define PLAN_AGAIN 1
/*
 * Not finished, and no event will follow: call again in PLAN_SOON_MS. Only an undo returns this,
 * and a limited number of times.
 */
#define PLAN_SOON 2
#define PLAN_SOON_MS 10

struct step;

struct step_op {
	const char *name;      /* "mkdir": the word in --dry-run, in messages and in the record */
	const char *undo_name; /* "rmdir"; NULL: the undo of an earlier step undoes this one, too */
	/* 0, PLAN_AGAIN (undo: also PLAN_SOON) or -errno with err filled. A step that fails must
	 * leave nothing. */
	int (*apply)(struct step *step, struct error *err);
	int (*undo)(struct step *step, struct error *err);
	bool needs_value; /* the undo reads `value`: a record must have one */
	/* Only steps that write a value have this: writes the previous value, which `apply` has
	 * stored. Only for `reload`: `down` removes the whole directory. */
	int (*restore)(struct step *step, struct error *err);
	/*
	 * Replaces `last`, an applied step of this op. NULL: `apply` does. Returns what `apply`
	 * returns.
	 */
	int (*replace)(struct step *step, struct step *last, struct error *err);
};

struct step {
	const struct step_op *op;
	char *path;
	char *value;	    /* NULL where the op has none */
	struct position at; /* the position in the gadget file; file NULL: none */
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
	size_t next_step; /* the first step that is not applied yet */
	/* Called after each step that was applied or undone; may be NULL. */
	void (*on_step)(const struct step *step, bool undone);
};

/* Appends a step and returns it, valid until the next plan_add. The plan then owns `path` and
 * `value`.
 */
struct step *plan_add(struct plan *plan, const struct step_op *op, char *path, char *value,
		      const struct position *at, void *self);
void step_free(struct step *step);
void plan_free(struct plan *plan);
#define _cleanup_plan_ _cleanup_(plan_free)

/*
 * Applies steps until all are done (0), one waits (PLAN_AGAIN) or one fails (-errno; the text names
 * step and path, the position in the gadget file is set). Undoes nothing.
 */
int plan_apply(struct plan *plan, struct error *err);

/*
 * Undoes the applied steps from the last one. Continues after a failure, so that as little as
 * possible is left; then returns the errno and text of the first failure, to which the paths of the
 * others are added.
 */
int plan_undo(struct plan *plan, struct error *err);

/* Undoes only the last step that was applied; plan_apply may apply it again. */
int plan_undo_last(struct plan *plan, struct error *err);

/* Marks every step as applied: for a plan that was read from disk. */
void plan_assume_applied(struct plan *plan);

/* Returns the array "plan" of the documents; the caller owns it. */
json_t *plan_to_json(const struct plan *plan);
/*
 * Returns the array for the record on disk, with the previous values, as far as known; the caller
 * owns it.
 */
json_t *plan_to_record(const struct plan *plan);
/*
 * Reads a plan from a record. `ops` ends with NULL; an op that is not among them is an error with
 * EX_SOFTWARE.
 */
int plan_from_json(struct plan *plan, const json_t *json, const struct step_op *const *ops,
		   struct error *err);
