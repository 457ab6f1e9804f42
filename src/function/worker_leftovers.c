/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends the leftover processes of a worker that ended, then waits until its keeper has forwarded the
 * remaining messages. The next worker starts only after that: before, it could not open the
 * endpoints.
 */
#include <syslog.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "function/function.h"
#include "function/reap.h"

void worker_leftovers_begin(struct live_worker *worker)
{
	worker_close_watch(worker, &worker->end_watch);
	worker->leftovers = LEFTOVERS_PROCESSES;
	worker->leftovers_since = 0;
	functions_report_change(worker->function->functions);
	worker_leftovers_update(worker);
}

/*
 * Logs a process that does not end. A process that is stuck in the kernel may keep an endpoint
 * open; then the start of the next worker fails.
 */
static void log_leftover(const struct live_worker *worker, pid_t pid)
{
	_cleanup_free_ char *name = process_name(pid);

	functions_log(worker->function->functions, worker->function->model->label, LOG_ERR,
		      "a process that the worker has started does not end: %s (pid %d)", name,
		      (int)pid);
}

static bool all_leftovers_ended(struct live_worker *worker)
{
	bool first = worker->leftovers_since == 0;
	pid_t left = reap_leftovers(worker, first);

	if (first)
		worker->leftovers_since = now_monotonic();
	if (left && now_monotonic() - worker->leftovers_since < REAP_SECONDS)
		return false;
	if (left)
		log_leftover(worker, left);
	return true;
}

void worker_leftovers_update(struct live_worker *worker)
{
	if (worker->leftovers == LEFTOVERS_PROCESSES && all_leftovers_ended(worker)) {
		worker->leftovers = LEFTOVERS_MESSAGES;
		function_begin_draining(worker->function);
	}
	if (worker->leftovers != LEFTOVERS_MESSAGES ||
	    function_keeper_is_draining(worker->function))
		return;
	worker->leftovers = LEFTOVERS_NONE;
	worker_leftovers_ended(worker);
}
