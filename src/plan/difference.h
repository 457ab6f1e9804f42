/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of two plans. `reload` applies it, and reverts it when a step fails.
 *
 * Both plans are of the same gadget, and the old plan is applied. A step that both plans contain
 * with the same path and value is kept. Steps that only the old plan contains are undone, the last
 * one first; then steps that only the new plan contains are applied, the first one first. A step
 * whose value has changed is replaced in place, if possible. Some steps depend on other steps: a
 * link depends on the function that it leads to, the bind on nearly all steps. Steps that depend on
 * a changed step are undone before the change and applied again after it. The rules of the caller
 * define these dependencies.
 *
 * The two plans are merged into one plan. Its order is such that it can be undone from its end,
 * whichever of its steps are applied. While the change is in progress, the record contains the
 * merged plan. `down` can then undo all steps, also if the supervisor has died.
 */
#pragma once

#include "plan/plan.h"

/* Rules about two steps of the same plan, in which `earlier` comes before `later`. */
struct plan_rules {
	/*
	 * Returns whether `later` must be undone before `earlier` changes, and applied again
	 * afterwards.
	 */
	bool (*depends_on)(const struct step *later, const struct step *earlier);
	/*
	 * Returns whether `earlier` must be undone and applied again when `later`, a part of it,
	 * changes.
	 */
	bool (*reapplied_with)(const struct step *earlier, const struct step *later);
	/*
	 * Returns whether the step `next` of the new plan is the step `last` of the old plan with
	 * another value. Both steps have the same op.
	 */
	bool (*replaces)(const struct step *next, const struct step *last);
};

enum change_kind {
	CHANGE_UNDO,	/* undoes a step of the old plan */
	CHANGE_APPLY,	/* applies a step of the new plan */
	CHANGE_REPLACE, /* replaces a step of the old plan by one of the new plan */
};

struct change {
	enum change_kind kind;
	size_t step;	      /* index in the merged plan */
	size_t replaced_step; /* only CHANGE_REPLACE: index of the step that is replaced */
	/*
	 * The step writes a value in a directory that this reload makes or removes, so the previous
	 * value is not restored.
	 */
	bool in_changed_directory;
	bool revert_failed; /* the change could not be reverted */
};

struct difference {
	struct plan *plan; /* the merged plan */
	const struct plan_rules *rules;
	struct change *changes;
	size_t n;
	size_t next_change;	       /* index of the first change that was not made */
	size_t *old_index, *new_index; /* for each step of the old plan and of the new plan, its
					  index in the merged plan */
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
 * Makes the changes that were not made yet, in order. Returns what plan_apply returns, or
 * PLAN_SOON.
 */
int difference_apply(struct difference *d, struct error *err);

/*
 * Reverts the changes that were made, the last one first. Continues after a failure, but skips the
 * steps that depend on the failed step. Then returns the errno of the first failure; `err` has its
 * text and the paths of the other failed steps. Returns PLAN_AGAIN or PLAN_SOON as difference_apply
 * does. `err` must be the same in all calls.
 */
int difference_revert(struct difference *d, struct error *err);
/*
 * Returns the step of the change at which difference_apply failed, or of the only change that
 * difference_revert could not revert; NULL if it could not revert several changes.
 */
const struct step *difference_failed(const struct difference *d);
/*
 * Marks the change of difference_failed as made or as reverted, because the caller handles its step
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

/*
 * These return the word for a change, and the word for reverting it: "write-text", "rmdir",
 * "restore".
 */
const char *change_word(const struct difference *d, const struct change *change);
const char *change_revert_word(const struct difference *d, const struct change *change);
/* Returns the array "changes" of the JSON output; the caller owns it. */
json_t *difference_to_json(const struct difference *d);
