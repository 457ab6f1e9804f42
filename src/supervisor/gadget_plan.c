/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/gadget_plan.h"

#include "base/util.h"

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

void gadget_add_steps(struct configfs *configfs, const struct gadget *g,
		      struct live_function **list, size_t n, const char *udc,
		      const struct plan *base, struct plan *plan)
{
	const struct gadget *before = configfs->gadget;

	configfs->gadget = g;
	configfs_add_gadget_without_bind(plan, configfs);
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
