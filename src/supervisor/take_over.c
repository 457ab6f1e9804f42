/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/take_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "configfs/items.h"
#include "configfs/steps.h"
#include "functionfs/mount.h"
#include "plan/files.h"
#include "rundir/status.h"
#include "supervisor/bus.h"
#include "supervisor/control.h"
#include "supervisor/host.h"
#include "supervisor/live_gadget.h"
#include "supervisor/plan.h"
#include "supervisor/signals.h"

void take_over_init(struct takeover *t, struct live_gadget *live, struct binding *binding,
		    struct control *control)
{
	*t = (struct takeover){ .live = live, .binding = binding, .control = control };
}

/* The contents of the dead supervisor's files, and its UDC. */
struct previous_supervisor {
	struct record record;
	struct gadget_status status;
	struct plan plan; /* plan of the record */
	const char *udc;  /* UDC that the plan binds to; NULL: none */
	char *bound_to;	  /* UDC in configfs; "": none */
};

static void previous_free(struct previous_supervisor *prev)
{
	record_free(&prev->record);
	status_free(&prev->status);
	plan_free(&prev->plan);
	free(prev->bound_to);
}

static const char *planned_udc(const struct plan *plan)
{
	const struct step *last = plan->n > 0 ? &plan->steps[plan->n - 1] : NULL;

	return last && last->op == &configfs_op_bind ? last->value : NULL;
}

/* Returns whether all links and mounts of the plan still exist. If not, no takeover is possible. */
static bool links_and_mounts_exist(const struct plan *plan)
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

/*
 * Reads the files of the dead supervisor. Returns whether the gadget can be taken over and was made
 * from the same gadget file.
 */
static bool read_previous_supervisor(const struct live_gadget *live,
				     struct previous_supervisor *prev)
{
	enum gadget_condition state;
	_cleanup_free_ const struct step_op **ops = gadget_plan_ops();
	_cleanup_free_ char *dir = configfs_gadget_path(live->paths, live->name),
			    *path = strf("%s/UDC", dir);
	_cleanup_error_ struct error ignored = { 0 };

	if (record_read(live->paths, live->name, &prev->record, &ignored) < 0 ||
	    status_file_read(live->paths, live->name, &prev->status, &ignored) < 0 ||
	    record_read_plan(live->paths, live->name, ops, &prev->plan, &ignored) < 0)
		return false;
	state = prev->status.state;
	prev->udc = planned_udc(&prev->plan);
	return (state == STATUS_READY || state == STATUS_UNBOUND || state == STATUS_DEGRADED ||
		state == STATUS_STARTING) &&
	       links_and_mounts_exist(&prev->plan) &&
	       record_is_of_same_gadget(&prev->record, &live->record) &&
	       !prev->record.original_name &&
	       file_read_line(AT_FDCWD, path, &prev->bound_to) == 0 &&
	       (!*prev->bound_to || streq_null(prev->bound_to, prev->udc));
}

/*
 * Returns whether the previous supervisor bound the gadget to the UDC of --udc, or --udc is not
 * given.
 */
static bool is_on_wanted_udc(const struct takeover *t, const struct previous_supervisor *prev)
{
	return !t->binding->udc_wanted || streq_null(t->binding->udc_wanted, prev->udc);
}

static bool make_plan(struct live_gadget *live, const struct previous_supervisor *prev)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (gadget_plan_functions(&live->functions, live->model, &live->functions.list,
				  &live->functions.n, &ignored) < 0)
		return false;
	gadget_plan_steps(&live->configfs, live->model, live->functions.list, live->functions.n,
			  prev->udc, &prev->plan, &live->plan);
	return true;
}

/*
 * Returns whether the new plan is the same as the recorded one. The same gadget file may result in
 * another plan, for example if a user has another uid now.
 */
