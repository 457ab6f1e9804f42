/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that start a function's worker and wait until it is ready. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/launch.h"

/* --- the steps --- */

static bool has_worker_of_step(const struct live_function *function, const struct step *step)
{
	return function->worker && streq_null(function->worker->launch_fingerprint, step->value);
}

static int start_worker_apply(struct step *step, struct error *err)
{
	struct live_function *function = step->context;

	if (!has_worker_of_step(function, step))
		function_swap_workers_with_replacement(function);
	function->worker->awaited_by_reload =
		function->functions->callbacks->is_reloading(function->functions->callback_data);
	worker_handle_event(function->worker, WORKER_EV_START);
	/*
	 * During a reload, this step must not fail: a step that fails is not undone, so the new
	 * worker would stay in place. The step await-ready reports the error instead.
	 */
	if (function->worker->awaited_by_reload || !function_blocks_bind(function) ||
	    function_is_not_awaited_by_steps(function) ||
	    function->worker->state != WORKER_FAILED || !function->worker->start_error.text)
		return 0;
	error_move(err, &function->worker->start_error);
	return -err->errno_value;
}

static int start_worker_undo(struct step *step, struct error *err _unused_)
{
	struct live_function *function = step->context;
	const struct functions *all;

	/* If a command undoes the steps of a dead supervisor, kill_rundir_workers_and_wait has
	   ended the worker before. */
	if (!function || !function->worker)
		return 0;
	/* Stops in parallel all workers whose steps are undone next. */
	all = function->functions;
	for (size_t n = 0; n < all->n; n++) {
		struct live_function *other = all->list[n];

		if (other->worker && other->worker->state != WORKER_STOPPING &&
		    (other == function || other->worker_ended_by_reload ||
		     all->up_down_phase == PHASE_GOING_DOWN))
			worker_handle_event(other->worker, WORKER_EV_STOP);
	}
	if (function->worker->state != WORKER_STOPPED)
		return PLAN_AGAIN;
	if (function->replacement && !function->replacement->worker)
		function_swap_workers_with_replacement(function);
	return 0;
}

/*
 * Restarts the worker with its new settings. The endpoints are kept; an interrupted transfer ends
 * with an error, as after `restart`.
 */
static int start_worker_replace(struct step *step, struct step *last _unused_,
				struct error *err _unused_)
{
	struct live_function *function = step->context;

	if (!has_worker_of_step(function, step) && !function->worker->replacement) {
		function->replacement->worker->awaited_by_reload =
			function->functions->callbacks->is_reloading(
				function->functions->callback_data);
		worker_replace(function->worker, function->replacement->worker);
	}
	return has_worker_of_step(function, step) ? 0 : PLAN_AGAIN;
}

const struct step_op function_op_worker = {
	.name = "start-worker",
	.undo_name = "stop-worker",
	.apply = start_worker_apply,
	.undo = start_worker_undo,
	.needs_value = true,
	.replace = start_worker_replace,
};

static int await_ready_apply(struct step *step, struct error *err)
{
	struct live_function *function = step->context;
	struct live_worker *worker = function->worker;

	if (function_is_not_awaited_by_steps(function)) {
		worker->awaited_by_reload = false;
		return 0;
	}
	switch (worker->state) {
	case WORKER_READY:
	case WORKER_DONE:
		worker->awaited_by_reload = false;
		return 0;
	case WORKER_STARTING:
	case WORKER_ENDING:
	case WORKER_STOPPING:
	case WORKER_WAITING:
		return PLAN_AGAIN;
	case WORKER_STOPPED:
	case WORKER_PENDING: /* only the worker of a kernel function can be in this state, and it
				does not block the bind */
	case WORKER_FAILED:
	case WORKER_STATE_COUNT:
		break;
	}
	if (worker->start_error.text) {
		error_move(err, &worker->start_error);
		return -err->errno_value;
	}
	if (worker->start_timed_out)
		return error_set(
			err, EX_TEMPFAIL, ETIMEDOUT, step->path,
			"the worker of '%s' (%s) did not get ready within %g s (start_timeout)",
			function->model->label, step->path, worker->model->start_timeout);
	return worker_early_end_error(worker, err);
}

const struct step_op function_op_ready = { .name = "await-ready", .apply = await_ready_apply };

void function_add_start_worker_step(struct plan *plan, struct live_function *function)
{
	struct live_worker *worker = function->worker;

	if (!worker)
		return;
	/* If the plan is made again for the same worker, its process goes on. */
	if (!worker->launch_fingerprint)
		worker->launch_fingerprint = launch_make_fingerprint(function);
	plan_add(plan, &function_op_worker, xstrdup(worker->spawn.program_path),
		 xstrdup(worker->launch_fingerprint), &worker->model->at, function);
}

void function_add_await_ready_step(struct plan *plan, struct live_function *function)
{
	if (function->worker && function_blocks_bind(function))
		plan_add(plan, &function_op_ready, xstrdup(function->worker->spawn.program_path),
			 xstrdup(function->worker->launch_fingerprint),
			 &function->worker->model->at, function);
}
