/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/take_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "configfs/items.h"
#include "configfs/steps.h"
#include "functionfs/mount.h"
#include "plan/files.h"
#include "rundir/record.h"
#include "supervisor/host.h"
#include "supervisor/plan.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

/* What the dead supervisor has left on disk. */
struct legacy {
	struct record record;
	json_t *status;
	struct plan plan; /* the record's */
	const char *udc;  /* that its plan binds to; NULL: it does not */
	char *bound_to;	  /* what configfs says; "" nothing */
};

static void legacy_free(struct legacy *l)
{
	record_free(&l->record);
	json_decref(l->status);
	plan_free(&l->plan);
	free(l->bound_to);
}

static const char *bind_of(const struct plan *plan)
{
	const struct step *last = plan->n > 0 ? &plan->steps[plan->n - 1] : NULL;

	return last && last->op == &configfs_op_bind ? last->value : NULL;
}

/* Who has deleted something of it by hand is given all of it anew. */
static bool is_whole(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if ((step->op == &configfs_op_link || step->op == &plan_op_symlink) &&
		    !path_exists(step->path))
			return false;
		if (step->op == &ffs_op_mount &&
		    mount_find(step->path, FFS_FILE_SYSTEM, NULL) != MOUNT_MATCH)
			return false;
	}
	return true;
}

/* Whether there is anything to take over; and whether it is the gadget that we want. */
static bool read_legacy(const struct supervisor *s, struct legacy *l)
{
	static const char *const states[] = { "ready", "unbound", "degraded", "starting" };
	_cleanup_free_ const struct step_op **ops = gadget_plan_ops();
	_cleanup_free_ char *dir = configfs_gadget_path(s->paths, s->name),
			    *path = strf("%s/UDC", dir);
	_cleanup_error_ struct error ignored = { 0 };
	bool known = false;

	if (record_read(s->paths, s->name, &l->record, &ignored) < 0 ||
	    rundir_read(s->paths, s->name, RUNDIR_STATUS, &l->status, &ignored) < 0 ||
	    record_read_plan(s->paths, s->name, ops, &l->plan, &ignored) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		known = known || streq(json_text(l->status, "state", ""), states[i]);
	l->udc = bind_of(&l->plan);
	return known && is_whole(&l->plan) && record_is_of_same_gadget(&l->record, &s->record) &&
	       !l->record.origin &&
	       file_read_line(AT_FDCWD, path, &l->bound_to) == 0 &&
	       (!*l->bound_to || streq_null(l->bound_to, l->udc));
}

/* A gadget may have been bound to another UDC than that of --udc since. */
static bool is_where_wanted(const struct supervisor *s, const struct legacy *l)
{
	return !s->udc_wanted || streq_null(s->udc_wanted, l->udc);
}

static bool make_plan(struct supervisor *s, const struct legacy *l)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (gadget_plan_functions(&s->live, s->gadget, &s->live.v, &s->live.n, &ignored) < 0)
		return false;
	gadget_plan_steps(&s->configfs, s->gadget, s->live.v, s->live.n, l->udc, &l->plan,
			  &s->plan);
	return true;
}

/* The file's words may mean something else on this machine now: another user's number, say. */
static bool is_same_plan(const struct supervisor *s, const struct legacy *l)
{
	json_t *ours = plan_to_json(&s->plan), *theirs = plan_to_json(&l->plan);
	bool same = json_equal(ours, theirs);

	json_decref(ours);
	json_decref(theirs);
	return same;
}

static const struct step *find_step(const struct plan *plan, const struct step *as)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].op == as->op && streq(plan->steps[i].path, as->path))
			return &plan->steps[i];
	return NULL;
}

/* What the values were before the dead one wrote them. */
static void take_values(struct supervisor *s, const struct legacy *l)
{
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct step *step = find_step(&l->plan, &s->plan.steps[i]);

		if (step && step->was && !s->plan.steps[i].was)
			s->plan.steps[i].was = xstrdup(step->was);
	}
}

