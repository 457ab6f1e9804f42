/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The step engine. A plan is a list of small steps, each with its undo. `up` applies them from
 * the front, a failure undoes from where it stopped, `down` undoes the same list from the end,
 * --dry-run prints it, `reload` goes from one list to another (difference.h). Which steps there are
 * is decided by the rooms above.
 *
 * A step must leave nothing behind that its undo cannot find from `op`, `path` and `value` alone:
 * the process that undoes may be another one, which has only the record on disk. An undo is
 * idempotent: what is gone already is undone.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* "Not finished: call again after the next event." For steps that wait for a process. */
#define PLAN_AGAIN 1
/* "Not finished, and nothing will announce it: call again in PLAN_SOON_MS." Only undos, bounded. */
#define PLAN_SOON 2
#define PLAN_SOON_MS 10

struct step;

struct step_op {
	const char *name;      /* "mkdir": the word in --dry-run, in messages and in the record */
	const char *undo_name; /* "rmdir"; NULL: the undo of an earlier step takes this one along */
	/* 0, PLAN_AGAIN (undo: also PLAN_SOON) or -errno with err filled. A step that failed must
	 * have left no trace. */
	int (*apply)(struct step *step, struct error *err);
	int (*undo)(struct step *step, struct error *err);
	bool needs_value; /* the undo reads `value`: a record without one is damaged */
	/* Of a step that writes a value: writes what was there before, which `apply` has kept. Only
	 * for `reload`: `down` takes the whole directory away. */
	int (*restore)(struct step *step, struct error *err);
	/* Takes the place of `last`, a step of this op that is applied, where that is more than to
	 * apply this one over it. As `apply`. */
	int (*replace)(struct step *step, struct step *last, struct error *err);
};

struct step {
	const struct step_op *op;
	char *path;
	char *value;	  /* NULL where the op has none */
	struct origin at; /* what in the gadget file asked for it; file NULL: nothing did */
	void *self;	  /* the room's own; not owned; NULL in a plan that was read from disk */
	enum { STEP_TODO, STEP_DONE } state;
	unsigned int tries; /* for an undo that has to be tried again: how often it was */
	bool keeps;	    /* `apply` is to keep what was there before, for `restore` */
	char *was;	    /* that; NULL: nothing was kept */
};

struct plan {
	struct step *steps;
	size_t n, capacity;
	size_t next; /* the first step that is not applied yet */
	/* Told of each step that was done or undone; NULL: nobody. */
	void (*on_step)(const struct step *step, bool undone);
};

/* Appends a step and returns it, valid until the next plan_add. `path` and `value` are taken over.
 */
struct step *plan_add(struct plan *plan, const struct step_op *op, char *path, char *value,
		      const struct origin *at, void *self);
void step_free(struct step *step);
void plan_free(struct plan *plan);
#define _cleanup_plan_ _cleanup_(plan_free)

/*
 * Applies steps until all are done (0), one has to wait (PLAN_AGAIN) or one fails (-errno; the
 * text names step and path; the place in the gadget file is set). Nothing is undone by itself.
 */
int plan_apply(struct plan *plan, struct error *err);

/*
 * Undoes the applied steps backwards. Goes on after a failure, so that as little as possible is
 * left; then returns the first one's errno and text, to which the paths of all others are added.
 */
int plan_undo(struct plan *plan, struct error *err);

/* Undoes the last step that was applied, and no other: what may be applied again later. */
int plan_undo_last(struct plan *plan, struct error *err);

/* Takes every step for applied: for a plan that was read from disk. */
void plan_assume_applied(struct plan *plan);

/* The array "plan" of cli.md; the caller owns it. */
json_t *plan_to_json(const struct plan *plan);
/* The same for the record on disk: what was there before as well, as far as it is known by now. */
json_t *plan_to_record(const struct plan *plan);
/* `ops` ends with NULL. Fails with EX_SOFTWARE on an op that is not among them. */
int plan_from_json(struct plan *plan, const json_t *json, const struct step_op *const *ops,
		   struct error *err);
