/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/difference.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define NONE ((size_t)-1)

/* --- Which steps are kept --------------------------------------------------------------------- */

enum step_decision {
	/*
	 * A step of the old plan is undone, a step of the new plan is applied, even if both plans
	 * have this step
	 */
	DECISION_UNDO_OR_APPLY,
	DECISION_KEEP,
	DECISION_REPLACE,
};

/* The old or the new plan, and what is known about its steps. */
struct compared_plan {
	const struct plan *plan;
	enum step_decision *decisions;
	/*
	 * For each step of this plan, the index of its partner in the other plan: an equal step, or
	 * a step that replaces it or is replaced by it. NONE: the step has no partner.
	 */
	size_t *paired_with;
};

static bool same_step(const struct step *a, const struct step *b)
{
	return a->op == b->op && streq(a->path, b->path) && streq_null(a->value, b->value);
}

static void pair_steps(struct compared_plan *old, struct compared_plan *new, size_t i, size_t j,
		       enum step_decision decision)
{
	old->decisions[i] = new->decisions[j] = decision;
	old->paired_with[i] = j;
	new->paired_with[j] = i;
}

static bool find_and_pair_step(struct compared_plan *old, struct compared_plan *new, size_t j,
			       enum step_decision decision, const struct plan_rules *rules)
{
	const struct step *step = &new->plan->steps[j];

	for (size_t i = 0; i < old->plan->n; i++) {
		const struct step *other = &old->plan->steps[i];

		if (old->paired_with[i] != NONE)
			continue;
		if (decision == DECISION_KEEP
			    ? same_step(step, other)
			    : step->op == other->op && rules->can_replace_in_place(step, other)) {
			pair_steps(old, new, i, j, decision);
			return true;
		}
	}
	return false;
}

/*
 * Finds for each step of the new plan the step of the old plan that is kept or replaced. Looks
 * for steps with the same value first, because several steps may have the same path.
 */
static void pair_all_steps(struct compared_plan *old, struct compared_plan *new,
			   const struct plan_rules *rules)
{
	for (size_t j = 0; j < new->plan->n; j++)
		find_and_pair_step(old, new, j, DECISION_KEEP, rules);
	for (size_t j = 0; j < new->plan->n; j++)
		if (new->paired_with[j] == NONE)
			find_and_pair_step(old, new, j, DECISION_REPLACE, rules);
}

/* Returns whether step `i` must be undone and applied again because another step changes. */
static bool is_step_affected(const struct compared_plan *side, size_t i,
			     const struct plan_rules *rules)
{
	const struct step *steps = side->plan->steps;

	for (size_t k = 0; k < side->plan->n; k++)
		if (side->decisions[k] != DECISION_KEEP &&
		    ((k < i && rules->depends_on(&steps[i], &steps[k])) ||
		     (k > i &&
		      rules->earlier_must_be_reapplied_if_later_changes(&steps[i], &steps[k]))))
			return true;
	return false;
}

/*
 * Returns whether step `j` of the new plan depends on a step that precedes it in the new plan, but
 * follows it in the old plan.
 */
static bool step_must_move_after_dependency(const struct compared_plan *new, size_t j,
					    const struct plan_rules *rules)
{
	for (size_t k = 0; k < j; k++)
		if (new->paired_with[k] != NONE &&new->paired_with[k] > new->paired_with[j] &&
		    rules->depends_on(&new->plan->steps[j], &new->plan->steps[k]))
			return true;
	return false;
}

/*
 * Sets DECISION_UNDO_OR_APPLY for each pair of steps that the change of another step affects: the
 * old step is undone before that change, and the new step is applied after it. The loop ends,
 * because each round sets this decision for at least one more pair.
 */
static void decide_steps_to_redo(struct compared_plan *old, struct compared_plan *new,
				 const struct plan_rules *rules)
{
	bool again;

	do {
		again = false;
		for (size_t j = 0; j < new->plan->n; j++) {
			size_t i = new->paired_with[j];

			if (new->decisions[j] == DECISION_UNDO_OR_APPLY ||
			    !(is_step_affected(old, i, rules) || is_step_affected(new, j, rules) ||
			      step_must_move_after_dependency(new, j, rules)))
				continue;
			old->decisions[i] = new->decisions[j] = DECISION_UNDO_OR_APPLY;
			again = true;
		}
	} while (again);
}

