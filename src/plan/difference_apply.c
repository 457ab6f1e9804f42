/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes, reverts and describes the changes of a difference. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plan/difference.h"
#include "plan/fault_injection.h"

static struct step *step_of_change(const struct difference *d, const struct step_change *change)
{
	return &d->merged_plan->steps[change->index_in_merged_plan];
}

/* --- Description ------------------------------------------------------------------------------ */

static const char *undo_verb(const struct step_change *change, const struct step *step)
{
	if (step->op->undo)
		return step->op->undo_name;
	return step->op->restore_previous_value && !change->in_made_or_removed_directory ? "restore"
											 : "leave";
}

const char *change_verb(const struct difference *d, const struct step_change *change)
{
	const struct step *step = step_of_change(d, change);

	return change->kind == CHANGE_UNDO ? undo_verb(change, step) : step->op->name;
}

const char *change_revert_verb(const struct difference *d, const struct step_change *change)
{
	const struct step *step = step_of_change(d, change);

	return change->kind == CHANGE_APPLY ? undo_verb(change, step) : step->op->name;
}

json_t *difference_to_json(const struct difference *d)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->n_changes; i++) {
		const struct step_change *change = &d->changes[i];
		const struct step *step = step_of_change(d, change);
		const char *value = change->kind == CHANGE_UNDO ? NULL : step->value;

		json_array_append_new(array,
				      json_pack("{s:I, s:s, s:s, s:o, s:s}", "n", (json_int_t)i + 1,
						"do", change_verb(d, change), "path", step->path,
						"value", json_string_or_null(value), "undo",
						change_revert_verb(d, change)));
	}
	return array;
}

/* --- Making changes --------------------------------------------------------------------------- */

static int undo_or_restore(const struct step_change *change, struct step *step, struct error *err)
{
	if (step->op->undo)
		return step->op->undo(step, err);
	if (step->op->restore_previous_value && !change->in_made_or_removed_directory)
		return step->op->restore_previous_value(step, err);
	return 0;
}

static int replace_step(struct step *step, struct step *replaced, struct error *err)
{
	return step->op->replace ? step->op->replace(step, replaced, err)
				 : step->op->apply(step, err);
}

static void set_step_state(const struct difference *d, struct step *step, bool applied)
{
	step->state = applied ? STEP_DONE : STEP_TODO;
	step->n_undo_tries = 0;
	if (d->merged_plan->on_step)
		d->merged_plan->on_step(step, !applied);
}

static int perform_change(struct difference *d, struct step_change *change, struct error *err)
{
	struct step *step = step_of_change(d, change), *replaced;
	int r = 0;

	switch (change->kind) {
	case CHANGE_UNDO:
		r = undo_or_restore(change, step, err);
		break;
	case CHANGE_APPLY:
		r = step->op->apply(step, err);
		break;
	case CHANGE_REPLACE:
		replaced = &d->merged_plan->steps[change->replaced_index_in_merged_plan];
		/*
		 * The previous value is the one that the kernel had before the replaced step was
		 * applied.
		 */
		if (!step->previous_value && replaced->previous_value)
			step->previous_value = xstrdup(replaced->previous_value);
		r = replace_step(step, replaced, err);
		if (r == 0)
			replaced->state = STEP_TODO;
		break;
	}
	if (r == 0)
		set_step_state(d, step, change->kind != CHANGE_UNDO);
	return r;
}

static int fail_with_injected_fault(const char *verb, const struct step *step, int error,
				    struct error *err)
{
	return error_errno(err, EX_OSERR, error, step->path, "cannot %s %s", verb, step->path);
}

int difference_apply(struct difference *d, struct error *err)
{
	for (; d->next_change < d->n_changes; d->next_change++) {
		struct step_change *change = &d->changes[d->next_change];
		struct step *step = step_of_change(d, change);
		int fault = fault_inject(FAULT_RELOAD_BEFORE, d->next_change + 1);
		int r = fault ? fail_with_injected_fault(change_verb(d, change), step, fault, err)
			      : perform_change(d, change, err);

		if (r > 0)
			return r;
		if (r < 0) {
			error_set_position(err, &step->at);
			return r;
		}
		fault_inject(FAULT_RELOAD_AFTER, d->next_change + 1);
	}
	return 0;
}

