/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `status` and messages show of a worker. */
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "function/function.h"

static const enum worker_state_in_status states_in_status[WORKER_STATE_COUNT] = {
	[WORKER_STOPPED] = STATUS_WORKER_STOPPED,   [WORKER_PENDING] = STATUS_WORKER_PENDING,
	[WORKER_STARTING] = STATUS_WORKER_STARTING, [WORKER_READY] = STATUS_WORKER_READY,
	[WORKER_ENDING] = STATUS_WORKER_STOPPED,    [WORKER_STOPPING] = STATUS_WORKER_STOPPED,
	[WORKER_WAITING] = STATUS_WORKER_WAITING,   [WORKER_FAILED] = STATUS_WORKER_FAILED,
	[WORKER_DONE] = STATUS_WORKER_DONE,
};

bool worker_need_not_be_awaited(const struct live_worker *worker)
{
	if (worker->state == WORKER_READY)
		return !function_lacks_descriptors(worker->function);
	return worker->state == WORKER_DONE || worker->state == WORKER_PENDING;
}

bool worker_starts_with_device(const struct live_worker *worker)
{
	return worker->state == WORKER_STARTING && worker->started_with_device;
}

const struct worker_status *worker_update_status(struct live_worker *worker)
{
	struct worker_status *status = &worker->status;

	status->state = states_in_status[worker->state];
	status->pid = worker->pid;
	if (worker->state != WORKER_READY)
		status->ready_since = 0;
	json_decref(status->stats);
	status->stats = worker_stats_json(worker);
	return status;
}

static struct worker_exit exit_of_wait_status(int status)
{
	if (status == WORKER_STATUS_UNKNOWN)
		return (struct worker_exit){ .exit_cause = ENDED_UNKNOWN };
	if (WIFEXITED(status))
		return (struct worker_exit){ ENDED_BY_EXIT, WEXITSTATUS(status) };
	return (struct worker_exit){ ENDED_BY_SIGNAL, WTERMSIG(status) };
}

/* Returns the words for an exit; NULL for NEVER_ENDED. The caller frees them. */
static char *exit_description(struct worker_exit exit)
{
	switch (exit.exit_cause) {
	case NEVER_ENDED:
		break;
	case ENDED_BY_EXIT:
		return strf("exit %d", exit.status_or_signal);
	case ENDED_BY_SIGNAL:
		return strf("signal %d (%s)", exit.status_or_signal,
			    strsignal(exit.status_or_signal));
	case ENDED_UNKNOWN:
		return xstrdup("unknown");
	}
	return NULL;
}

static void store_last_exit(struct live_worker *worker, struct worker_exit exit)
{
	worker->last_exit = exit;
	free(worker->status.last_exit);
	worker->status.last_exit = exit_description(exit);
}

void worker_store_exit(struct live_worker *worker, int status)
{
	store_last_exit(worker, exit_of_wait_status(status));
}

void worker_store_failed_start(struct live_worker *worker)
{
	store_last_exit(worker, (struct worker_exit){ .exit_cause = NEVER_ENDED });
}

const char *worker_exit_reason(const struct live_worker *worker)
{
	return worker->status.last_exit ? worker->status.last_exit : "it could not be started";
}
