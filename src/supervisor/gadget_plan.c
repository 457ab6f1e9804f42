/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/gadget_plan.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/items.h"
#include "configfs/steps.h"

const struct step_op **gadget_step_ops(void)
{
	static const struct step_op *const *const rooms[] = { configfs_ops, function_ops };
	const struct step_op **ops = NULL;
	size_t n = 0;

	for (size_t r = 0; r < ARRAY_SIZE(rooms); r++)
		for (size_t i = 0; rooms[r][i]; i++)
			*array_add(ops, n) = rooms[r][i];
	(void)array_add(ops, n); /* the NULL at the end */
	return ops;
}

int gadget_make_live_functions(struct functions *all, const struct gadget *g,
			       struct live_function ***list, size_t *n, struct error *err)
{
	for (size_t f = 0; f < g->n_functions; f++) {
		int r;

		if (!g->functions[f].ffs && !g->functions[f].worker)
			continue;
		r = function_new(array_add(*list, *n), all, g, &g->functions[f], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Returns whether a configuration of the gadget file has the function. */
static bool is_in_configuration(const struct gadget *g, const struct function *f)
{
	for (size_t c = 0; c < g->n_configs; c++)
		for (size_t i = 0; i < g->configs[c].n_functions; i++)
			if (&g->functions[g->configs[c].functions[i].function_index] == f)
				return true;
	return false;
}

static bool plan_makes_function_without_link(const struct plan *plan, const char *directory)
{
	bool made = false;

	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if (step->op == &configfs_op_link &&
		    streq_null(step->value, path_last_component(directory)))
			return false;
		made = made || (step->op == &configfs_op_function && streq(step->path, directory));
	}
	return made;
}

void gadget_set_left_out_functions(const struct gadget *g, struct live_function **list, size_t n,
				   const struct plan *base)
{
	for (size_t i = 0; i < n; i++) {
		const struct function *f = list[i]->model;
		_cleanup_free_ char *directory = configfs_function_path(
			list[i]->functions->paths, g->name, f->type, f->instance);

		list[i]->left_out = f->optional && is_in_configuration(g, f) &&
				    plan_makes_function_without_link(base, directory);
	}
}

/* Returns an array with the member `left_out` of each function of the gadget file. */
static bool *make_left_out_array(const struct gadget *g, struct live_function *const *list,
				 size_t n)
{
	bool *array = xcalloc(g->n_functions, sizeof(*array));

	for (size_t i = 0; i < n; i++)
		array[list[i]->model - g->functions] = list[i]->left_out;
	return array;
}

struct step *gadget_last_step_if_bind(struct plan *plan)
{
	struct step *last = plan->n > 0 ? &plan->steps[plan->n - 1] : NULL;

	return last && last->op == &configfs_op_bind ? last : NULL;
}

const struct step *gadget_find_applied_bind(const struct plan *plan)
{
	for (size_t i = plan->n; i-- > 0;)
		if (plan->steps[i].op == &configfs_op_bind && plan->steps[i].state == STEP_DONE)
			return &plan->steps[i];
	return NULL;
}

void gadget_remove_unapplied_bind(struct plan *plan)
{
	struct step *last = gadget_last_step_if_bind(plan);

	if (!last || last->state == STEP_DONE)
		return;
	step_free(last);
	plan->n--;
}

void gadget_add_steps(struct configfs *configfs, const struct gadget *g,
		      struct live_function **list, size_t n, const char *udc,
		      const struct plan *base, struct plan *plan)
{
	const struct gadget *before = configfs->gadget;
	_cleanup_free_ bool *left_out = make_left_out_array(g, list, n);

	configfs->gadget = g;
	configfs->is_left_out = left_out;
	configfs_add_gadget_without_bind(plan, configfs);
	configfs->is_left_out = NULL;
	for (size_t i = 0; i < n; i++)
		function_add_steps(plan, list[i], base);
	for (size_t i = 0; i < n; i++)
		function_add_start_worker_step(plan, list[i]);
	for (size_t i = 0; i < n; i++)
		function_add_await_ready_step(plan, list[i]);
	if (udc)
		configfs_add_bind(plan, configfs, udc);
	configfs->gadget = before;
}
