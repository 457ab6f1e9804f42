/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of two plans: `reload` applies it, and applies it backwards when a step fails.
 *
 * Both plans are of the same gadget, and the old one is applied. A step that both contain, with the
 * same path and value, is kept. Steps that only the old one contains are undone, from its end; then
 * steps that only the new one contains are applied, from its beginning. A step whose value has
 * changed is replaced in place, if possible. Steps depend on one another (a link on the function it
 * leads to, the bind on nearly all): the steps that depend on a changed step are undone before it
 * and applied again after it. The callers' rules define which step depends on which.
 *
 * The two plans are merged into one, in an order in which it can be undone from its end, whichever
 * of its steps are applied. The record has the merged plan while the change is in progress: undoing
 * it removes everything, for `down` or after the supervisor has died.
 */
#pragma once

#include "plan/plan.h"

/* Both steps are in the same plan, `earlier` before `later`. */
struct plan_rules {
	/* `later` must be undone before `earlier` changes, and applied again afterwards. */
	bool (*rests_on)(const struct step *later, const struct step *earlier);
	/* `earlier` must be undone and applied again when `later`, a part of it, changes. */
	bool (*remade_with)(const struct step *earlier, const struct step *later);
	/*
	 * Both have the same op: returns whether `next`, in the new plan, is `last` with another
	 * value.
	 */
	bool (*replaces)(const struct step *next, const struct step *last);
};

enum change_kind {
	CHANGE_UNDO,	/* a step of the old plan */
	CHANGE_APPLY,	/* a step of the new plan */
	CHANGE_REPLACE, /* a step of the old plan by one of the new plan */
};

struct change {
	enum change_kind kind;
	size_t step;	      /* index in the merged plan */
	size_t replaced_step; /* CHANGE_REPLACE: the step that it replaces */
	/*
	 * The step writes a value in a directory that this reload makes or removes: nothing is
	 * restored.
	 */
	bool in_changed_directory;
	bool revert_failed; /* the change could not be reverted */
};

struct difference {
	struct plan *plan; /* the merged plan */
	const struct plan_rules *rules;
	struct change *changes;
	size_t n;
	size_t next_change; /* the first change that was not made */
	size_t *old_index,
		*new_index; /* index in the merged plan of each step of the old and the new plan */
	size_t n_old, n_new;
	struct position *new_positions; /* positions of the new plan's steps */
	bool any_revert_failed;
};

/*
 * Compares `plan`, which is applied, with `next`. `plan` becomes the merged plan, `next` is empty
 * afterwards. Applies nothing.
 */
void difference_make(struct difference *d, struct plan *plan, struct plan *next,
		     const struct plan_rules *rules);

/*
 * Makes the changes, from the first that was not made. Returns what plan_apply returns, or
 * PLAN_SOON.
 */
int difference_apply(struct difference *d, struct error *err);

/*
 * Reverts the changes that were made, from the last one. Continues after a failure, without the
 * steps that depend on it; then returns the errno and text of the first failure, to which the paths
 * of the others are added. Returns PLAN_AGAIN or PLAN_SOON as difference_apply does. `err` must be
 * the same in all calls.
 */
int difference_revert(struct difference *d, struct error *err);
/*
 * Returns the step of the change at which difference_apply failed, or the only one that
 * difference_revert could not revert; NULL: several.
 */
const struct step *difference_failed(const struct difference *d);
/*
 * Counts the change of difference_failed as made, or as reverted: the caller handles its step
 * later. The change must not be a CHANGE_REPLACE.
 */
void difference_skip_failed(struct difference *d);
/* Stops waiting for the change that is being reverted, and counts it as failed. */
void difference_give_up(struct difference *d, struct error *err);

enum difference_end { DIFFERENCE_OLD, DIFFERENCE_NEW };
/* Reduces the merged plan to the old or the new plan, and frees the steps of the other. */
void difference_end(struct difference *d, enum difference_end which);
/* Frees the difference; the plan stays merged. */
void difference_free(struct difference *d);

/* Returns whether a step of the merged plan is kept. */
bool difference_keeps(const struct difference *d, const struct step *step);

/* Return the word for a change, and for reverting it: "write-text", "rmdir", "restore". */
const char *change_word(const struct difference *d, const struct change *change);
const char *change_revert_word(const struct difference *d, const struct change *change);
/* Returns the array "changes" of the documents; the caller owns it. */
json_t *difference_to_json(const struct difference *d);
