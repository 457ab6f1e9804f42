/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/difference.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define NONE ((size_t)-1)

/* --- Which steps are kept --------------------------------------------------------------------- */

enum step_mark {
	MARK_UNPAIRED, /* the step is undone or applied, even if the other plan has the same step */
	MARK_KEPT,
	MARK_REPLACED,
};

/* The old or the new plan, and what is known about its steps. */
struct plan_side {
	const struct plan *plan;
	enum step_mark *marks;
	size_t *partners; /* for each step, the index of the step in the other plan that is the same
			     or replaces it; NONE: there is none */
};

static bool same_step(const struct step *a, const struct step *b)
{
	return a->op == b->op && streq(a->path, b->path) && streq_null(a->value, b->value);
}

static void pair_steps(struct plan_side *old, struct plan_side *new, size_t i, size_t j,
		       enum step_mark mark)
{
	old->marks[i] = new->marks[j] = mark;
	old->partners[i] = j;
	new->partners[j] = i;
}

static bool find_partner(struct plan_side *old, struct plan_side *new, size_t j,
			 enum step_mark mark, const struct plan_rules *rules)
{
	const struct step *step = &new->plan->steps[j];

	for (size_t i = 0; i < old->plan->n; i++) {
		const struct step *other = &old->plan->steps[i];

		if (old->partners[i] != NONE)
			continue;
		if (mark == MARK_KEPT ? same_step(step, other)
				      : step->op == other->op && rules->replaces(step, other)) {
			pair_steps(old, new, i, j, mark);
			return true;
		}
	}
	return false;
}

/*
 * Finds for each step of the new plan its partner in the old plan. Looks for partners with the same
 * value first, because several steps may have the same path.
 */
static void find_partners(struct plan_side *old, struct plan_side *new,
			  const struct plan_rules *rules)
{
	for (size_t j = 0; j < new->plan->n; j++)
		find_partner(old, new, j, MARK_KEPT, rules);
	for (size_t j = 0; j < new->plan->n; j++)
		if (new->partners[j] == NONE)
			find_partner(old, new, j, MARK_REPLACED, rules);
}

/* Returns whether step `i` must be undone and applied again because another step changes. */
static bool is_step_affected(const struct plan_side *side, size_t i, const struct plan_rules *rules)
{
	const struct step *steps = side->plan->steps;

	for (size_t k = 0; k < side->plan->n; k++)
		if (side->marks[k] != MARK_KEPT &&
		    ((k < i && rules->depends_on(&steps[i], &steps[k])) ||
		     (k > i && rules->must_reapply_with(&steps[i], &steps[k]))))
			return true;
	return false;
}

/*
 * Returns whether step `j` of the new plan depends on an earlier step that comes after it in the
 * old plan.
 */
static bool order_differs(const struct plan_side *new, size_t j, const struct plan_rules *rules)
{
	for (size_t k = 0; k < j; k++)
		if (new->partners[k] != NONE &&new->partners[k] > new->partners[j] &&
		    rules->depends_on(&new->plan->steps[j], &new->plan->steps[k]))
			return true;
	return false;
}

/*
 * Marks all steps that changes of other steps affect as MARK_UNPAIRED. The loop ends, because each
 * round unpairs at least one pair.
 */
static void mark_affected(struct plan_side *old, struct plan_side *new,
			  const struct plan_rules *rules)
{
	bool again;

	do {
		again = false;
		for (size_t j = 0; j < new->plan->n; j++) {
			size_t i = new->partners[j];

			if (new->marks[j] == MARK_UNPAIRED ||
			    !(is_step_affected(old, i, rules) || is_step_affected(new, j, rules) ||
			      order_differs(new, j, rules)))
				continue;
			old->marks[i] = new->marks[j] = MARK_UNPAIRED;
			again = true;
		}
	} while (again);
}

static struct plan_side make_plan_side(const struct plan *plan)
{
	struct plan_side side = { .plan = plan,
				  .marks = xcalloc(plan->n, sizeof(*side.marks)),
				  .partners = xcalloc(plan->n, sizeof(*side.partners)) };

	for (size_t i = 0; i < plan->n; i++)
		side.partners[i] = NONE;
	return side;
}

static void plan_side_free(struct plan_side *side)
{
	free(side->marks);
	free(side->partners);
}

/* --- The merged plan -------------------------------------------------------------------------- */

/* A step of the merged plan, given by its index in the old or in the new plan. */
struct merged_step {
	bool is_from_new_plan;
	size_t index;
};

static size_t find_merged_index(const struct merged_step *slots, size_t n, bool is_from_new_plan,
				size_t index)
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
static size_t last_step_with_path(const struct plan_side *old, const struct step *step)
{
	for (size_t i = old->plan->n; i-- > 0;)
		if (old->plan->steps[i].op == step->op &&
		    streq(old->plan->steps[i].path, step->path))
			return i;
	return NONE;
}

/*
 * Merges the plans. Inserts each step of the new plan that is not kept into the old plan, after all
 * steps that precede it in the new plan. If the old plan has a step with the same op and path, the
 * new step comes directly after it. Steps that depend on one of the two then come after both, and
 * are undone before them when the merged plan is undone from its end.
 */
