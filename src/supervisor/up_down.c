/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/up_down.h"

#include <errno.h>

#include "base/cleanup.h"
#include "configfs/deactivation.h"
#include "functionfs/mount.h"
#include "probe/activate_udc.h"
#include "supervisor/gadget_errors.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"

int gadget_make_plan(struct live_gadget *live, const char *udc, struct error *err)
{
	struct functions *functions = &live->functions;
	int r = gadget_make_live_functions(functions, live->model, &functions->list, &functions->n,
					   err);

	if (r == 0)
		gadget_add_steps(&live->configfs, live->model, functions->list, functions->n, udc,
				 NULL, &live->plan);
	for (size_t i = 0; r == 0 && i < live->plan.n; i++)
		r = ffs_check_path_is_free(&live->plan.steps[i], err);
	return r;
}

void gadget_change_worker_steps(struct live_gadget *live, const char *old, const char *new)
{
	_cleanup_error_ struct error err = { 0 };

	for (size_t i = 0; i < live->plan.n; i++) {
		struct step *step = &live->plan.steps[i];

		if ((step->op == &function_op_worker || step->op == &function_op_ready) &&
		    streq_null(step->value, old)) {
			free(step->value);
			step->value = xstrdup(new);
		}
	}
	if (gadget_write_record(live, &err) < 0)
		gadget_log_error(live, NULL, &err);
}

int gadget_timeout_error(const struct live_gadget *live, struct error *err)
{
	const struct functions *functions = &live->functions;

	error_set(err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "'%s' did not come up within the time given (--timeout)", live->name);
	for (size_t n = 0; n < functions->n; n++)
		if (functions->list[n]->worker &&
		    functions->list[n]->worker->state == WORKER_STARTING)
			return error_add_detail(err, "the worker of '%s' is not ready",
						functions->list[n]->model->label);
	return -err->errno_value;
}

bool gadget_all_workers_have_stopped(const struct live_gadget *live)
{
	const struct functions *functions = &live->functions;

	for (size_t n = 0; n < functions->n; n++)
		if (functions->list[n]->worker &&
		    functions->list[n]->worker->state != WORKER_STOPPED)
			return false;
	return true;
}

bool gadget_keepers_accept_takeover(const struct live_gadget *live)
{
	const struct functions *functions = &live->functions;

	for (size_t n = 0; n < functions->n; n++)
		if (!functions->list[n]->keeper_accepts_takeover &&
		    functions->list[n]->keeper.pid > 0)
			return false;
	return true;
}

bool gadget_has_worker_in_first_start(const struct live_gadget *live)
{
	const struct functions *functions = &live->functions;

	for (size_t n = 0; functions->up_awaits_first_starts && n < functions->n; n++) {
		const struct live_worker *worker = functions->list[n]->worker;

		if (worker && !function_blocks_bind(functions->list[n]) &&
		    worker->model->ready_when == READY_STARTED && worker->status.restarts == 0 &&
		    (worker->state == WORKER_STARTING || worker->state == WORKER_ENDING))
			return true;
	}
	return false;
}

void gadget_continue_cleanup_of_workers(const struct live_gadget *live)
{
	const struct functions *functions = &live->functions;

	for (size_t n = 0; n < functions->n; n++)
		if (functions->list[n]->worker)
			worker_continue_cleanup(functions->list[n]->worker);
}

bool gadget_has_remaining_worker_processes(const struct live_gadget *live)
{
	const struct functions *functions = &live->functions;

	for (size_t n = 0; n < functions->n; n++)
		if (functions->list[n]->worker && functions->list[n]->worker->cleanup_stage)
			return true;
	return false;
}

void gadget_activate_deactivated_udc(struct live_gadget *live)
{
	_cleanup_error_ struct error err = { 0 };

	if (configfs_activate_deactivated_udc(&live->configfs, &err) < 0)
		gadget_log_error(live, NULL, &err);
}

void gadget_activate_udcs_of_killed_supervisors(struct live_gadget *live)
{
	_cleanup_error_ struct error err = { 0 };

	if (activate_udcs_of_killed_supervisors(live->paths, &err) < 0)
		gadget_log_error(live, NULL, &err);
}

void gadget_activate_noted_udcs(struct live_gadget *live)
{
	_cleanup_error_ struct error err = { 0 };

	if (activate_noted_udcs(live->paths, &live->rundir, &err) < 0)
		gadget_log_error(live, NULL, &err);
}

void gadget_continue_undo(struct live_gadget *live)
{
	_cleanup_error_ struct error err = { 0 };
	int r = plan_undo(&live->plan, &err);

	live->retry_undo_soon = r == PLAN_SOON;
	if (r > 0)
		return;
	gadget_activate_deactivated_udc(live);
	gadget_handle_event(live, GADGET_EV_UNDONE);
	for (size_t n = 0; n < live->functions.n; n++)
		rundir_release_worker_uid(&live->rundir, live->functions.list[n]->model->label);
	/* After a switch the run directory stays, so that this process can switch back. */
	if (r == 0 && live->state != GADGET_SWITCHED)
		r = rundir_remove(&live->rundir, &err);
	if (r == 0)
		return;
	live->undo_failed = true;
	/* The record is kept, so that the next `down` can undo the remaining steps. */
	error_add_down_hint(live->name, &err);
	if (live->failure.text)
		gadget_add_undo_error(&live->failure, &err);
	else
		error_move(&live->failure, &err);
}
