/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "function/launch.h"
#include "functionfs/mount.h"
#include "probe/features.h"
#include "supervisor/binding.h"
#include "supervisor/function_failures.h"
#include "supervisor/gadget_errors.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"
#include "supervisor/optional_functions.h"
#include "supervisor/privileges.h"
#include "supervisor/reload_plan.h"
#include "supervisor/up_down.h"
#include "supervisor/usb_host.h"

/* Timeout of a reload by SIGHUP, in seconds; the same as the default timeout of `up`. */
#define HUP_SECONDS 30

void reload_init(struct reloader *reloader, struct live_gadget *live, struct binding *binding)
{
	*reloader = (struct reloader){ .live = live, .binding = binding };
}

void reload_cancel(struct reloader *reloader)
{
	if (reloader->current_reload)
		reload_discard(steal_ptr(reloader->current_reload), &reloader->live->functions);
}

void reload_free(struct reloader *reloader)
{
	reload_cancel(reloader);
	error_clear(&reloader->last_result.reload_error);
	gadget_free(reloader->model_from_reload);
}

/* --- the end -------------------------------------------------------------------------------------
 */

/* Replaces the list of the gadget's live functions. */
static void replace_function_list(struct live_gadget *live, struct live_function *const *list,
				  size_t n)
{
	free(live->functions.list);
	live->functions.list = NULL;
	live->functions.n = 0;
	for (size_t k = 0; k < n; k++)
		*array_add(live->functions.list, live->functions.n) = list[k];
}

static void clear_reload_flags_of_functions(struct live_gadget *live)
{
	for (size_t n = 0; n < live->functions.n; n++) {
		live->functions.list[n]->replacement = NULL;
		live->functions.list[n]->worker_ended_by_reload = false;
		if (live->functions.list[n]->worker)
			live->functions.list[n]->worker->awaited_by_reload = false;
	}
}

/*
 * Makes the functions of the new plan the gadget's functions. A function that is in both plans gets
 * the new model.
 */
static void adopt_functions_of_new_plan(struct live_gadget *live, struct reload *r)
{
	struct live_function **list = NULL;
	size_t n_list = 0;

	for (size_t n = 0; n < r->n_new_functions; n++) {
		struct live_function *next = r->new_functions[n], *stays = next;

		for (size_t k = 0; k < r->n_old_functions; k++)
			if (r->old_functions[k]->replacement == next)
				stays = r->old_functions[k];
		stays->gadget = next->gadget;
		stays->model = next->model;
		stays->left_out = next->left_out;
		stays->endpoint_files_uid = next->endpoint_files_uid;
		stays->endpoint_files_gid = next->endpoint_files_gid;
		if (stays->worker)
			worker_set_model(stays->worker, next->model->worker);
		function_set_keeper_control_timeout(stays);
		*array_add(list, n_list) = stays;
	}
	replace_function_list(live, list, n_list);
	free(list);
	clear_reload_flags_of_functions(live);
}

/*
 * Writes the record. If the write fails, the file still contains the merged plan, from which all
 * steps can be undone.
 */
static void write_record_and_log_failure(struct live_gadget *live)
{
	_cleanup_error_ struct error err = { 0 };

	if (gadget_write_record(live, &err) < 0)
		gadget_log_error(live, NULL, &err);
}

static void end_reload(struct reloader *reloader, struct reload *r)
{
	struct live_gadget *live = reloader->live;

	timer_stop(&live->up_or_reload_timer);
	configfs_close_backend(&live->configfs);
	reloader->current_reload = NULL;
	reload_discard(r, &live->functions);
	launch_release_unused_user_ids(&live->functions);
	memory_release_unused(); /* releases the memory that only the parser needed */
	/* Handles the workers that failed during the reload. */
	for (size_t n = 0; n < live->functions.n && reloader->binding->state != BINDING_FAILED; n++)
		if (live->functions.list[n]->worker &&
		    live->functions.list[n]->worker->state == WORKER_FAILED)
			failures_handle_failed_worker(reloader->binding,
						      live->functions.list[n]->worker);
	live_gadget_request_plan_and_status_update(live);
	/* Written before the log line: a program that waits for the line may read the status next.
	 */
	gadget_write_status(live);
}