static struct merged_step *merge_plans(const struct plan_side *old, const struct plan_side *new,
				       size_t *n)
{
	struct merged_step *slots = xcalloc(old->plan->n + new->plan->n, sizeof(*slots));
	size_t after = 0;

	for (*n = 0; *n < old->plan->n; (*n)++)
		slots[*n].index = *n;
	for (size_t j = 0; j < new->plan->n; j++) {
		const struct step *step = &new->plan->steps[j];
		bool kept = new->marks[j] == MARK_KEPT;
		size_t i = new->marks[j] == MARK_UNPAIRED ? last_step_with_path(old, step)
							  : new->partners[j];
		size_t at = i == NONE ? after : find_merged_index(slots, *n, false, i) + 1;

		if (!kept) {
			memmove(&slots[at + 1], &slots[at], (*n - at) * sizeof(*slots));
			slots[at] = (struct merged_step){ true, j };
			(*n)++;
		}
		if (at >= after)
			after = kept ? at : at + 1;
		else if (!kept)
			after++;
	}
	return slots;
}

static struct plan build_merged_plan(const struct merged_step *slots, size_t n, struct plan *old,
				     struct plan *new)
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

static bool is_in_changed_directory(const struct plan_side *side, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (side->marks[k] == MARK_UNPAIRED && side->plan->steps[k].op->undo &&
		    path_is_below(side->plan->steps[i].path, side->plan->steps[k].path))
			return true;
	return false;
}

static void add_change(struct difference *d, enum change_kind kind, size_t step_index,
		       size_t replaced_index, bool in_changed_directory)
{
	struct change *change = array_add(d->changes, d->n_changes);

	*change = (struct change){ .kind = kind,
				   .step_index = step_index,
				   .replaced_index = replaced_index,
				   .in_changed_directory = in_changed_directory };
}

static void list_changes(struct difference *d, const struct plan_side *old,
			 const struct plan_side *new)
{
	for (size_t i = d->n_old_steps; i-- > 0;)
		if (old->marks[i] == MARK_UNPAIRED)
			add_change(d, CHANGE_UNDO, d->old_indices[i], NONE,
				   is_in_changed_directory(old, i));
	for (size_t j = 0; j < d->n_new_steps; j++) {
		if (new->marks[j] == MARK_UNPAIRED)
			add_change(d, CHANGE_APPLY, d->new_indices[j], NONE,
				   is_in_changed_directory(new, j));
		else if (new->marks[j] == MARK_REPLACED)
			add_change(d, CHANGE_REPLACE, d->new_indices[j],
				   d->old_indices[new->partners[j]], false);
	}
}

static void find_merged_indices(struct difference *d, const struct plan_side *new,
				const struct merged_step *slots, size_t n)
{
	for (size_t i = 0; i < d->n_old_steps; i++)
		d->old_indices[i] = find_merged_index(slots, n, false, i);
	for (size_t j = 0; j < d->n_new_steps; j++)
		d->new_indices[j] = new->marks[j] == MARK_KEPT
					    ? d->old_indices[new->partners[j]]
					    : find_merged_index(slots, n, true, j);
}

void difference_make(struct difference *d, struct plan *plan, struct plan *new_plan,
		     const struct plan_rules *rules)
{
	_cleanup_(plan_side_free) struct plan_side old = make_plan_side(plan),
						   new = make_plan_side(new_plan);
	_cleanup_free_ struct merged_step *slots = NULL;
	struct plan merged;
	size_t n;

	*d = (struct difference){ .merged_plan = plan,
				  .rules = rules,
				  .n_old_steps = plan->n,
				  .n_new_steps = new_plan->n,
				  .old_indices = xcalloc(plan->n, sizeof(*d->old_indices)),
				  .new_indices = xcalloc(new_plan->n, sizeof(*d->new_indices)),
				  .new_positions =
					  xcalloc(new_plan->n, sizeof(*d->new_positions)) };
	find_partners(&old, &new, rules);
	mark_affected(&old, &new, rules);
	slots = merge_plans(&old, &new, &n);
	find_merged_indices(d, &new, slots, n);
	list_changes(d, &old, &new);
	merged = build_merged_plan(slots, n, plan, new_plan);
	for (size_t j = 0; j < new_plan->n; j++) {
		d->new_positions[j] = new_plan->steps[j].at;
		if (new.marks[j] == MARK_KEPT)
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

	return contains_index(d->old_indices, d->n_old_steps, index) &&
	       contains_index(d->new_indices, d->n_new_steps, index);
}

/* --- The end ---------------------------------------------------------------------------------- */

void difference_free(struct difference *d)
{
	free(d->changes);
	free(d->old_indices);
	free(d->new_indices);
	free(d->new_positions);
	*d = (struct difference){ 0 };
}

void difference_reduce_to(struct difference *d, enum difference_plan kept)
{
	size_t n = kept == DIFFERENCE_OLD_PLAN ? d->n_old_steps : d->n_new_steps;
	const size_t *at = kept == DIFFERENCE_OLD_PLAN ? d->old_indices : d->new_indices;
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
