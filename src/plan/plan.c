/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "plan/fault_injection.h"

struct step *plan_add(struct plan *plan, const struct step_op *op, char *path, char *value,
		      const struct position *at, void *context)
{
	struct step *step;

	if (plan->n == plan->capacity) {
		plan->capacity = plan->capacity ? plan->capacity * 2 : 32;
		plan->steps = xreallocarray(plan->steps, plan->capacity, sizeof(*plan->steps));
	}
	step = &plan->steps[plan->n++];
	*step = (struct step){
		.op = op, .path = path, .value = value, .context = context, .state = STEP_TODO
	};
	if (at)
		step->at = *at;
	return step;
}

void step_free(struct step *step)
{
	free(step->path);
	free(step->value);
	free(step->previous_value);
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		step_free(&plan->steps[i]);
	free(plan->steps);
	*plan = (struct plan){ 0 };
}

int plan_apply(struct plan *plan, struct error *err)
{
	return plan_apply_until(plan, NULL, err);
}

int plan_apply_until(struct plan *plan, const struct step_op *end, struct error *err)
{
	for (; plan->next_step < plan->n; plan->next_step++) {
		struct step *step = &plan->steps[plan->next_step];
		int r;

		if (step->op == end)
			return 0;
		r = -fault_inject(FAULT_BEFORE, plan->next_step + 1);
		if (r < 0)
			error_errno(err, EX_OSERR, -r, step->path, "cannot %s %s", step->op->name,
				    step->path);
		else
			r = step->op->apply(step, err);
		if (r == PLAN_AGAIN)
			return r;
		if (r < 0) {
			error_set_position(err, &step->at);
			return r;
		}
		step->state = STEP_DONE;
		if (plan->on_step)
			plan->on_step(step, false);
		fault_inject(FAULT_AFTER, plan->next_step + 1);
	}
	return 0;
}

static int undo_step(struct step *step, size_t n, struct error *err)
{
	int r = -fault_inject(FAULT_UNDO_BEFORE, n);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, step->path, "cannot %s %s",
				   step->op->undo_name, step->path);
	r = step->op->undo(step, err);
	if (r == 0)
		fault_inject(FAULT_UNDO_AFTER, n);
	return r;
}

static void set_undone(struct plan *plan, size_t i)
{
	plan->steps[i].state = STEP_TODO;
	if (plan->next_step > i)
		plan->next_step = i;
	if (plan->on_step)
		plan->on_step(&plan->steps[i], true);
}

int plan_undo_last(struct plan *plan, struct error *err)
{
	size_t i = plan->next_step - 1;
	int r = undo_step(&plan->steps[i], i + 1, err);

	if (r == 0)
		set_undone(plan, i);
	return r;
}

int plan_undo(struct plan *plan, struct error *err)
{
	_cleanup_free_ char *others = NULL;
	int first = 0;

	for (size_t i = plan->n; i-- > 0;) {
		struct step *step = &plan->steps[i];
		_cleanup_error_ struct error one = { 0 };
		_cleanup_free_ char *old = NULL;
		int r = 0;

		if (step->state != STEP_DONE)
			continue;
		if (step->op->undo)
			r = undo_step(step, i + 1, &one);
		if (r > 0) {
			/*
			 * The next call of plan_undo undoes the failed steps again, and reports
			 * those that fail again
			 */
			error_clear(err);
			return r;
		}
		if (r == 0) {
			set_undone(plan, i);
		} else if (first == 0) {
			first = r;
			error_move(err, &one);
		} else {
			old = others;
			others = strf("%s%s%s", old ? old : "", old ? ", " : "", step->path);
		}
	}
	if (others)
		error_add_detail(err, "also left: %s", others);
	return first;
}

void plan_assume_applied(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		plan->steps[i].state = STEP_DONE;
	plan->next_step = plan->n;
}

static json_t *step_to_json(const struct step *step, size_t n)
{
	return json_pack("{s:I, s:s, s:s, s:o, s:o}", "n", (json_int_t)n, "do", step->op->name,
			 "path", step->path, "value", json_string_or_null(step->value), "undo",
			 json_string_or_null(step->op->undo_name));
}

json_t *plan_to_json(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->n; i++)
		json_array_append_new(array, step_to_json(&plan->steps[i], i + 1));
	return array;
}

json_t *plan_to_record(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->n; i++) {
		json_t *o = step_to_json(&plan->steps[i], i + 1);

		/* A value that is not UTF-8 is not recorded, because JSON cannot contain it. */
		if (plan->steps[i].previous_value)
			json_object_set_new(o, "was", json_string(plan->steps[i].previous_value));
		json_array_append_new(array, o);
	}
	return array;
}

int plan_from_json(struct plan *plan, const json_t *json, const struct step_op *const *ops,
		   struct error *err)
{
	const json_t *o;
	size_t i;

	if (!json_is_array(json))
		return error_set(err, EX_SOFTWARE, EBADMSG, NULL,
				 "the record's plan is not a list");
	json_array_foreach(json, i, o) {
		const char *name = json_string_value(json_object_get(o, "do"));
		const char *path = json_string_value(json_object_get(o, "path"));
		const char *value = json_string_value(json_object_get(o, "value"));
		const char *was = json_string_value(json_object_get(o, "was"));
		const struct step_op *const *op = ops;
		struct step *step;

		while (*op && name && !streq((*op)->name, name))
			op++;
		if (!name || !path || !*op)
			return error_set(err, EX_SOFTWARE, EBADMSG, path,
					 "step %zu of the record ('%s') is unknown to this version",
					 i + 1, name ? name : "?");
		if (*path != '/' || strlen(path) < 2 || (!value && (*op)->needs_value))
			return error_set(err, EX_SOFTWARE, EBADMSG, path,
					 "step %zu of the record ('%s') is invalid", i + 1, name);
		step = plan_add(plan, *op, xstrdup(path), xstrdup_or_null(value), NULL, NULL);
		step->previous_value = xstrdup_or_null(was);
	}
	return 0;
}
