/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload would do: the new gadget file, and the two plans compared. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "configfs/usbg.h"
#include "functionfs/mount.h"
#include "gadgetfile/gadgetfile.h"
#include "supervisor/bus.h"
#include "supervisor/plan.h"
#include "supervisor/privileges.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

/* --- the file ------------------------------------------------------------------------------------
 */

bool reload_is_renamed(const json_t *record)
{
	const char *name = json_text(record, "name", NULL), *file = json_text(record, "file", NULL);
	const char *own = json_text(json_object_get(record, "form"), "name", NULL);
	_cleanup_free_ char *fallback = file ? gadgetfile_default_name(file) : NULL;

	return !streq_null(own ? own : fallback, name);
}

int reload_read(struct reload *r, const json_t *record, const char *path, bool renamed,
		const char *const *dirs, enum gadgetfile_trust trust,
		void (*say)(void *data, const char *line), void *data, struct error *err)
{
	const char *name = json_text(record, "name", NULL);
	int result;

	path = path ? path : json_text(record, "file", NULL);
	if (!path || !name)
		return error_set(err, EX_SOFTWARE, EBADMSG, NULL,
				 "the record does not say which file the gadget came from");
	result = supervisor_read_file(path, renamed || reload_is_renamed(record) ? name : NULL,
				      dirs, trust, say, data, &r->gadget, &r->form, err);
	if (result < 0 || streq(r->gadget->name, name))
		return result;
	error_set(err, EX_CANTCREAT, EEXIST, path, "%s is the file of a gadget '%s', not of '%s'",
		  path, r->gadget->name, name);
	return error_hint(err, "a gadget keeps its name: take it down, then up");
}

/* --- the UDC -------------------------------------------------------------------------------------
 */

static bool has_driver(const struct paths *paths, const char *udc, const char *driver)
{
	_cleanup_error_ struct error ignored = { 0 };
	_cleanup_udcs_ struct udcs udcs = { 0 };
	bool has = false;

	if (udcs_list(paths, &udcs, &ignored) < 0)
		return false;
	for (size_t i = 0; i < udcs.n; i++)
		has = has || (streq(udcs.v[i].name, udc) && streq_null(udcs.v[i].driver, driver));
	return has;
}

/* Where it is, unless the file has come to ask for something else. */
static int choose_udc(const struct supervisor *s, struct reload *r, struct error *err)
{
	const struct gadget_udc *wanted = &r->gadget->udc;

	if (!s->udc || !bus_step(s))
		return 0;
	if (json_equal(json_object_get(json_object_get(s->record, "form"), "udc"),
		       json_object_get(r->form, "udc")) ||
	    (!wanted->name.value && !wanted->driver.value) ||
	    streq_null(wanted->name.value, s->udc) ||
	    (!wanted->name.value && has_driver(s->paths, s->udc, wanted->driver.value))) {
		r->udc = xstrdup(s->udc);
		return 0;
	}
	return udc_choose(s->paths, wanted, NULL, &r->udc, err);
}

/* --- the plans -----------------------------------------------------------------------------------
 */

/* What was given up once for all cannot be given to a worker any more. */
static int check_privileges(const struct supervisor *s, const struct reload *r, struct error *err)
{
	int result = 0;

	for (size_t n = 0; result == 0 && n < r->n_fresh; n++)
		result = privileges_check(s, r->fresh[n]->model, err);
	return result;
}

/* A bind that is not made is none: bus.c adds it again. */
static void drop_idle_bind(struct plan *plan)
{
	struct step *last = plan->n > 0 ? &plan->steps[plan->n - 1] : NULL;

	if (!last || last->op != &configfs_op_bind || last->state == STEP_DONE)
		return;
	step_free(last);
	plan->n--;
}

/* The function whose place stays, and which this one is in place of; NULL: it is a new one. */
static struct live_function *stays_as(const struct supervisor *s, const struct reload *r,
				      const struct live_function *fresh)
{
	_cleanup_free_ char *path = function_place(fresh);
	const struct step_op *op = fresh->model->ffs ? &ffs_op_mount : &usbg_op_function;
	bool kept = false;

	for (size_t i = 0; i < s->plan.n; i++)
		if (s->plan.steps[i].op == op && streq(s->plan.steps[i].path, path))
			kept = kept || difference_keeps(&r->difference, &s->plan.steps[i]);
	for (size_t n = 0; kept && n < r->n_old; n++) {
		_cleanup_free_ char *old = function_place(r->old[n]);

		if (streq(old, path))
			return r->old[n];
	}
	return NULL;
}

/* Steps of a replacement are the function's own: it gives its worker, and nothing else. */
static void set_replacement(struct supervisor *s, struct live_function *i,
			    struct live_function *fresh)
{
	i->replacement = fresh;
	for (size_t k = 0; k < s->plan.n; k++)
		if (s->plan.steps[k].self == fresh)
			s->plan.steps[k].self = i;
}

static void join_instances(struct supervisor *s, struct reload *r)
{
	r->old = steal_ptr(s->live.v);
	r->n_old = s->live.n;
	s->live.n = 0;
	for (size_t n = 0; n < r->n_old; n++)
		*array_add(s->live.v, s->live.n) = r->old[n];
	for (size_t n = 0; n < r->n_fresh; n++) {
		struct live_function *i = stays_as(s, r, r->fresh[n]);

		if (i)
			set_replacement(s, i, r->fresh[n]);
		else
			*array_add(s->live.v, s->live.n) = r->fresh[n];
	}
}

int reload_compare(struct supervisor *s, struct reload *r, struct error *err)
{
	struct plan next = { 0 };
	int result = gadget_plan_functions(&s->live, r->gadget, &r->fresh, &r->n_fresh, err);

	if (result == 0)
		result = check_privileges(s, r, err);
	if (result == 0)
		result = choose_udc(s, r, err);
	if (result < 0)
		return result;
	for (size_t n = 0; n < r->n_fresh; n++)
		if (r->fresh[n]->worker)
			r->fresh[n]->worker->spawn.bounded = s->bounded;
	drop_idle_bind(&s->plan);
	gadget_plan_steps(&s->configfs, r->gadget, r->fresh, r->n_fresh, r->udc, &s->plan, &next);
	difference_make(&r->difference, &s->plan, &next, &reload_rules);
	join_instances(s, r);
	return 0;
}
