/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/take_over.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "configfs/items.h"
#include "configfs/steps.h"
#include "functionfs/mount.h"
#include "plan/directories_and_links.h"
#include "rundir/status.h"
#include "supervisor/binding.h"
#include "supervisor/binding_in_kernel.h"
#include "supervisor/control.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"
#include "supervisor/optional_functions.h"
#include "supervisor/signals.h"
#include "supervisor/up_down.h"
#include "supervisor/usb_host.h"

void take_over_init(struct takeover *t, struct live_gadget *live, struct binding *binding,
		    struct control_server *control)
{
	*t = (struct takeover){ .live = live, .binding = binding, .control = control };
}

/* The contents of the dead supervisor's files, and the UDC of its gadget. */
struct previous_supervisor {
	struct record record;
	struct gadget_status status;
	struct plan recorded_plan; /* plan of the record */
	const char *planned_udc;   /* UDC of the recorded plan's bind step; NULL: none */
	char *udc_in_configfs;	   /* UDC in configfs; "": none */
};

static void previous_supervisor_free(struct previous_supervisor *prev)
{
	record_free(&prev->record);
	status_free(&prev->status);
	plan_free(&prev->recorded_plan);
	free(prev->udc_in_configfs);
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

		if ((step->op == &configfs_op_link || step->op == &ffs_op_device_link) &&
		    !path_exists(step->path))
			return false;
		if (step->op == &ffs_op_mount &&
		    mount_state_at(step->path, FFS_FILE_SYSTEM, NULL) != MOUNT_MATCH)
			return false;
	}
	return true;
}

/*
 * Reads the files of the dead supervisor. Returns whether the gadget can be taken over and was made
 * from the gadget file that this supervisor has.
 */
static bool read_previous_supervisor(const struct live_gadget *live,
				     struct previous_supervisor *prev)
{
	enum gadget_state_in_status state;
	_cleanup_free_ const struct step_op **ops = gadget_step_ops();
	_cleanup_free_ char *dir = configfs_gadget_path(live->paths, live->name),
			    *path = strf("%s/UDC", dir);
	_cleanup_error_ struct error ignored = { 0 };

	if (record_read(live->paths, live->name, &prev->record, &ignored) < 0 ||
	    status_file_read(live->paths, live->name, &prev->status, &ignored) < 0 ||
	    record_read_plan(live->paths, live->name, ops, &prev->recorded_plan, &ignored) < 0)
		return false;
	state = prev->status.state;
	prev->planned_udc = planned_udc(&prev->recorded_plan);
	return (state == STATUS_READY || state == STATUS_UNBOUND || state == STATUS_DEGRADED ||
		state == STATUS_STARTING) &&
	       links_and_mounts_exist(&prev->recorded_plan) &&
	       records_describe_equal_gadgets(&prev->record, &live->record) &&
	       !prev->record.first_gadget_name &&
	       file_read_first_line(AT_FDCWD, path, &prev->udc_in_configfs) == 0 &&
	       (!*prev->udc_in_configfs || streq_null(prev->udc_in_configfs, prev->planned_udc));
}

/*
 * Returns whether the recorded plan binds the gadget to the UDC of --udc; true if --udc is not
 * given.
 */
static bool udc_option_matches_recorded_plan(const struct takeover *t,
					     const struct previous_supervisor *prev)
{
	return !t->binding->udc_from_command_line ||
	       streq_null(t->binding->udc_from_command_line, prev->planned_udc);
}

/*
 * If a worker's program or plugin was changed since the start of its process, gives its step the
 * recorded value: the process was started with it, and a reload restarts the worker.
 */
static void copy_recorded_files_of_worker(struct step *step, const struct plan *recorded)
{
	const struct live_function *function = step->context;

	if (step->op != &function_op_worker && step->op != &function_op_ready)
		return;
	for (size_t i = 0; i < recorded->n; i++) {
		const struct step *theirs = &recorded->steps[i];

		if (theirs->op != step->op || !function_steps_differ_only_in_files(step, theirs))
			continue;
		free(step->value);
		step->value = xstrdup(theirs->value);
		free(function->worker->launch_fingerprint);
		function->worker->launch_fingerprint = xstrdup(theirs->value);
	}
}

