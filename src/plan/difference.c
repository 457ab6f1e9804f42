/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/difference.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define NONE ((size_t)-1)

/* --- which steps are kept ------------------------------------------------------------------------
 */

enum mark {
	MARK_ALONE, /* undone, or applied, whether or not the other plan has one like it */
	MARK_KEPT,
	MARK_REPLACED,
};

struct side {
	const struct plan *plan;
	enum mark *marks;
	size_t *partners; /* index in the other plan */
};

static bool same_step(const struct step *a, const struct step *b)
{
	return a->op == b->op && streq(a->path, b->path) && streq_null(a->value, b->value);
}

static void pair_up(struct side *old, struct side *new, size_t i, size_t j, enum mark mark)
{
	old->marks[i] = new->marks[j] = mark;
	old->partners[i] = j;
	new->partners[j] = i;
}

static bool finds_partner(struct side *old, struct side *new, size_t j, enum mark mark,
			  const struct plan_rules *rules)
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

/* Equal ones first: several steps may have the same path. */
static void find_partners(struct side *old, struct side *new, const struct plan_rules *rules)
{
	for (size_t j = 0; j < new->plan->n; j++)
		finds_partner(old, new, j, MARK_KEPT, rules);
	for (size_t j = 0; j < new->plan->n; j++)
		if (new->partners[j] == NONE)
			finds_partner(old, new, j, MARK_REPLACED, rules);
}

/* Whether a change beside it takes the step along. */
static bool is_taken_along(const struct side *side, size_t i, const struct plan_rules *rules)
{
	const struct step *steps = side->plan->steps;

	for (size_t k = 0; k < side->plan->n; k++)
		if (side->marks[k] != MARK_KEPT &&
		    ((k < i && rules->rests_on(&steps[i], &steps[k])) ||
		     (k > i && rules->remade_with(&steps[i], &steps[k]))))
			return true;
	return false;
}

/* Whether it comes behind what it rests on in the new plan only: its place has changed. */
static bool has_moved(const struct side *new, size_t j, const struct plan_rules *rules)
{
	for (size_t k = 0; k < j; k++)
		if (new->partners[k] != NONE &&new->partners[k] > new->partners[j] &&
		    rules->rests_on(&new->plan->steps[j], &new->plan->steps[k]))
			return true;
	return false;
}

/* Until nothing takes anything along any more. Each turn leaves one pair less. */
static void spread(struct side *old, struct side *new, const struct plan_rules *rules)
{
	bool again;

	do {
		again = false;
		for (size_t j = 0; j < new->plan->n; j++) {
			size_t i = new->partners[j];

			if (new->marks[j] == MARK_ALONE ||
			    !(is_taken_along(old, i, rules) || is_taken_along(new, j, rules) ||
			      has_moved(new, j, rules)))
				continue;
			old->marks[i] = new->marks[j] = MARK_ALONE;
			again = true;
		}
	} while (again);
}

static struct side side_of(const struct plan *plan)
{
	struct side side = { .plan = plan,
			     .marks = xcalloc(plan->n, sizeof(*side.marks)),
			     .partners = xcalloc(plan->n, sizeof(*side.partners)) };

	for (size_t i = 0; i < plan->n; i++)
		side.partners[i] = NONE;
	return side;
}

static void side_free(struct side *side)
{
	free(side->marks);
	free(side->partners);
}

/* --- one plan of both ----------------------------------------------------------------------------
 */

/* A step's place in the merged plan: index in one of the two. */
struct place {
	bool is_new;
	size_t index;
};

static size_t place_of(const struct place *places, size_t n, bool is_new, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (places[i].is_new == is_new && places[i].index == index)
			return i;
	return NONE;
}

/* The last step of the old plan that makes the same thing; NONE. */
static size_t namesake(const struct side *old, const struct step *step)
{
	for (size_t i = old->plan->n; i-- > 0;)
		if (old->plan->steps[i].op == step->op &&
		    streq(old->plan->steps[i].path, step->path))
			return i;
	return NONE;
}

/*
 * The old plan, and each step of the new one that is not kept behind all that come before it there.
 * But who makes what an old step has made stands right behind that: undone from the end, both must
 * come when nothing is left that rests on either.
 */
static struct place *merge(const struct side *old, const struct side *new, size_t *n)
{
	struct place *places = xcalloc(old->plan->n + new->plan->n, sizeof(*places));
	size_t behind = 0;

	for (*n = 0; *n < old->plan->n; (*n)++)
		places[*n].index = *n;
	for (size_t j = 0; j < new->plan->n; j++) {
		const struct step *step = &new->plan->steps[j];
		bool kept = new->marks[j] == MARK_KEPT;
		size_t i = new->marks[j] == MARK_ALONE ? namesake(old, step) : new->partners[j];
		size_t at = i == NONE ? behind : place_of(places, *n, false, i) + 1;

		if (!kept) {
			memmove(&places[at + 1], &places[at], (*n - at) * sizeof(*places));
			places[at] = (struct place){ true, j };
			(*n)++;
		}
		if (at >= behind)
			behind = kept ? at : at + 1;
		else if (!kept)
			behind++;
	}
	return places;
}

