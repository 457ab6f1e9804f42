/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles failed workers and dead keepers. */
#include "config.h"

#include <errno.h>
#include <syslog.h>

#include "supervisor/bus.h"
#include "supervisor/supervisor.h"

void supervisor_worker_failed(struct supervisor *s, struct live_worker *worker)
{
	_cleanup_error_ struct error err = { 0 };

	s->changed = true;
	if (s->state == GADGET_STARTING && worker->served &&
	    function_blocks_bind(worker->function)) {
		/* The step that waits for this worker is applied: no later step checks it. */
		error_set(&err, EX_PROTOCOL, ECHILD, NULL,
			  "the worker of '%s' was ready, but ended before the gadget was up: %s",
			  worker->function->model->label, worker->last_exit);
		error_at(&err, &worker->model->at);
		supervisor_go_down(s, &err);
	}
	/* During a reload, the reload decides. */
	if (s->state == GADGET_UP && worker->model->on_failed == FAILED_UNBIND)
		bus_worker_failed(s);
}

/*
 * Sets the gadget's state to failed if the keeper held ep0: without ep0 the kernel unbinds the
 * gadget when the last endpoint file is closed. Nothing is removed, so that the user can see what
 * happened.
 */
void supervisor_keeper_died(struct supervisor *s, struct live_function *function)
{
	_cleanup_error_ struct error err = { 0 };

	bool ends = s->live.phase == PHASE_GOING_DOWN;

	if (!ends && function_restart_keeper(function))
		return;
	error_set(&err, EX_PROTOCOL, ECHILD, NULL,
		  "the keeper of '%s' has died, and the function with it", function->model->label);
	supervisor_say_of(s, NULL, LOG_ERR, "%s", err.text);
	if (ends) /* the keeper was about to be ended anyway */
		return;
	if (s->live.phase != PHASE_UP) {
		supervisor_go_down(s, &err);
		return;
	}
	error_move(&s->failure, &err);
	gadget_handle(s, GADGET_EV_KEEPER_DIED);
	for (size_t n = 0; n < s->live.n; n++)
		if (s->live.v[n]->worker)
			worker_handle(s->live.v[n]->worker, WORKER_EV_STOP);
}