static void log_reloaded(struct reloader *reloader, size_t n)
{
	const char *changes = n == 1 ? "change" : "changes";

	if (reloader->last_result.awaits_udc)
		gadget_log(reloader->live,
			   "reloaded: %zu %s; the gadget is bound again when its UDC %s is back", n,
			   changes, reloader->binding->udc);
	else if (reloader->last_result.bind_was_due)
		gadget_log(reloader->live,
			   "reloaded: %zu %s; the gadget is bound again when its workers are ready",
			   n, changes);
	else if (reloader->last_result.gadget_rebound)
		gadget_log(reloader->live, "reloaded with a rebind: %zu %s", n, changes);
	else
		gadget_log(reloader->live, "reloaded without a rebind: %zu %s", n, changes);
}

static void set_binding_state(struct reloader *reloader, const struct reload *r)
{
	enum binding_state state = r->bind_is_due ? BINDING_REBIND_DUE : BINDING_ON;

	binding_set_state_after_reload(reloader->binding, state, r->bind_awaits_udc);
}

static void commit_reload(struct reloader *reloader, struct reload *r)
{
	struct live_gadget *live = reloader->live;
	struct gadget *before = reloader->model_from_reload;
	size_t n = r->difference.n_changes;

	difference_finish_keeping_plan(&r->difference, DIFFERENCE_NEW_PLAN);
	adopt_functions_of_new_plan(live, r);
	record_set_gadget_file(&live->record, r->new_gadget, r->new_document);
	live->model = live->configfs.gadget = reloader->model_from_reload =
		steal_ptr(r->new_gadget);
	configfs_prune_values_changed_by_kernel(&live->configfs, &live->plan);
	write_record_and_log_failure(live);
	reloader->last_result.was_applied = true;
	if (r->rebinds) {
		binding_set_udc_after_reload(reloader->binding, steal_ptr(r->new_udc));
		set_binding_state(reloader, r);
	}
	/* The kernel binds a gadget whose UDC is back, whether its workers are ready or not. */
	reloader->last_result.awaits_udc = binding_awaits_udc(reloader->binding) ||
					   reloader->binding->state == BINDING_UDC_REMOVED;
	reloader->last_result.gadget_rebound = r->rebinds && reloader->binding->state == BINDING_ON;
	gadget_handle_event(live, GADGET_EV_RELOADED);
	end_reload(reloader, r);
	gadget_free(before);
	privileges_give_up(live);
	reloader->last_result.bind_was_due =
		!reloader->last_result.awaits_udc && binding_is_due(reloader->binding);
	log_reloaded(reloader, n);
}

static void finish_reverted_reload(struct reloader *reloader, struct reload *r)
{
	struct live_gadget *live = reloader->live;

	difference_finish_keeping_plan(&r->difference, DIFFERENCE_OLD_PLAN);
	replace_function_list(live, r->old_functions, r->n_old_functions);
	clear_reload_flags_of_functions(live);
	configfs_prune_values_changed_by_kernel(&live->configfs, &live->plan);
	write_record_and_log_failure(live);
	if (r->rebinds)
		binding_restore_udc_set_aside(reloader->binding);
	if (r->has_unbound_gadget)
		set_binding_state(reloader, r);
	error_add_detail(&r->failed_change_error, "'%s' is as it was before the reload",
			 live->name);
	if (r->bind_awaits_udc)
		error_add_detail(&r->failed_change_error,
				 "the gadget is bound again when its UDC %s is back",
				 reloader->binding->udc);
	error_move(&reloader->last_result.reload_error, &r->failed_change_error);
	gadget_handle_event(live, GADGET_EV_REVERTED);
	end_reload(reloader, r);
	gadget_log_error(live, "not reloaded", &reloader->last_result.reload_error);
}

/* Ends a reload that could not be reverted. The supervisor and the record keep the merged plan. */
static void finish_unreverted_reload(struct reloader *reloader, struct reload *r)
{
	struct live_gadget *live = reloader->live;
	const struct step *bind = gadget_find_applied_bind(&live->plan);

	timer_stop(&live->up_or_reload_timer);
	configfs_close_backend(&live->configfs);
	gadget_handle_event(live, GADGET_EV_REVERT_FAILED);
	if (r->rebinds && bind)
		binding_set_udc_after_reload(reloader->binding, xstrdup(bind->value));
	if (r->revert_error.text)
		gadget_add_undo_error(&r->failed_change_error, &r->revert_error);
	error_add_down_hint(live->name, &r->failed_change_error);
	error_move(&reloader->last_result.reload_error, &r->failed_change_error);
	live_gadget_request_plan_and_status_update(live);
	gadget_write_status(live);
	gadget_log_error(live, "not reloaded", &reloader->last_result.reload_error);
}

