/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of two plans. `reload` applies the difference, and reverts it if a step fails.
 *
 * Both plans are of the same gadget. Only the steps of the old plan have been applied. A step that
 * both plans contain with the same path and value is kept. Steps that only the old plan contains
 * are undone, the last one first; then steps that only the new plan contains are applied, the first
 * one first. A step whose value has changed is replaced in place, if possible. Some steps depend on
 * other steps: a link depends on the function that is its target, and the step that binds the
 * gadget depends on nearly all other steps. Steps that depend on a changed step are undone before
 * the change and applied again after it. The rules of the caller define these dependencies.
 *
 * The two plans are merged into one plan. The order of the merged plan makes it possible to undo
 * its steps from the end, whichever of them are applied. While the change is in progress, the
 * record contains the merged plan. `down` can then undo all steps, also if the supervisor has died.
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
	 * Returns whether `later` makes a part of what `earlier` makes, so that `earlier` must be
	 * undone and applied again when `later` changes.
	 */
	bool (*earlier_must_be_reapplied_if_later_changes)(const struct step *earlier,
							   const struct step *later);
	/*
	 * Returns whether `new_step` of the new plan differs from `old_step` of the old plan only
	 * in its value. Both steps have the same op.
	 */
	bool (*can_replace_in_place)(const struct step *new_step, const struct step *old_step);
};

enum change_kind {
	CHANGE_UNDO,	/* undoes a step of the old plan */
	CHANGE_APPLY,	/* applies a step of the new plan */
	CHANGE_REPLACE, /* replaces a step of the old plan by one of the new plan */
};

/* One action of a difference: undoes, applies or replaces one step of the merged plan. */
struct step_change {
	enum change_kind kind;
	size_t index_in_merged_plan; /* index of the step in the merged plan */
	/* CHANGE_REPLACE only: index of the replaced step in the merged plan. */
	size_t replaced_index_in_merged_plan;
	/*
	 * The step writes a value in a directory that this difference makes or removes, so the
	 * previous value is not restored.
	 */
	bool in_made_or_removed_directory;
	bool revert_failed; /* the change could not be reverted */
};

/* The changes that make one plan out of another. */
struct difference {
	struct plan *merged_plan;
	const struct plan_rules *rules;
	struct step_change *changes;
	size_t n_changes;
	size_t next_change; /* index of the first change that is not made yet */
	/* For each step of the old plan and of the new plan, its index in the merged plan. */
	size_t *merged_index_of_old, *merged_index_of_new;
	size_t n_old_plan_steps, n_new_plan_steps;
	struct position *new_positions; /* positions of the new plan's steps */
	bool any_revert_failed;
};

/*
 * Compares the old plan, which is applied, with the new plan. `plan` is the old plan, and becomes
 * the merged plan; `new_plan` is empty afterwards. Applies nothing.
 */
void difference_make(struct difference *d, struct plan *plan, struct plan *new_plan,
		     const struct plan_rules *rules);

/*
 * Makes the changes that were not made yet, in order. Returns what plan_apply returns, or PLAN_SOON
 * if an undo is not finished. Does not revert the changes on failure.
 */
int difference_apply(struct difference *d, struct error *err);

/*
 * Reverts the changes that were made, the last one first. Continues after a failure, but skips the
 * steps that depend on the failed step. At the end returns 0, or the negative errno of the first
 * failure; `err` then has the message of the first failure and the paths of the other failed steps.
 * Returns PLAN_AGAIN or PLAN_SOON if it must be called again. `err` must be the same in all calls.
 */
int difference_revert(struct difference *d, struct error *err);
/*
 * Returns the step of the failed change: the change at which difference_apply failed, or the only
 * change that difference_revert could not revert. NULL: several changes could not be reverted.
 */
const struct step *difference_failed_step(const struct difference *d);
/*
 * Marks the change of difference_failed_step as made if difference_apply failed at it, or as
 * reverted if difference_revert failed at it. The caller makes or reverts this change itself later.
 * The change must not be a CHANGE_REPLACE.
 */
void difference_skip_failed_change(struct difference *d);
/*
 * Sets an error because a change could not be reverted in time: the change that difference_revert
 * is waiting for. Call difference_revert again to revert the earlier changes.
 */
void difference_fail_revert_by_timeout(struct difference *d, struct error *err);

enum difference_plan { DIFFERENCE_OLD_PLAN, DIFFERENCE_NEW_PLAN };
/*
 * Reduces the merged plan to `kept`, the old or the new plan, and frees the steps that it does not
 * contain. Also frees the difference.
 */
void difference_finish_keeping_plan(struct difference *d, enum difference_plan kept);
/* Frees the difference; the merged plan keeps the steps of both plans. */
void difference_free(struct difference *d);

/* Returns whether both plans contain this step of the merged plan, so that it is kept. */
bool difference_keeps_step(const struct difference *d, const struct step *step);

/*
 * These return the verb that messages and the JSON output use for making a change, and for
 * reverting it: "write-text", "rmdir", "restore".
 */
const char *change_verb(const struct difference *d, const struct step_change *change);
const char *change_revert_verb(const struct difference *d, const struct step_change *change);
/* Returns the array "changes" of the JSON output; the caller owns it. */
json_t *difference_to_json(const struct difference *d);
