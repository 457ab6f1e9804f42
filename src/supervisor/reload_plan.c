/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/reload_plan.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "configfs/items.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/read_gadget_file.h"

/* --- the file ------------------------------------------------------------------------------------
 */

int reload_read_file(struct reload *r, const struct record *record, const char *path,
		     bool keep_name, const char *const *dirs, enum gadgetfile_trust trust,
		     void (*log_line)(void *data, const char *line), void *data, struct error *err)
{
	const char *name = record->name;
	int result;

	path = path ? path : record->gadget_file;
	if (!path || !name)
		return record_fail_no_gadget_file(name ?: "?", err);
	result = supervisor_read_gadget_file(
		path, keep_name || record_name_was_overridden(record) ? name : NULL, dirs, trust,
		log_line, data, &r->new_gadget, &r->new_document, err);
	if (result < 0 || streq(r->new_gadget->name, name))
		return result;
	error_set(err, EX_CANTCREAT, EEXIST, path, "%s is the gadget file of '%s', not of '%s'",
		  path, r->new_gadget->name, name);
	return error_add_hint(
		err, "a reload cannot change the name: 'ffsctl down %s', then 'ffsctl up %s'", name,
		path);
}

/* --- the UDC -------------------------------------------------------------------------------------
 */

static bool udc_has_driver(const struct paths *paths, const char *udc, const char *driver)
{
	_cleanup_error_ struct error ignored = { 0 };
	_cleanup_udcs_ struct udcs udcs = { 0 };
	bool has = false;

	if (udcs_list(paths, &udcs, &ignored) < 0)
		return false;
	for (size_t i = 0; i < udcs.n; i++)
		has = has ||
		      (streq(udcs.list[i].name, udc) && streq_null(udcs.list[i].driver, driver));
	return has;
}

/* Keeps the UDC, unless the file now selects another one. */
static int choose_udc(struct reload *r, const struct gadget_to_reload *base, struct error *err)
{
	const struct gadget_udc *wanted = &r->new_gadget->udc;

	if (!base->udc || !gadget_find_applied_bind(base->plan))
		return 0;
	if (json_equal(json_object_get(base->record->document, "udc"),
		       json_object_get(r->new_document, "udc")) ||
	    (!wanted->name.value && !wanted->driver.value) ||
	    streq_null(wanted->name.value, base->udc) ||
	    (!wanted->name.value && udc_has_driver(base->paths, base->udc, wanted->driver.value))) {
		r->new_udc = xstrdup(base->udc);
		return 0;
	}
	return udc_choose(base->paths, wanted, NULL, &r->new_udc, err);
}

/* --- the plans -----------------------------------------------------------------------------------
 */

/*
 * Returns the old function with the same directory as `next` if the reload keeps that directory.
 * NULL: `next` is a new function.
 */
static struct live_function *find_kept_function(const struct plan *plan, const struct reload *r,
						const struct live_function *next)
{
	_cleanup_free_ char *path = function_mount_or_configfs_path(next);
	const struct step_op *op = next->model->ffs ? &ffs_op_mount : &configfs_op_function;
	bool kept = false;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].op == op && streq(plan->steps[i].path, path))
			kept = kept || difference_keeps_step(&r->difference, &plan->steps[i]);
	for (size_t n = 0; kept && n < r->n_old_functions; n++) {
		_cleanup_free_ char *old = function_mount_or_configfs_path(r->old_functions[n]);

		if (streq(old, path))
			return r->old_functions[n];
	}
	return NULL;
}

/*
 * Assigns the steps of the new function `next` to the old function, which keeps its mount and its
 * keeper. If the worker's settings differ, the worker of `next`
 * replaces the old worker.
 */
static void point_steps_at_kept_function(struct plan *plan, struct live_function *function,
					 struct live_function *next)
{
	function->replacement = next;
	for (size_t k = 0; k < plan->n; k++)
		if (plan->steps[k].context == next)
			plan->steps[k].context = function;
}

/* Sets base->functions to the functions of both plans. */
static void list_functions_of_both_plans(struct reload *r, const struct gadget_to_reload *base)
{
	struct functions *live = base->functions;

	r->old_functions = steal_ptr(live->list);
	r->n_old_functions = live->n;
	live->n = 0;
	for (size_t n = 0; n < r->n_old_functions; n++)
		*array_add(live->list, live->n) = r->old_functions[n];
	for (size_t n = 0; n < r->n_new_functions; n++) {
		struct live_function *function =
			find_kept_function(base->plan, r, r->new_functions[n]);

		if (function)
			point_steps_at_kept_function(base->plan, function, r->new_functions[n]);
		else
			*array_add(live->list, live->n) = r->new_functions[n];
	}
}

int reload_make_functions_and_choose_udc(struct reload *r, const struct gadget_to_reload *base,
					 struct error *err)
{
	int result = gadget_make_live_functions(base->functions, r->new_gadget, &r->new_functions,
						&r->n_new_functions, err);

	return result < 0 ? result : choose_udc(r, base, err);
}

void reload_make_difference(struct reload *r, const struct gadget_to_reload *base)
{
	struct plan next = { 0 };

	gadget_remove_unapplied_bind(base->plan);
	gadget_set_left_out_functions(r->new_gadget, r->new_functions, r->n_new_functions,
				      base->plan);
	gadget_add_steps(base->configfs, r->new_gadget, r->new_functions, r->n_new_functions,
			 r->new_udc, base->plan, &next);
	difference_make(&r->difference, base->plan, &next, &reload_rules);
	list_functions_of_both_plans(r, base);
}

/* --- the end ---------------------------------------------------------------------------------- */

static bool list_has_function(struct live_function *const *list, size_t n,
			      const struct live_function *function)
{
	for (size_t k = 0; k < n; k++)
		if (list[k] == function)
			return true;
	return false;
}

static void free_functions_not_live(const struct functions *live, struct live_function **list,
				    size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (!list_has_function(live->list, live->n, list[k]))
			function_free(list[k]);
	free(list);
}

void reload_discard(struct reload *r, const struct functions *live)
{
	free_functions_not_live(live, r->old_functions, r->n_old_functions);
	free_functions_not_live(live, r->new_functions, r->n_new_functions);
	difference_free(&r->difference);
	gadget_free(r->new_gadget);
	json_decref(r->new_document);
	free(r->new_udc);
	error_clear(&r->failed_change_error);
	error_clear(&r->revert_error);
	free(r);
}