/* --- Reverting changes ------------------------------------------------------------------------ */

static int revert_change(struct difference *d, struct step_change *change, struct error *err)
{
	struct step *step = step_of_change(d, change), *replaced;
	int r = 0;

	switch (change->kind) {
	case CHANGE_UNDO:
		r = step->op->apply(step, err);
		break;
	case CHANGE_APPLY:
		r = undo_or_restore(change, step, err);
		break;
	case CHANGE_REPLACE:
		replaced = &d->merged_plan->steps[change->replaced_index_in_merged_plan];
		r = replace_step(replaced, step, err);
		if (r == 0)
			replaced->state = STEP_DONE;
		break;
	}
	if (r == 0)
		set_step_state(d, step, change->kind == CHANGE_UNDO);
	return r;
}

/*
 * Returns whether a change must not be reverted because its step depends on a step that could not
 * be reverted. For example, the gadget must not be bound again if one of its functions could not be
 * made again.
 */
static bool depends_on_unreverted_step(const struct difference *d, const struct step_change *change)
{
	if (change->kind == CHANGE_APPLY)
		return false;
	for (size_t k = 0; k < d->n_changes; k++)
		if (d->changes[k].revert_failed &&
		    d->rules->depends_on(step_of_change(d, change),
					 step_of_change(d, &d->changes[k])))
			return true;
	return false;
}

static void record_revert_failure(struct difference *d, struct step_change *change,
				  struct error *failure, struct error *err)
{
	change->revert_failed = true;
	if (!d->any_revert_failed)
		error_move(err, failure);
	else
		error_add_detail(err, "also %s", step_of_change(d, change)->path);
	d->any_revert_failed = true;
}

int difference_revert(struct difference *d, struct error *err)
{
	for (; d->next_change > 0; d->next_change--) {
		struct step_change *change = &d->changes[d->next_change - 1];
		struct step *step = step_of_change(d, change);
		_cleanup_error_ struct error one = { 0 };
		int fault, r;

		if (depends_on_unreverted_step(d, change)) {
			change->revert_failed = true;
			continue;
		}
		fault = fault_inject(FAULT_REVERT_BEFORE, d->next_change);
		r = fault ? fail_with_injected_fault(change_revert_verb(d, change), step, fault,
						     &one)
			  : revert_change(d, change, &one);
		if (r > 0)
			return r;
		if (r < 0)
			record_revert_failure(d, change, &one, err);
		else
			fault_inject(FAULT_REVERT_AFTER, d->next_change);
	}
	return d->any_revert_failed ? -err->errno_value : 0;
}

/* Returns the only change that failed to be made or reverted; NULL: none or several failed. */
static struct step_change *only_failed_change(const struct difference *d)
{
	struct step_change *only = NULL;

	if (!d->any_revert_failed)
		return d->next_change < d->n_changes ? &d->changes[d->next_change] : NULL;
	for (size_t k = 0; k < d->n_changes; k++) {
		if (!d->changes[k].revert_failed)
			continue;
		if (only)
			return NULL;
		only = &d->changes[k];
	}
	return only;
}

const struct step *difference_failed_step(const struct difference *d)
{
	const struct step_change *change = only_failed_change(d);

	return change ? step_of_change(d, change) : NULL;
}

void difference_skip_failed_change(struct difference *d)
{
	struct step_change *change = only_failed_change(d);
	bool back = d->any_revert_failed;

	step_of_change(d, change)->state =
		(change->kind == CHANGE_UNDO) == back ? STEP_DONE : STEP_TODO;
	change->revert_failed = d->any_revert_failed = false;
	if (!back)
		d->next_change++;
}

void difference_fail_revert_by_timeout(struct difference *d, struct error *err)
{
	struct step_change *change = &d->changes[--d->next_change];
	const struct step *step = step_of_change(d, change);
	_cleanup_error_ struct error one = { 0 };

	error_set(&one, EX_TEMPFAIL, ETIMEDOUT, step->path, "cannot %s %s within the time given",
		  change_revert_verb(d, change), step->path);
	record_revert_failure(d, change, &one, err);
}
