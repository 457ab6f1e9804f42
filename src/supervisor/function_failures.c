/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/function_failures.h"

#include <errno.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"
#include "supervisor/optional_functions.h"

/*
 * Returns whether the gadget must be taken down because the worker failed before `up` was done, and
 * no step is left that would find the failure: the step that waits for this worker is done, or the
 * worker of a kernel function has no such step.
 */
static bool is_failure_of_up(const struct live_gadget *live, const struct live_worker *worker)
{
	if (function_blocks_bind(worker->function))
		return live->state == GADGET_STARTING && worker->was_ready &&
		       !function_is_not_awaited_by_steps(worker->function);
	return live->functions.up_awaits_first_starts && worker->model->on_failed == FAILED_UNBIND;
}

void failures_handle_failed_worker(struct binding *b, struct live_worker *worker)
{
	_cleanup_error_ struct error err = { 0 };

	b->live->needs_plan_and_status_update = true;
	if (is_failure_of_up(b->live, worker)) {
		worker_early_end_error(worker, &err);
		error_set_position(&err, &worker->model->at);
		gadget_begin_down(b->live, &err);
	}
	/* During a reload, the reload handles failed workers. */
	if (b->live->state == GADGET_UP && worker->model->on_failed == FAILED_UNBIND &&
	    !optional_is_left_out(b, worker->function))
		binding_handle_failed_worker(b);
}

void failures_warn_of_early_ends(const struct live_gadget *live)
{
	for (size_t n = 0; n < live->functions.n; n++) {
		const struct live_function *function = live->functions.list[n];
		const struct live_worker *worker = function->worker;
		_cleanup_error_ struct error err = { 0 };
		_cleanup_free_ char *text = NULL;

		if (!worker || function_blocks_bind(function) || worker->was_ready ||
		    worker->last_exit.exit_cause == NEVER_ENDED || worker->state == WORKER_DONE)
			continue;
		worker_early_end_error(worker, &err);
		text = error_text(&err);
		log_about(live->name, function->model->label, LOG_WARNING, "%s: %s", live->name,
			  text);
	}
}

/*
 * Returns whether the gadget can go on without the function until this has another keeper. While it
 * comes up or is up, optional_functions.c leaves the function out. A reload goes on as without the
 * death, also when it is reverted: if its bind fails because of the function, reload.c leaves the
 * bind to the gadget that is up. A gadget that has failed, or whose reload could not be undone,
 * awaits only `down`.
 */
static bool can_lose_function(const struct live_gadget *live, const struct live_function *function)
{
	return function->model->optional && live->state != GADGET_FAILED &&
	       live->state != GADGET_BROKEN;
}

/*
 * A keeper that had ep0 open cannot be replaced at once: ep0 was closed with it, and the kernel
 * unbinds the gadget when the last endpoint file is closed, too. The gadget goes on without an
 * optional function. Otherwise it fails, but nothing is removed, so that the user can inspect it.
 */
void failures_handle_dead_keeper(struct live_gadget *live, struct live_function *function)
{
	_cleanup_error_ struct error err = { 0 };

	bool ends = live->functions.up_down_phase == PHASE_GOING_DOWN;

	if (!ends && function_restart_keeper(function))
		return;
	if (!ends && can_lose_function(live, function)) {
		function_lose_keeper(function);
		return;
	}
	error_set(&err, EX_PROTOCOL, ECHILD, NULL,
		  "the keeper of '%s' has died, so the function does not work any more",
		  function->model->label);
	gadget_log_error(live, NULL, &err);
	if (ends) /* the gadget is already going down: nothing else is necessary */
		return;
	if (live->functions.up_down_phase != PHASE_UP) {
		gadget_begin_down(live, &err);
		return;
	}
	error_move(&live->failure, &err);
	gadget_handle_event(live, GADGET_EV_KEEPER_DIED);
	for (size_t n = 0; n < live->functions.n; n++)
		if (live->functions.list[n]->worker)
			worker_handle_event(live->functions.list[n]->worker, WORKER_EV_STOP);
}

bool failures_reconnect_host(struct binding *b, const struct live_function *function)
{
	const char *label = function->model->label;
	_cleanup_error_ struct error err = { 0 };

	/* During a reload, the reload itself may unbind the gadget. */
	if (b->live->state != GADGET_UP)
		return false;
	if (!binding_reconnect(b, &err)) {
		if (err.text)
			gadget_log_error(b->live, label, &err);
		return false;
	}
	gadget_log_about(b->live, label, LOG_WARNING,
			 "unbound so that the host connects anew (on_crash)");
	return true;
}
