/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kills the remaining processes (worker.h) of a worker that ended, then waits until its keeper has
 * forwarded the last messages of the worker. The next worker starts only after that, so that no old
 * process uses the same endpoints.
 */
#include <syslog.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "function/function.h"
#include "function/kill_processes.h"

void worker_begin_cleanup(struct live_worker *worker)
{
	worker_close_watch(worker, &worker->end_watch);
	worker->cleanup_stage = CLEANUP_OF_PROCESSES;
	worker->cleanup_started_at = 0;
	functions_report_state_change(worker->function->functions);
	worker_continue_cleanup(worker);
}

/*
 * Logs a process that does not end, because it is stuck in the kernel. It may keep an endpoint
 * open.
 */
static void log_process_that_does_not_end(const struct live_worker *worker, pid_t pid)
{
	_cleanup_free_ char *name = process_name(pid);

	functions_log_about(worker->function->functions, worker->function->model->label, LOG_ERR,
			    "a process that the worker has started does not end: %s (pid %d)", name,
			    (int)pid);
}

/* Stores the name of a remaining process, for messages: it shows a worker that daemonizes. */
static void store_process_left_running(struct live_worker *worker, pid_t pid)
{
	_cleanup_free_ char *name = pid ? process_name(pid) : NULL;

	free(worker->process_left_running);
	worker->process_left_running = pid ? strf("%s (pid %d)", name, (int)pid) : NULL;
}

/*
 * Kills the remaining processes again. Returns true if none is left, or if one has not ended within
 * KILL_TIMEOUT_SECONDS.
 */
static bool continue_killing_processes(struct live_worker *worker)
{
	bool first = worker->cleanup_started_at == 0;
	pid_t left = kill_remaining_processes(worker, first);

	if (first) {
		worker->cleanup_started_at = now_monotonic();
		store_process_left_running(worker, left);
	}
	if (left && now_monotonic() - worker->cleanup_started_at < KILL_TIMEOUT_SECONDS)
		return false;
	if (left)
		log_process_that_does_not_end(worker, left);
	return true;
}

void worker_continue_cleanup(struct live_worker *worker)
{
	if (worker->cleanup_stage == CLEANUP_OF_PROCESSES && continue_killing_processes(worker)) {
		worker->cleanup_stage = CLEANUP_OF_MESSAGES;
		function_request_last_worker_messages(worker->function);
	}
	if (worker->cleanup_stage != CLEANUP_OF_MESSAGES ||
	    function_awaits_last_worker_messages(worker->function))
		return;
	worker->cleanup_stage = CLEANUP_NONE;
	worker_finish_cleanup(worker);
}
