/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that start a function's worker and wait until it is ready. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/launch.h"

/* --- the value of start-worker and await-ready: "GADGET FUNCTION DIGEST DIRECTORY" --- */

static char *make_value(const struct live_function *i)
{
	_cleanup_free_ char *directory = function_directory(i);

	return strf("%s %s %016" PRIx64 " %s", i->functions->gadget, i->model->label,
		    launch_digest(i->worker), directory);
}

/* Returns the part of the value that follows its first `n` words; "" if nothing follows. */
static const char *skip_words(const char *value, int n)
{
	for (; n > 0; n--) {
		value += strcspn(value, " ");
		value += *value == ' ';
	}
	return value;
}

const char *function_worker_directory(const struct step *step)
{
	return skip_words(step->value ? step->value : "", 3);
}

bool function_is_same_worker(const struct step *a, const struct step *b)
{
	const char *ours = a->value ? a->value : "", *theirs = b->value ? b->value : "";
	size_t names = (size_t)(skip_words(ours, 2) - ours);

	return strncmp(ours, theirs, names) == 0 &&
	       streq(function_worker_directory(a), function_worker_directory(b));
}

/* --- the steps --- */

static bool has_worker_of(const struct live_function *i, const struct step *step)
{
	return i->worker && streq_null(i->worker->identity, step->value);
}

static int start_apply(struct step *step, struct error *err)
{
	struct live_function *i = step->context;

	if (!has_worker_of(i, step))
		function_exchange_workers(i);
	i->worker->awaited = i->functions->events->is_reloading(i->functions->owner);
	worker_handle(i->worker, WORKER_EV_START);
	/*
	 * During a reload, await-ready reports the error. If this step failed, it would not be
	 * undone, and the new worker would stay in place.
	 */
	if (i->worker->awaited || !function_blocks_bind(i) || i->worker->state != WORKER_FAILED ||
	    !i->worker->error.text)
		return 0;
	error_move(err, &i->worker->error);
	return -err->err;
}

static int start_undo(struct step *step, struct error *err _unused_)
{
	struct live_function *i = step->context;
	const struct functions *all;

	/* Without a supervisor, reap_all_leftovers has ended the worker. */
	if (!i || !i->worker)
		return 0;
	/* Stops the workers of all functions at once, because their steps are undone next. */
	all = i->functions;
	for (size_t n = 0; n < all->n; n++) {
		struct live_function *other = all->list[n];

		if (other->worker && other->worker->state != WORKER_STOPPING &&
		    (other == i || other->removing || all->phase == PHASE_GOING_DOWN))
			worker_handle(other->worker, WORKER_EV_STOP);
	}
	if (i->worker->state != WORKER_STOPPED)
		return PLAN_AGAIN;
	if (i->replacement && !i->replacement->worker)
		function_exchange_workers(i);
	return 0;
}

/*
 * Restarts the worker with its new settings. The endpoints stay; an interrupted transfer ends with
 * an error, as after `restart`.
 */
static int start_replace(struct step *step, struct step *last _unused_, struct error *err _unused_)
{
	struct live_function *i = step->context;

	if (!has_worker_of(i, step) && !i->worker->successor) {
		i->replacement->worker->awaited =
			i->functions->events->is_reloading(i->functions->owner);
		worker_replace(i->worker, i->replacement->worker);
	}
	return has_worker_of(i, step) ? 0 : PLAN_AGAIN;
}

const struct step_op function_op_worker = {
	.name = "start-worker",
	.undo_name = "stop-worker",
	.apply = start_apply,
	.undo = start_undo,
	.needs_value = true,
	.replace = start_replace,
};

static int ready_apply(struct step *step, struct error *err)
{
	struct live_function *i = step->context;
	struct live_worker *worker = i->worker;

	switch (worker->state) {
	case WORKER_READY:
	case WORKER_DONE:
		worker->awaited = false;
		return 0;
	case WORKER_STARTING:
	case WORKER_ENDING:
	case WORKER_STOPPING:
	case WORKER_WAITING:
		return PLAN_AGAIN;
	case WORKER_STOPPED:
	case WORKER_PENDING: /* only a kernel function can be in this state, and its worker does not
				block the bind */
	case WORKER_FAILED:
	case WORKER_STATE_COUNT:
		break;
	}
	if (worker->error.text) {
		error_move(err, &worker->error);
		return -err->err;
	}
	if (worker->start_timed_out)
		return error_set(
			err, EX_TEMPFAIL, ETIMEDOUT, step->path,
			"the worker of '%s' (%s) did not get ready within %g s (start_timeout)",
			i->model->label, step->path, worker->model->start_timeout);
	return error_set(err, EX_PROTOCOL, ECHILD, step->path,
			 "the worker of '%s' (%s) ended before it was ready: %s", i->model->label,
			 step->path, worker_exit_reason(worker));
}

const struct step_op function_op_ready = { .name = "await-ready", .apply = ready_apply };

void function_add_worker_start(struct plan *plan, struct live_function *i)
{
	struct live_worker *worker = i->worker;

	if (!worker)
		return;
	free(worker->identity);
	worker->identity = make_value(i);
	plan_add(plan, &function_op_worker, xstrdup(worker->spawn.program),
		 xstrdup(worker->identity), &worker->model->at, i);
}

void function_add_worker_ready(struct plan *plan, struct live_function *i)
{
	if (i->worker && function_blocks_bind(i))
		plan_add(plan, &function_op_ready, xstrdup(i->worker->spawn.program),
			 xstrdup(i->worker->identity), &i->worker->model->at, i);
}
