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

struct plan_side {
	const struct plan *plan;
	enum step_mark *marks;
	size_t *partners; /* for each step, the index of its partner in the other plan */
};

static bool same_step(const struct step *a, const struct step *b)
{
	return a->op == b->op && streq(a->path, b->path) && streq_null(a->value, b->value);
}

static void pair_up(struct plan_side *old, struct plan_side *new, size_t i, size_t j,
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
			pair_up(old, new, i, j, mark);
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

/* Returns whether the change of another step of the plan affects this step. */
static bool is_affected(const struct plan_side *side, size_t i, const struct plan_rules *rules)
{
	const struct step *steps = side->plan->steps;

	for (size_t k = 0; k < side->plan->n; k++)
		if (side->marks[k] != MARK_KEPT &&
		    ((k < i && rules->depends_on(&steps[i], &steps[k])) ||
		     (k > i && rules->reapplied_with(&steps[i], &steps[k]))))
			return true;
	return false;
}

/*
 * Returns whether a step and another one on which it depends have different orders in the two
 * plans.
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
 * Marks all steps affected by changes. The loop ends, because each round removes at least one pair.
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
			    !(is_affected(old, i, rules) || is_affected(new, j, rules) ||
			      order_differs(new, j, rules)))
				continue;
			old->marks[i] = new->marks[j] = MARK_UNPAIRED;
			again = true;
		}
	} while (again);
}

static struct plan_side make_side(const struct plan *plan)
{
	struct plan_side side = { .plan = plan,
				  .marks = xcalloc(plan->n, sizeof(*side.marks)),
				  .partners = xcalloc(plan->n, sizeof(*side.partners)) };

	for (size_t i = 0; i < plan->n; i++)
		side.partners[i] = NONE;
	return side;
}

static void side_free(struct plan_side *side)
{
	free(side->marks);
	free(side->partners);
}

/* --- The merged plan -------------------------------------------------------------------------- */

/* A step of the merged plan, given by its index in the old or in the new plan. */
struct merged_step {
	bool is_new;
	size_t index;
};

static size_t find_merged_step(const struct merged_step *slots, size_t n, bool is_new, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (slots[i].is_new == is_new && slots[i].index == index)
			return i;
	return NONE;
}

/* Returns the last step of the old plan with the same op and path; NONE: there is none. */
static size_t same_target(const struct plan_side *old, const struct step *step)
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
 * new step comes directly after that one: when the merged plan is undone from its end, no step may
 * be left that depends on either of them.
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
		size_t i =
			new->marks[j] == MARK_UNPAIRED ? same_target(old, step) : new->partners[j];
		size_t at = i == NONE ? after : find_merged_step(slots, *n, false, i) + 1;

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
		plan.steps[k] = (slots[k].is_new ? new : old)->steps[slots[k].index];
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

static void add_change(struct difference *d, enum change_kind kind, size_t step, size_t last,
		       bool with_directory)
{
	struct change *change = array_add(d->changes, d->n);

	*change = (struct change){ .kind = kind,
				   .step = step,
				   .replaced_step = last,
				   .in_changed_directory = with_directory };
}

static void list_changes(struct difference *d, const struct plan_side *old,
			 const struct plan_side *new)
{
	for (size_t i = d->n_old; i-- > 0;)
		if (old->marks[i] == MARK_UNPAIRED)
			add_change(d, CHANGE_UNDO, d->old_index[i], NONE,
				   is_in_changed_directory(old, i));
	for (size_t j = 0; j < d->n_new; j++) {
		if (new->marks[j] == MARK_UNPAIRED)
			add_change(d, CHANGE_APPLY, d->new_index[j], NONE,
				   is_in_changed_directory(new, j));
		else if (new->marks[j] == MARK_REPLACED)
			add_change(d, CHANGE_REPLACE, d->new_index[j],
				   d->old_index[new->partners[j]], false);
	}
}

static void find_merged_steps(struct difference *d, const struct plan_side *new,
			      const struct merged_step *slots, size_t n)
{
	for (size_t i = 0; i < d->n_old; i++)
		d->old_index[i] = find_merged_step(slots, n, false, i);
	for (size_t j = 0; j < d->n_new; j++)
		d->new_index[j] = new->marks[j] == MARK_KEPT ? d->old_index[new->partners[j]]
							     : find_merged_step(slots, n, true, j);
}

void difference_make(struct difference *d, struct plan *plan, struct plan *next,
		     const struct plan_rules *rules)
{
	_cleanup_(side_free) struct plan_side old = make_side(plan), new = make_side(next);
	_cleanup_free_ struct merged_step *slots = NULL;
	struct plan merged;
	size_t n;

	*d = (struct difference){ .plan = plan,
				  .rules = rules,
				  .n_old = plan->n,
				  .n_new = next->n,
				  .old_index = xcalloc(plan->n, sizeof(*d->old_index)),
				  .new_index = xcalloc(next->n, sizeof(*d->new_index)),
				  .new_positions = xcalloc(next->n, sizeof(*d->new_positions)) };
	find_partners(&old, &new, rules);
	mark_affected(&old, &new, rules);
	slots = merge_plans(&old, &new, &n);
	find_merged_steps(d, &new, slots, n);
	list_changes(d, &old, &new);
	merged = build_merged_plan(slots, n, plan, next);
	for (size_t j = 0; j < next->n; j++) {
		d->new_positions[j] = next->steps[j].at;
		if (new.marks[j] == MARK_KEPT)
			step_free(&next->steps[j]);
	}
	free(plan->steps);
	free(next->steps);
	*plan = merged;
	*next = (struct plan){ 0 };
}

static bool contains_index(const size_t *at, size_t n, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] == index)
			return true;
	return false;
}

bool difference_keeps(const struct difference *d, const struct step *step)
{
	size_t index = (size_t)(step - d->plan->steps);

	return contains_index(d->old_index, d->n_old, index) &&
	       contains_index(d->new_index, d->n_new, index);
}

/* --- The end ---------------------------------------------------------------------------------- */

void difference_free(struct difference *d)
{
	free(d->changes);
	free(d->old_index);
	free(d->new_index);
	free(d->new_positions);
	*d = (struct difference){ 0 };
}

void difference_end(struct difference *d, enum difference_end which)
{
	size_t n = which == DIFFERENCE_OLD ? d->n_old : d->n_new;
	const size_t *at = which == DIFFERENCE_OLD ? d->old_index : d->new_index;
	struct plan *merged = d->plan;
	struct plan plan = { .steps = xcalloc(n, sizeof(*plan.steps)),
			     .n = n,
			     .capacity = n,
			     .on_step = merged->on_step };

	for (size_t i = 0; i < n; i++) {
		plan.steps[i] = merged->steps[at[i]];
		if (which == DIFFERENCE_NEW)
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