static struct plan build(const struct place *places, size_t n, struct plan *old, struct plan *new)
{
	struct plan plan = { .steps = xcalloc(n, sizeof(*plan.steps)),
			     .n = n,
			     .capacity = n,
			     .next = n,
			     .on_step = old->on_step };

	for (size_t k = 0; k < n; k++)
		plan.steps[k] = (places[k].is_new ? new : old)->steps[places[k].index];
	return plan;
}

/* --- the changes ---------------------------------------------------------------------------------
 */

static bool goes_with_directory(const struct side *side, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (side->marks[k] == MARK_ALONE && side->plan->steps[k].op->undo &&
		    path_is_below(side->plan->steps[i].path, side->plan->steps[k].path))
			return true;
	return false;
}

static void add_change(struct difference *d, enum change_kind kind, size_t step, size_t last,
		       bool with_directory)
{
	struct change *change = array_add(d->changes, d->n);

	*change = (struct change){
		.kind = kind, .step = step, .last = last, .with_directory = with_directory
	};
}

static void list_changes(struct difference *d, const struct side *old, const struct side *new)
{
	for (size_t i = d->n_old; i-- > 0;)
		if (old->marks[i] == MARK_ALONE)
			add_change(d, CHANGE_UNDO, d->old_at[i], NONE, goes_with_directory(old, i));
	for (size_t j = 0; j < d->n_new; j++) {
		if (new->marks[j] == MARK_ALONE)
			add_change(d, CHANGE_APPLY, d->new_at[j], NONE,
				   goes_with_directory(new, j));
		else if (new->marks[j] == MARK_REPLACED)
			add_change(d, CHANGE_REPLACE, d->new_at[j], d->old_at[new->partners[j]],
				   false);
	}
}

static void find_places(struct difference *d, const struct side *new, const struct place *places,
			size_t n)
{
	for (size_t i = 0; i < d->n_old; i++)
		d->old_at[i] = place_of(places, n, false, i);
	for (size_t j = 0; j < d->n_new; j++)
		d->new_at[j] = new->marks[j] == MARK_KEPT ? d->old_at[new->partners[j]]
							  : place_of(places, n, true, j);
}

void difference_make(struct difference *d, struct plan *plan, struct plan *next,
		     const struct plan_rules *rules)
{
	_cleanup_(side_free) struct side old = side_of(plan), new = side_of(next);
	_cleanup_free_ struct place *places = NULL;
	struct plan merged;
	size_t n;

	*d = (struct difference){ .plan = plan,
				  .rules = rules,
				  .n_old = plan->n,
				  .n_new = next->n,
				  .old_at = xcalloc(plan->n, sizeof(*d->old_at)),
				  .new_at = xcalloc(next->n, sizeof(*d->new_at)),
				  .origins = xcalloc(next->n, sizeof(*d->origins)) };
	find_partners(&old, &new, rules);
	spread(&old, &new, rules);
	places = merge(&old, &new, &n);
	find_places(d, &new, places, n);
	list_changes(d, &old, &new);
	merged = build(places, n, plan, next);
	for (size_t j = 0; j < next->n; j++) {
		d->origins[j] = next->steps[j].at;
		if (new.marks[j] == MARK_KEPT)
			step_free(&next->steps[j]);
	}
	free(plan->steps);
	free(next->steps);
	*plan = merged;
	*next = (struct plan){ 0 };
}

static bool has(const size_t *at, size_t n, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] == index)
			return true;
	return false;
}

bool difference_keeps(const struct difference *d, const struct step *step)
{
	size_t index = (size_t)(step - d->plan->steps);

	return has(d->old_at, d->n_old, index) && has(d->new_at, d->n_new, index);
}

/* --- the end ------------------------------------------------------------------------------------
 */

void difference_free(struct difference *d)
{
	free(d->changes);
	free(d->old_at);
	free(d->new_at);
	free(d->origins);
	*d = (struct difference){ 0 };
}

void difference_end(struct difference *d, enum difference_end which)
{
	size_t n = which == DIFFERENCE_OLD ? d->n_old : d->n_new;
	const size_t *at = which == DIFFERENCE_OLD ? d->old_at : d->new_at;
	struct plan *merged = d->plan;
	struct plan plan = { .steps = xcalloc(n, sizeof(*plan.steps)),
			     .n = n,
			     .capacity = n,
			     .on_step = merged->on_step };

	for (size_t i = 0; i < n; i++) {
		plan.steps[i] = merged->steps[at[i]];
		if (which == DIFFERENCE_NEW)
			plan.steps[i].at = d->origins[i];
	}
	for (size_t i = 0; i < merged->n; i++)
		if (!has(at, n, i))
			step_free(&merged->steps[i]);
	while (plan.next < n && plan.steps[plan.next].state == STEP_DONE)
		plan.next++;
	free(merged->steps);
	*merged = plan;
	difference_free(d);
}