/* --- steps of a reload --- */

/* Called when a reload is reverted: restarts the workers that it has stopped or begun to stop. */
static void restart_stopped_workers(struct live_gadget *live)
{
	for (size_t n = 0; n < live->functions.n; n++) {
		live->functions.list[n]->worker_ended_by_reload = false;
		if (live->functions.list[n]->worker) {
			live->functions.list[n]->worker->awaited_by_reload = false;
			live->functions.list[n]->worker->replacement = NULL;
		}
	}
	for (size_t k = 0; k < live->plan.n; k++) {
		const struct step *step = &live->plan.steps[k];
		const struct live_function *function = step->context;

		if (step->op == &function_op_worker && step->state == STEP_DONE &&
		    function->worker &&
		    (function->worker->state == WORKER_STOPPING ||
		     function->worker->state == WORKER_STOPPED))
			worker_handle_event(function->worker, WORKER_EV_RESTART);
	}
}

static void begin_revert(struct reloader *reloader, struct reload *r)
{
	struct live_gadget *live = reloader->live;

	gadget_handle_event(live, GADGET_EV_REVERT);
	r->timed_out = false;
	live->configfs.gadget = live->model;
	if (r->has_unbound_gadget) {
		host_watch_udc_state(reloader->binding->host, reloader->binding->udc_before_reload);
		host_clear_link_states_of_functions(reloader->binding->host);
	}
	restart_stopped_workers(live);
	timer_start(&live->up_or_reload_timer, r->timeout_seconds);
}

/*
 * Skips the last change, a bind that failed because of a missing UDC or an optional function of
 * `list` that does not work: binding_states.c binds later. Returns whether the bind was skipped.
 */
static bool skip_failed_bind(struct reloader *reloader, struct live_function *const *list, size_t n,
			     struct error *err)
{
	struct reload *r = reloader->current_reload;
	const struct difference *d = &r->difference;
	const struct step *failed = difference_failed_step(d);
	bool is_last = d->any_revert_failed || d->next_change + 1 == d->n_changes;

	if (!is_last || !failed || failed->op != &configfs_op_bind)
		return false;
	r->bind_awaits_udc = !udc_exists(failed->value);
	r->bind_is_due = r->bind_awaits_udc || optional_prevents_bind(reloader->binding, list, n);
	if (r->bind_is_due) {
		difference_skip_failed_change(&r->difference);
		error_clear(err);
	}
	return r->bind_is_due;
}

void reload_revert(struct reloader *reloader)
{
	struct reload *r = reloader->current_reload;
	int result;

	while ((result = difference_revert(&r->difference, &r->revert_error)) > 0 && r->timed_out)
		difference_fail_revert_by_timeout(&r->difference, &r->revert_error);
	if (result < 0 &&
	    skip_failed_bind(reloader, r->old_functions, r->n_old_functions, &r->revert_error))
		result = 0;
	if (result > 0)
		reloader->live->retry_undo_soon =
			reloader->live->retry_undo_soon || result == PLAN_SOON;
	else if (result < 0)
		finish_unreverted_reload(reloader, r);
	else
		finish_reverted_reload(reloader, r);
}

void reload_continue(struct reloader *reloader)
{
	_cleanup_error_ struct error err = { 0 };
	struct reload *r = reloader->current_reload;
	int result;

	if (r->rebinds && !r->has_unbound_gadget)
		host_watch_udc_state(reloader->binding->host, r->new_udc);
	result = difference_apply(&r->difference, &err);
	if (result < 0 && skip_failed_bind(reloader, r->new_functions, r->n_new_functions, &err))
		result = 0;
	/* If the reload rebinds the gadget, the unbind is its first change. */
	if (r->rebinds && !r->has_unbound_gadget && r->difference.next_change > 0) {
		host_clear_link_states_of_functions(reloader->binding->host);
		r->has_unbound_gadget = true;
	}
	if (result > 0 && !r->timed_out) {
		reloader->live->retry_undo_soon =
			reloader->live->retry_undo_soon || result == PLAN_SOON;
		return;
	}
	if (result == 0) {
		commit_reload(reloader, r);
		return;
	}
	if (result > 0)
		error_set(&err, EX_TEMPFAIL, ETIMEDOUT, NULL,
			  "'%s' could not be reloaded within %g s", reloader->live->name,
			  r->timeout_seconds);
	error_move(&r->failed_change_error, &err);
	begin_revert(reloader, r);
	reload_revert(reloader);
}