static bool is_same_plan(const struct live_gadget *live, const struct previous_supervisor *prev)
{
	json_t *ours = plan_to_json(&live->plan), *theirs = plan_to_json(&prev->plan);
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

/* Copies the previous values of attributes, which an undo restores, from the recorded plan. */
static void copy_previous_values(struct live_gadget *live, const struct previous_supervisor *prev)
{
	for (size_t i = 0; i < live->plan.n; i++) {
		const struct step *step = find_step(&prev->plan, &live->plan.steps[i]);

		if (step && step->previous_value && !live->plan.steps[i].previous_value)
			live->plan.steps[i].previous_value = xstrdup(step->previous_value);
	}
}

/*
 * Sets the worker's identity to the recorded one: a worker that started now might get other
 * settings.
 */
static void set_identity(const struct step *step)
{
	const struct live_function *i = step->context;

	if (step->op != &function_op_worker || !i->worker)
		return;
	free(i->worker->identity);
	i->worker->identity = xstrdup(step->value);
}

/*
 * Replaces the new plan by the recorded plan, which is the one that is applied. Its steps get the
 * live functions of this process, so that they can be undone.
 */
static void use_recorded_plan(struct live_gadget *live, struct previous_supervisor *prev)
{
	struct plan ours = live->plan;

	for (size_t i = 0; i < prev->plan.n; i++) {
		const struct step *step = find_step(&ours, &prev->plan.steps[i]);

		if (step) {
			prev->plan.steps[i].context = step->context;
			prev->plan.steps[i].at = step->at;
			set_identity(&prev->plan.steps[i]);
		}
	}
	live->plan = prev->plan;
	live->plan.on_step = ours.on_step;
	prev->plan = (struct plan){ 0 };
	plan_free(&ours);
}

/* Returns the function's status from the dead supervisor; an empty status for a new function. */
static const struct function_status *recorded_status(const struct previous_supervisor *prev,
						     const struct live_function *i)
{
	static const struct function_status nothing;
	const struct function_status *status = status_find_function(&prev->status, i->model->label);

	return status ? status : &nothing;
}

static bool take_over_functions(struct live_gadget *live, const struct previous_supervisor *prev)
{
	for (size_t n = 0; n < live->functions.n; n++)
		if (function_take_over(live->functions.list[n],
				       recorded_status(prev, live->functions.list[n])->keeper) < 0)
			return false;
	return true;
}

/* Restores the state of the bind: bound, unbound by command, or unbound by another program. */
static void restore_bus_state(struct takeover *t, const struct previous_supervisor *prev)
{
	struct live_gadget *live = t->live;
	struct step *last = live->plan.n > 0 ? &live->plan.steps[live->plan.n - 1] : NULL;
	bool no_bind = !*prev->bound_to && (!prev->status.udc || prev->status.no_bind);
	enum bus_state state = BUS_ON;

	plan_assume_applied(&live->plan);
	if (prev->status.lost)
		state = BUS_REBIND_DUE;
	else if (prev->status.taken)
		state = BUS_UNBOUND_EXTERNALLY;
	bus_take_over(t->binding, prev->udc, no_bind, state);
	if (prev->udc && no_bind) {
		last->state = STEP_TODO;
		live->plan.next_step--;
	} else if (prev->udc) {
		host_take_over(t->binding->host, prev->udc, prev->status.configured);
	}
}

static int take_over(struct takeover *t, bool as_it_is)
{
	struct live_gadget *live = t->live;
	_cleanup_error_ struct error ignored = { 0 };
	struct previous_supervisor prev = { 0 };
	bool taken = live->rundir.supervisor_died && read_previous_supervisor(live, &prev) &&
		     (as_it_is || is_on_wanted_udc(t, &prev)) && make_plan(live, &prev);

	if (taken && !is_same_plan(live, &prev)) {
		taken = as_it_is;
		use_recorded_plan(live, &prev);
	} else if (taken) {
		copy_previous_values(live, &prev);
	}
	taken = taken && control_listen(t->control, &live->rundir, &ignored) == 0 &&
		take_over_functions(live, &prev);
	if (taken) {
		restore_bus_state(t, &prev);
		output_open_existing(&live->output);
		gadget_handle(live, GADGET_EV_TAKE_OVER);
		live->since = prev.status.since;
		t->done = true;
		for (size_t n = 0; n < live->functions.n; n++)
			if (live->functions.list[n]->worker)
				worker_take_over(
					live->functions.list[n]->worker,
					&recorded_status(&prev, live->functions.list[n])->worker);
		signals_reap(&live->functions);
	}
	previous_free(&prev);
	return taken ? 0 : -ESTALE;
}

int take_over_if_unchanged(struct takeover *t)
{
	return take_over(t, false);
}

int take_over_as_it_is(struct takeover *t)
{
	return take_over(t, true);
}