static struct compared_plan make_compared_plan(const struct plan *plan)
{
	struct compared_plan side = { .plan = plan,
				      .decisions = xcalloc(plan->n, sizeof(*side.decisions)),
				      .paired_with = xcalloc(plan->n, sizeof(*side.paired_with)) };

	for (size_t i = 0; i < plan->n; i++)
		side.paired_with[i] = NONE;
	return side;
}

static void compared_plan_free(struct compared_plan *side)
{
	free(side->decisions);
	free(side->paired_with);
}

/* --- The merged plan -------------------------------------------------------------------------- */

/* A step of the merged plan, given by its index in the old or in the new plan. */
struct step_of_either_plan {
	bool is_from_new_plan;
	size_t index;
};

static size_t find_merged_index(const struct step_of_either_plan *slots, size_t n,
				bool is_from_new_plan, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (slots[i].is_from_new_plan == is_from_new_plan && slots[i].index == index)
			return i;
	return NONE;
}

/*
 * Returns the index of the last step of the old plan with the op and path of `step`; NONE: there is
 * none.
 */
static size_t last_step_with_path(const struct compared_plan *old, const struct step *step)
{
	for (size_t i = old->plan->n; i-- > 0;)
		if (old->plan->steps[i].op == step->op &&
		    streq(old->plan->steps[i].path, step->path))
			return i;
	return NONE;
}

/*
 * Merges the plans. Into the old plan, inserts each step of the new plan whose decision is not
 * DECISION_KEEP, after all steps that precede it in the new plan. If the old plan has a step with
 * the same op and path, the new step comes directly after that old step. Then a step that depends
 * on the old or on the new step comes after both of them, and is undone before both of them when
 * the merged plan is undone from its end.
 */
static struct step_of_either_plan *merge_plans(const struct compared_plan *old,
					       const struct compared_plan *new, size_t *n)
{
	struct step_of_either_plan *slots = xcalloc(old->plan->n + new->plan->n, sizeof(*slots));
	size_t after = 0;

	for (*n = 0; *n < old->plan->n; (*n)++)
		slots[*n].index = *n;
	for (size_t j = 0; j < new->plan->n; j++) {
		const struct step *step = &new->plan->steps[j];
		bool kept = new->decisions[j] == DECISION_KEEP;
		size_t i = new->decisions[j] == DECISION_UNDO_OR_APPLY
				   ? last_step_with_path(old, step)
				   : new->paired_with[j];
		size_t at = i == NONE ? after : find_merged_index(slots, *n, false, i) + 1;

		if (!kept) {
			memmove(&slots[at + 1], &slots[at], (*n - at) * sizeof(*slots));
			slots[at] = (struct step_of_either_plan){ true, j };
			(*n)++;
		}
		if (at >= after)
			after = kept ? at : at + 1;
		else if (!kept)
			after++;
	}
	return slots;
}

static struct plan build_merged_plan(const struct step_of_either_plan *slots, size_t n,
				     struct plan *old, struct plan *new)
{
	struct plan plan = { .steps = xcalloc(n, sizeof(*plan.steps)),
			     .n = n,
			     .capacity = n,
			     .next_step = n,
			     .on_step = old->on_step };

	for (size_t k = 0; k < n; k++)
		plan.steps[k] = (slots[k].is_from_new_plan ? new : old)->steps[slots[k].index];
	return plan;
}

/* --- The changes ------------------------------------------------------------------------------ */

static bool is_in_made_or_removed_directory(const struct compared_plan *side, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (side->decisions[k] == DECISION_UNDO_OR_APPLY && side->plan->steps[k].op->undo &&
		    path_is_below(side->plan->steps[i].path, side->plan->steps[k].path))
			return true;
	return false;
}

static void add_change(struct difference *d, enum change_kind kind, size_t index_in_merged_plan,
		       size_t replaced_index_in_merged_plan, bool in_made_or_removed_directory)
{
	struct step_change *change = array_add(d->changes, d->n_changes);

	*change = (struct step_change){ .kind = kind,
					.index_in_merged_plan = index_in_merged_plan,
					.replaced_index_in_merged_plan =
						replaced_index_in_merged_plan,
					.in_made_or_removed_directory =
						in_made_or_removed_directory };
}