/*
 * Ends the reload after a keeper died: its function cannot be restored, and the kernel has unbound
 * the gadget.
 */
void reloader_handle_keeper_death(struct reloader *reloader)
{
	struct reload *r = reloader->current_reload;

	if (!r || reloader->last_result.reload_error.exit)
		return;
	error_copy(&r->failed_change_error, &reloader->live->failure);
	finish_unreverted_reload(reloader, r);
}

static void begin_reload_requested_by_sighup(struct reloader *reloader)
{
	_cleanup_error_ struct error err = { 0 };

	reloader->reload_requested = false;
	if (reload_begin(reloader, NULL, false, false, HUP_SECONDS, &err) < 0)
		gadget_log_error(reloader->live, "not reloaded", &err);
}

void reload_begin_if_requested(struct reloader *reloader)
{
	if (reloader->reload_requested && !reloader->live->up_is_awaited &&
	    !reloader->binding->bind_pending)
		begin_reload_requested_by_sighup(reloader);
}

void reload_on_timeout(struct reloader *reloader)
{
	reloader->current_reload->timed_out = true;
	live_gadget_request_plan_and_status_update(reloader->live);
}

void reload_request(struct reloader *reloader)
{
	struct live_gadget *live = reloader->live;
	_cleanup_error_ struct error err = { 0 };

	if (live->state != GADGET_FAILED && live->state != GADGET_BROKEN)
		reloader->reload_requested = true;
	else if (gadget_refuses_commands(live, EX_CANTCREAT, EINVAL, &err))
		gadget_log_error(live, "not reloaded", &err);
	live_gadget_request_plan_and_status_update(live);
}

/* --- the beginning -------------------------------------------------------------------------------
 */

static void log_diagnostic(void *data, const char *line)
{
	struct live_gadget *live = data;

	gadget_log(live, "%s", line);
}

/* Marks the functions whose workers the reload ends, so that all these workers stop in parallel. */
static void mark_functions_with_ending_workers(const struct reload *r)
{
	const struct difference *d = &r->difference;

	for (size_t k = 0; k < d->n_changes; k++) {
		const struct step *step =
			&d->merged_plan->steps[d->changes[k].index_in_merged_plan];

		if (d->changes[k].kind == CHANGE_UNDO && step->op == &function_op_worker)
			((struct live_function *)step->context)->worker_ended_by_reload = true;
	}
}

static void start_changes(struct reloader *reloader, struct reload *r, double timeout)
{
	struct live_gadget *live = reloader->live;

	reloader->current_reload = r;
	gadget_handle_event(live, GADGET_EV_RELOAD);
	r->timeout_seconds = timeout;
	live->configfs.gadget = r->new_gadget;
	mark_functions_with_ending_workers(r);
	timer_start(&live->up_or_reload_timer, timeout);
	if (reload_rebinds(&r->difference)) {
		/* Writes the status before the unbind, as binding_unbind does. */
		r->rebinds = true;
		binding_set_udc_aside(reloader->binding);
		gadget_write_status(live);
	}
	live_gadget_request_plan_and_status_update(live);
}

/* Ends a reload before its first change: restores the old plan and the old functions. */
static void abandon_reload(struct live_gadget *live, struct reload *r)
{
	if (r->difference.merged_plan)
		difference_finish_keeping_plan(&r->difference, DIFFERENCE_OLD_PLAN);
	if (r->old_functions)
		replace_function_list(live, r->old_functions, r->n_old_functions);
	clear_reload_flags_of_functions(live);
	reload_discard(r, &live->functions);
	launch_release_unused_user_ids(&live->functions);
}

/*
 * Checks that no other program has a file open in a FunctionFS mount that the reload removes. An
 * open file would prevent the unmount. Nor would it be possible to revert the reload: the revert
 * writes the old descriptors again, and FunctionFS accepts no descriptors while a file is open.
 */
static int check_mounts_unused(const struct reload *r, struct error *err)
{
	const struct difference *d = &r->difference;

	for (size_t k = 0; k < d->n_changes; k++) {
		const struct step *step =
			&d->merged_plan->steps[d->changes[k].index_in_merged_plan];

		if (d->changes[k].kind == CHANGE_UNDO && step->op == &ffs_op_mount &&
		    ffs_check_mount_unused(step, getpid(), err) < 0)
			return error_set_position(err, &step->at);
	}
	return 0;
}