static bool try_make_new_plan(struct live_gadget *live, const struct previous_supervisor *prev)
{
	_cleanup_error_ struct error ignored = { 0 };

	if (gadget_make_live_functions(&live->functions, live->model, &live->functions.list,
				       &live->functions.n, &ignored) < 0)
		return false;
	gadget_set_left_out_functions(live->model, live->functions.list, live->functions.n,
				      &prev->recorded_plan);
	gadget_add_steps(&live->configfs, live->model, live->functions.list, live->functions.n,
			 prev->planned_udc, &prev->recorded_plan, &live->plan);
	for (size_t i = 0; i < live->plan.n; i++)
		copy_recorded_files_of_worker(&live->plan.steps[i], &prev->recorded_plan);
	return true;
}

/*
 * Returns whether the new plan is the same as the recorded one. The same gadget file may result in
 * another plan, for example if a user has another uid now.
 */
static bool is_same_plan(const struct live_gadget *live, const struct previous_supervisor *prev)
{
	json_t *ours = plan_to_json(&live->plan), *theirs = plan_to_json(&prev->recorded_plan);
	bool same = json_equal(ours, theirs);

	json_decref(ours);
	json_decref(theirs);
	return same;
}

/* Returns the step with the same op and path; its `value` may differ. */
static const struct step *find_step_for_same_path(const struct plan *plan, const struct step *step)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->steps[i].op == step->op && streq(plan->steps[i].path, step->path))
			return &plan->steps[i];
	return NULL;
}

/* Copies the previous values of attributes, which an undo restores, from the recorded plan. */
static void copy_undo_values(struct live_gadget *live, const struct previous_supervisor *prev)
{
	for (size_t i = 0; i < live->plan.n; i++) {
		const struct step *step =
			find_step_for_same_path(&prev->recorded_plan, &live->plan.steps[i]);

		if (step && step->previous_value && !live->plan.steps[i].previous_value)
			live->plan.steps[i].previous_value = xstrdup(step->previous_value);
	}
}

/*
 * Copies the `value` of the recorded step start-worker to the struct live_worker: the running
 * process was started with it. For a worker that started now, the value might differ.
 */
static void restore_launch_fingerprint_from_step(const struct step *step)
{
	const struct live_function *function = step->context;

	if (step->op != &function_op_worker || !function->worker)
		return;
	free(function->worker->launch_fingerprint);
	function->worker->launch_fingerprint = xstrdup(step->value);
}

/*
 * Replaces the new plan by the recorded plan, which is the one that is applied. Sets the
 * `context` of the recorded steps to the live functions of this process: an undo needs them.
 */
static void use_recorded_plan(struct live_gadget *live, struct previous_supervisor *prev)
{
	struct plan ours = live->plan;

	for (size_t i = 0; i < prev->recorded_plan.n; i++) {
		const struct step *step =
			find_step_for_same_path(&ours, &prev->recorded_plan.steps[i]);

		if (step) {
			prev->recorded_plan.steps[i].context = step->context;
			prev->recorded_plan.steps[i].at = step->at;
			restore_launch_fingerprint_from_step(&prev->recorded_plan.steps[i]);
		}
	}
	live->plan = prev->recorded_plan;
	live->plan.on_step = ours.on_step;
	prev->recorded_plan = (struct plan){ 0 };
	plan_free(&ours);
}

/* Returns the function's status from the dead supervisor; an empty status for a new function. */
static const struct function_status *recorded_status(const struct previous_supervisor *prev,
						     const struct live_function *function)
{
	static const struct function_status nothing;
	const struct function_status *status =
		status_find_function(&prev->status, function->model->label);

	return status ? status : &nothing;
}

/* Restores which endpoints are halted; the host may have cleared the halts meanwhile. */
static void restore_halts(struct live_function *function, const struct function_status *status)
{
	for (size_t i = 0; i < status->n_endpoints && i < FFS_ENDPOINTS_MAX; i++)
		function->endpoint_halted_since[i] = status->endpoints[i].halted;
}

/*
 * Takes over a keeper. That of an optional function may have died with the supervisor: nobody
 * listens on its socket.
 */
static bool take_over_keeper(struct live_function *function, const struct previous_supervisor *prev)
{
	const struct function_status *status = recorded_status(prev, function);
	int r = function_take_over_keeper(function, status->keeper);

	function->had_endpoint_files = status->had_endpoints;
	if (function->model->optional && (r == -ECONNREFUSED || r == -ENOENT)) {
		function_lose_keeper(function);
		r = 0;
	}
	return r == 0;
}

