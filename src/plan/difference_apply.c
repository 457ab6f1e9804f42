/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the changes between two plans, reverts and describes them. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plan/difference.h"
#include "plan/fault.h"

static struct step *step_of(const struct difference *d, const struct change *change)
{
	return &d->plan->steps[change->step];
}

/* --- Description ------------------------------------------------------------------------------ */

static const char *undo_word(const struct change *change, const struct step *step)
{
	if (step->op->undo)
		return step->op->undo_name;
	return step->op->restore && !change->with_directory ? "restore" : "leave";
}

const char *change_word(const struct difference *d, const struct change *change)
{
	const struct step *step = step_of(d, change);

	return change->kind == CHANGE_UNDO ? undo_word(change, step) : step->op->name;
}

const char *change_back_word(const struct difference *d, const struct change *change)
{
	const struct step *step = step_of(d, change);

	return change->kind == CHANGE_APPLY ? undo_word(change, step) : step->op->name;
}

json_t *difference_to_json(const struct difference *d)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct change *change = &d->changes[i];
		const struct step *step = step_of(d, change);
		const char *value = change->kind == CHANGE_UNDO ? NULL : step->value;

		json_array_append_new(array, json_pack("{s:I, s:s, s:s, s:o, s:s}", "n",
						       (json_int_t)(i + 1), "do",
						       change_word(d, change), "path", step->path,
						       "value", json_string_or_null(value), "undo",
						       change_back_word(d, change)));
	}
	return array;
}

/* --- Making changes --------------------------------------------------------------------------- */

static int undo(const struct change *change, struct step *step, struct error *err)
{
	if (step->op->undo)
		return step->op->undo(step, err);
	if (step->op->restore && !change->with_directory)
		return step->op->restore(step, err);
	return 0;
}

static int replace(struct step *step, struct step *last, struct error *err)
{
	return step->op->replace ? step->op->replace(step, last, err) : step->op->apply(step, err);
}

static void set_state(const struct difference *d, struct step *step, bool done)
{
	step->state = done ? STEP_DONE : STEP_TODO;
	step->tries = 0;
	if (d->plan->on_step)
		d->plan->on_step(step, !done);
}

static int make(struct difference *d, struct change *change, struct error *err)
{
	struct step *step = step_of(d, change), *last;
	int r = 0;

	switch (change->kind) {
	case CHANGE_UNDO:
		r = undo(change, step, err);
		break;
	case CHANGE_APPLY:
		r = step->op->apply(step, err);
		break;
	case CHANGE_REPLACE:
		last = &d->plan->steps[change->last];
		/* The value from before the old step was applied. */
		if (!step->was && last->was)
			step->was = xstrdup(last->was);
		r = replace(step, last, err);
		if (r == 0)
			last->state = STEP_TODO;
		break;
	}
	if (r == 0)
		set_state(d, step, change->kind != CHANGE_UNDO);
	return r;
}

static int planted(const char *word, const struct step *step, int error, struct error *err)
{
	return error_errno(err, EX_OSERR, error, step->path, "cannot %s %s", word, step->path);
}

int difference_apply(struct difference *d, struct error *err)
{
	for (; d->next < d->n; d->next++) {
		struct change *change = &d->changes[d->next];
		struct step *step = step_of(d, change);
		int fault = fault_hit(FAULT_RELOAD_BEFORE, d->next + 1);
		int r = fault ? planted(change_word(d, change), step, fault, err)
			      : make(d, change, err);

		if (r > 0)
			return r;
		if (r < 0) {
			error_at(err, &step->at);
			return r;
		}
		fault_hit(FAULT_RELOAD_AFTER, d->next + 1);
	}
	return 0;
}

/* --- Reverting changes ------------------------------------------------------------------------ */

static int unmake(struct difference *d, struct change *change, struct error *err)
{
	struct step *step = step_of(d, change), *last;
	int r = 0;

	switch (change->kind) {
	case CHANGE_UNDO:
		r = step->op->apply(step, err);
		break;
	case CHANGE_APPLY:
		r = undo(change, step, err);
		break;
	case CHANGE_REPLACE:
		last = &d->plan->steps[change->last];
		r = replace(last, step, err);
		if (r == 0)
			last->state = STEP_DONE;
		break;
	}
	if (r == 0)
		set_state(d, step, change->kind == CHANGE_UNDO);
	return r;
}

/*
 * Returns whether a change must not be reverted because it rests on one that failed: the gadget
 * must not be bound again without a function that could not be made again.
 */
static bool rests_on_failed(const struct difference *d, const struct change *change)
{
	if (change->kind == CHANGE_APPLY)
		return false;
	for (size_t k = 0; k < d->n; k++)
		if (d->changes[k].failed &&
		    d->rules->rests_on(step_of(d, change), step_of(d, &d->changes[k])))
			return true;
	return false;
}

static void note_failure(struct difference *d, struct change *change, struct error *one,
			 struct error *err)
{
	change->failed = true;
	if (!d->back_failed)
		error_move(err, one);
	else
		error_hint(err, "also %s", step_of(d, change)->path);
	d->back_failed = true;
}

int difference_take_back(struct difference *d, struct error *err)
{
	for (; d->next > 0; d->next--) {
		struct change *change = &d->changes[d->next - 1];
		struct step *step = step_of(d, change);
		_cleanup_error_ struct error one = { 0 };
		int fault, r;

		if (rests_on_failed(d, change)) {
			change->failed = true;
			continue;
		}
		fault = fault_hit(FAULT_BACK_BEFORE, d->next);
		r = fault ? planted(change_back_word(d, change), step, fault, &one)
			  : unmake(d, change, &one);
		if (r > 0)
			return r;
		if (r < 0)
			note_failure(d, change, &one, err);
		else
			fault_hit(FAULT_BACK_AFTER, d->next);
	}
	return d->back_failed ? -err->err : 0;
}

/* Returns the only change that failed; NULL: none, or several. */
static struct change *only_failure(const struct difference *d)
{
	struct change *only = NULL;

	if (!d->back_failed)
		return d->next < d->n ? &d->changes[d->next] : NULL;
	for (size_t k = 0; k < d->n; k++) {
		if (!d->changes[k].failed)
			continue;
		if (only)
			return NULL;
		only = &d->changes[k];
	}
	return only;
}

const struct step *difference_failed(const struct difference *d)
{
	const struct change *change = only_failure(d);

	return change ? step_of(d, change) : NULL;
}

void difference_forgive(struct difference *d)
{
	struct change *change = only_failure(d);
	bool back = d->back_failed;

	step_of(d, change)->state = (change->kind == CHANGE_UNDO) == back ? STEP_DONE : STEP_TODO;
	change->failed = d->back_failed = false;
	if (!back)
		d->next++;
}

void difference_give_up(struct difference *d, struct error *err)
{
	struct change *change = &d->changes[--d->next];
	const struct step *step = step_of(d, change);
	_cleanup_error_ struct error one = { 0 };

	error_set(&one, EX_TEMPFAIL, ETIMEDOUT, step->path, "cannot %s %s within the time given",
		  change_back_word(d, change), step->path);
	note_failure(d, change, &one, err);
}