static void list_changes(struct difference *d, const struct compared_plan *old,
			 const struct compared_plan *new)
{
	for (size_t i = d->n_old_plan_steps; i-- > 0;)
		if (old->decisions[i] == DECISION_UNDO_OR_APPLY)
			add_change(d, CHANGE_UNDO, d->merged_index_of_old[i], NONE,
				   is_in_made_or_removed_directory(old, i));
	for (size_t j = 0; j < d->n_new_plan_steps; j++) {
		if (new->decisions[j] == DECISION_UNDO_OR_APPLY)
			add_change(d, CHANGE_APPLY, d->merged_index_of_new[j], NONE,
				   is_in_made_or_removed_directory(new, j));
		else if (new->decisions[j] == DECISION_REPLACE)
			add_change(d, CHANGE_REPLACE, d->merged_index_of_new[j],
				   d->merged_index_of_old[new->paired_with[j]], false);
	}
}

static void find_merged_indices(struct difference *d, const struct compared_plan *new,
				const struct step_of_either_plan *slots, size_t n)
{
	for (size_t i = 0; i < d->n_old_plan_steps; i++)
		d->merged_index_of_old[i] = find_merged_index(slots, n, false, i);
	for (size_t j = 0; j < d->n_new_plan_steps; j++)
		d->merged_index_of_new[j] = new->decisions[j] == DECISION_KEEP
						    ? d->merged_index_of_old[new->paired_with[j]]
						    : find_merged_index(slots, n, true, j);
}

void difference_make(struct difference *d, struct plan *plan, struct plan *new_plan,
		     const struct plan_rules *rules)
{
	_cleanup_(compared_plan_free) struct compared_plan old = make_compared_plan(plan),
							   new = make_compared_plan(new_plan);
	_cleanup_free_ struct step_of_either_plan *slots = NULL;
	struct plan merged;
	size_t n;

	*d = (struct difference){
		.merged_plan = plan,
		.rules = rules,
		.n_old_plan_steps = plan->n,
		.n_new_plan_steps = new_plan->n,
		.merged_index_of_old = xcalloc(plan->n, sizeof(*d->merged_index_of_old)),
		.merged_index_of_new = xcalloc(new_plan->n, sizeof(*d->merged_index_of_new)),
		.new_positions = xcalloc(new_plan->n, sizeof(*d->new_positions))
	};
	pair_all_steps(&old, &new, rules);
	decide_steps_to_redo(&old, &new, rules);
	slots = merge_plans(&old, &new, &n);
	find_merged_indices(d, &new, slots, n);
	list_changes(d, &old, &new);
	merged = build_merged_plan(slots, n, plan, new_plan);
	for (size_t j = 0; j < new_plan->n; j++) {
		d->new_positions[j] = new_plan->steps[j].at;
		if (new.decisions[j] == DECISION_KEEP)
			step_free(&new_plan->steps[j]);
	}
	free(plan->steps);
	free(new_plan->steps);
	*plan = merged;
	*new_plan = (struct plan){ 0 };
}

static bool contains_index(const size_t *at, size_t n, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] == index)
			return true;
	return false;
}

bool difference_keeps_step(const struct difference *d, const struct step *step)
{
	size_t index = (size_t)(step - d->merged_plan->steps);

	return contains_index(d->merged_index_of_old, d->n_old_plan_steps, index) &&
	       contains_index(d->merged_index_of_new, d->n_new_plan_steps, index);
}

/* --- The end ---------------------------------------------------------------------------------- */

void difference_free(struct difference *d)
{
	free(d->changes);
	free(d->merged_index_of_old);
	free(d->merged_index_of_new);
	free(d->new_positions);
	*d = (struct difference){ 0 };
}

void difference_finish_keeping_plan(struct difference *d, enum difference_plan kept)
{
	size_t n = kept == DIFFERENCE_OLD_PLAN ? d->n_old_plan_steps : d->n_new_plan_steps;
	const size_t *at =
		kept == DIFFERENCE_OLD_PLAN ? d->merged_index_of_old : d->merged_index_of_new;
	struct plan *merged = d->merged_plan;
	struct plan plan = { .steps = xcalloc(n, sizeof(*plan.steps)),
			     .n = n,
			     .capacity = n,
			     .on_step = merged->on_step };

	for (size_t i = 0; i < n; i++) {
		plan.steps[i] = merged->steps[at[i]];
		if (kept == DIFFERENCE_NEW_PLAN)
			plan.steps[i].at = d->new_positions[i];
	}
	for (size_t i = 0; i < merged->n; i++)
		if (!contains_index(at, n, i))
			step_free(&merged->steps[i]);
	while (plan.next_step < n && plan.steps[plan.next_step].state == STEP_DONE)
		plan.next_step++;
	free(merged->steps);
	*merged = plan;
	difference_free(d);
}