/* Returns whether the reload undoes a mount or a link at the path, below it or above it. */
static bool reload_frees_path(const struct difference *d, const char *path)
{
	for (size_t k = 0; k < d->n_changes; k++)
		if (d->changes[k].kind == CHANGE_UNDO &&
		    ffs_step_uses_path(&d->merged_plan->steps[d->changes[k].index_in_merged_plan],
				       path))
			return true;
	return false;
}

/*
 * Checks that the mounts and links that the reload makes hide and replace nothing, before the
 * reload changes anything. The steps check those paths that the reload itself frees.
 */
static int check_new_paths_are_free(const struct reload *r, struct error *err)
{
	const struct difference *d = &r->difference;

	for (size_t k = 0; k < d->n_changes; k++) {
		const struct step *step =
			&d->merged_plan->steps[d->changes[k].index_in_merged_plan];

		if (d->changes[k].kind == CHANGE_APPLY && !reload_frees_path(d, step->path) &&
		    ffs_check_path_is_free(step, err) < 0)
			return -err->errno_value;
	}
	return 0;
}

/* Checks that no worker needs capabilities that the supervisor has given up. */
static int check_privileges(const struct live_gadget *live, const struct reload *r,
			    struct error *err)
{
	int result = 0;

	for (size_t n = 0; result == 0 && n < r->n_new_functions; n++)
		result = privileges_check_suffice_for_worker(live, r->new_functions[n]->model, err);
	return result;
}

/*
 * Makes the new plan and its difference to the old plan, and applies nothing. On failure the caller
 * must call abandon_reload().
 */
static int plan_reload(struct reloader *reloader, struct reload *r, struct error *err)
{
	struct live_gadget *live = reloader->live;
	const struct gadget_to_reload base = { .paths = live->paths,
					       .functions = &live->functions,
					       .configfs = &live->configfs,
					       .plan = &live->plan,
					       .udc = reloader->binding->udc,
					       .record = &live->record };
	int result;

	gadget_activate_udcs_of_killed_supervisors(live);
	result = reload_make_functions_and_choose_udc(r, &base, err);
	if (result == 0)
		result = check_privileges(live, r, err);
	if (result < 0)
		return result;
	for (size_t n = 0; n < r->n_new_functions; n++)
		if (r->new_functions[n]->worker)
			r->new_functions[n]->worker->spawn.caller_bounding_set_is_empty =
				live->bounding_set_is_empty;
	reload_make_difference(r, &base);
	return 0;
}

static int prepare_reload(struct reloader *reloader, struct reload *r, const char *path,
			  bool keep_name, struct error *err)
{
	struct live_gadget *live = reloader->live;
	int result = binding_check_no_foreign_or_pending_bind(reloader->binding, err);

	if (result == 0)
		/*
		 * If the request has a path, does not log the file's diagnostics: the client has
		 * printed them.
		 */
		result = reload_read_file(r, &live->record, path, keep_name, live->gadget_file_dirs,
					  required_gadget_file_trust(live),
					  path ? NULL : log_diagnostic, live, err);
	if (result == 0)
		result = features_require_for_gadget(live->paths, r->new_gadget, err);
	if (result == 0)
		result = plan_reload(reloader, r, err);
	if (result == 0)
		result = check_mounts_unused(r, err);
	if (result == 0)
		result = check_new_paths_are_free(r, err);
	/* Writes the merged plan, so that all steps can be undone from the record. */
	if (result == 0 && r->difference.n_changes > 0)
		result = gadget_write_record(live, err);
	return result;
}

int reload_begin(struct reloader *reloader, const char *path, bool keep_name, bool force_eject,
		 double timeout, struct error *err)
{
	struct live_gadget *live = reloader->live;
	struct reload *r = xcalloc(1, sizeof(*r));
	int result = prepare_reload(reloader, r, path, keep_name, err);

	error_clear(&reloader->last_result.reload_error);
	reloader->last_result.was_applied = reloader->last_result.gadget_rebound =
		reloader->last_result.awaits_udc = reloader->last_result.bind_was_due = false;
	if (result < 0) {
		abandon_reload(live, r);
		return result;
	}
	/*
	 * If only the path of the file differs, the reload goes on: the record gets the new path.
	 */
	if (r->difference.n_changes == 0 && json_equal(live->record.document, r->new_document) &&
	    streq_null(live->record.gadget_file, r->new_gadget->file)) {
		gadget_log(live, "the gadget file has not changed");
		abandon_reload(live, r);
		return 0;
	}
	live->configfs.forces_eject = force_eject;
	start_changes(reloader, r, timeout);
	return 0;
}