/* What the worker was given, which may not be what we would give it. */
static void set_identity(const struct step *step)
{
	const struct live_function *i = step->self;

	if (step->op != &function_op_worker || !i->worker)
		return;
	free(i->worker->identity);
	i->worker->identity = xstrdup(step->value);
}

/* What was done, with what we have to undo it. */
static void take_plan(struct supervisor *s, struct legacy *l)
{
	struct plan ours = s->plan;

	for (size_t i = 0; i < l->plan.n; i++) {
		const struct step *step = find_step(&ours, &l->plan.steps[i]);

		if (step) {
			l->plan.steps[i].self = step->self;
			l->plan.steps[i].at = step->at;
			set_identity(&l->plan.steps[i]);
		}
	}
	s->plan = l->plan;
	s->plan.on_step = ours.on_step;
	l->plan = (struct plan){ 0 };
	plan_free(&ours);
}

static const json_t *status_of(const struct legacy *l, const struct live_function *i)
{
	const json_t *function;
	size_t n;

	json_array_foreach(json_object_get(l->status, "functions"), n, function)
		if (streq_null(json_text(function, "label", NULL), i->model->label))
			return function;
	return NULL;
}

static bool take_over_functions(struct supervisor *s, const struct legacy *l)
{
	for (size_t n = 0; n < s->live.n; n++)
		if (function_take_over(s->live.v[n], status_of(l, s->live.v[n])) < 0)
			return false;
	return true;
}

/* On the bus, off it by command, or off it because somebody else has written to UDC. */
static void settle_bus(struct supervisor *s, const struct legacy *l)
{
	const char *was = json_text(l->status, "udc", NULL);
	struct step *last = s->plan.n > 0 ? &s->plan.steps[s->plan.n - 1] : NULL;

	plan_assume_applied(&s->plan);
	s->no_bind = !*l->bound_to && (!was || json_is_true(json_object_get(l->status, "no_bind")));
	if (!l->udc)
		return;
	if (s->no_bind) {
		last->state = STEP_TODO;
		s->plan.next--;
		s->last_udc = xstrdup(l->udc);
		return;
	}
	s->udc = xstrdup(l->udc);
	bus_begin(s);
	if (json_is_true(json_object_get(l->status, "lost")))
		s->bus = BUS_REBIND_DUE;
	else if (json_is_true(json_object_get(l->status, "taken")))
		s->bus = BUS_UNBOUND_EXTERNALLY;
	host_take_over(s, s->udc, json_is_true(json_object_get(l->status, "configured")));
}

static int take_over(struct supervisor *s, bool as_it_is)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct legacy l = { 0 };
	bool taken = s->rundir.survived && read_legacy(s, &l) &&
		     (as_it_is || is_where_wanted(s, &l)) && make_plan(s, &l);

	if (taken && !is_same_plan(s, &l)) {
		taken = as_it_is;
		take_plan(s, &l);
	} else if (taken) {
		take_values(s, &l);
	}
	taken = taken && control_listen(&s->control, &s->rundir, &ignored) == 0 &&
		take_over_functions(s, &l);
	if (taken) {
		settle_bus(s, &l);
		output_continue(&s->output);
		gadget_handle(s, GADGET_EV_TAKE_OVER);
		s->since = (time_t)json_integer_value(json_object_get(l.status, "since"));
		s->adopted = true;
		for (size_t n = 0; n < s->live.n; n++)
			if (s->live.v[n]->worker)
				worker_take_over(
					s->live.v[n]->worker,
					json_object_get(status_of(&l, s->live.v[n]), "worker"));
		supervisor_reap(s);
	}
	legacy_free(&l);
	return taken ? 0 : -ESTALE;
}

int take_over_if_unchanged(struct supervisor *s)
{
	return take_over(s, false);
}

int take_over_as_it_is(struct supervisor *s)
{
	return take_over(s, true);
}