static bool take_over_functions(struct live_gadget *live, const struct previous_supervisor *prev)
{
	for (size_t n = 0; n < live->functions.n; n++)
		if (!take_over_keeper(live->functions.list[n], prev))
			return false;
	return true;
}

/*
 * Finds out with which descriptors of daemons and optional functions the gadget was bound. The dead
 * supervisor wrote its status after each change that it noticed, so descriptors that are older than
 * the status are those. If they are newer, a daemon has closed its files meanwhile.
 */
static void restore_descriptors_at_bind(const struct live_gadget *live)
{
	struct stat st;

	if (fstatat(live->rundir.dir_fd, RUNDIR_STATUS, &st, 0) < 0)
		return;
	for (size_t n = 0; n < live->functions.n; n++) {
		struct live_function *function = live->functions.list[n];

		if (binding_outlives_descriptors(function) &&
		    !function_descriptors_were_written_after(function, &st.st_mtim))
			function->descriptors_id_at_bind = function_read_descriptors_id(function);
	}
}

/* Restores the state of the bind: bound, unbound by command, or unbound by another program. */
static void restore_binding_state(struct takeover *t, const struct previous_supervisor *prev)
{
	struct live_gadget *live = t->live;
	struct step *last = live->plan.n > 0 ? &live->plan.steps[live->plan.n - 1] : NULL;
	bool no_bind = !*prev->udc_in_configfs && (!prev->status.udc || prev->status.no_bind);
	enum binding_state state = BINDING_ON;

	restore_descriptors_at_bind(live);
	plan_assume_applied(&live->plan);
	if (prev->status.lost)
		state = BINDING_REBIND_DUE;
	else if (prev->status.taken)
		state = BINDING_UNBOUND_EXTERNALLY;
	binding_set_state_after_takeover(t->binding, prev->planned_udc, no_bind, state);
	if (prev->planned_udc && no_bind) {
		last->state = STEP_TODO;
		live->plan.next_step--;
	} else if (prev->planned_udc) {
		host_watch_after_takeover(t->binding->host, prev->planned_udc,
					  prev->status.configured);
		host_log_set_state(t->binding->host, prev->status.configured,
				   prev->status.suspended);
	}
}

static void take_over_worker(struct live_function *function, const struct previous_supervisor *prev)
{
	const struct function_status *status = recorded_status(prev, function);

	worker_take_over(function->worker, &status->worker, status->restart_history);
	optional_take_over(function, status->left_out);
}

static int take_over(struct takeover *t, bool skip_plan_comparison)
{
	struct live_gadget *live = t->live;
	_cleanup_error_ struct error ignored = { 0 };
	struct previous_supervisor prev = { 0 };
	bool taken = live->rundir.previous_supervisor_died &&
		     read_previous_supervisor(live, &prev) &&
		     (skip_plan_comparison || udc_option_matches_recorded_plan(t, &prev)) &&
		     try_make_new_plan(live, &prev);

	if (taken && !is_same_plan(live, &prev)) {
		taken = skip_plan_comparison;
		use_recorded_plan(live, &prev);
	} else if (taken) {
		copy_undo_values(live, &prev);
	}
	taken = taken && control_listen(t->control, &live->rundir, &ignored) == 0 &&
		take_over_functions(live, &prev);
	if (taken) {
		restore_binding_state(t, &prev);
		/* The dead supervisor may have failed to bind the gadget. */
		live->configfs.counts_old_deactivations = !*prev.udc_in_configfs;
		gadget_activate_noted_udcs(live);
		log_file_open_existing(&live->log_file);
		gadget_handle_event(live, GADGET_EV_TAKE_OVER);
		live->came_up_at = prev.status.since;
		t->took_over = true;
		for (size_t n = 0; n < live->functions.n; n++)
			if (live->functions.list[n]->worker)
				take_over_worker(live->functions.list[n], &prev);
		optional_note_bind(t->binding);
		for (size_t n = 0; n < live->functions.n; n++)
			restore_halts(live->functions.list[n],
				      recorded_status(&prev, live->functions.list[n]));
		signals_reap_children(&live->functions);
	}
	previous_supervisor_free(&prev);
	return taken ? 0 : -ESTALE;
}

int take_over_if_plan_matches_record(struct takeover *t)
{
	return take_over(t, false);
}

int take_over_without_comparing_plans(struct takeover *t)
{
	return take_over(t, true);
}
