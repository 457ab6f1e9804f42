/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends signals to a worker, reports its failure, handles the end of its last process, and decides
 * whether that end is final.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "function/function.h"

#define EXIT_DO_NOT_RESTART 125

void worker_send_signal(const struct live_worker *worker, int sig, bool group)
{
	int fd = worker->end_watch.fd;
	bool sent;

	/* The process has ended already; worker_cleanup.c kills the remaining processes
	   (worker.h). */
	if (worker->pid <= 0)
		return;
	/* A process that is not a child may have been reaped, and its pid reused. */
	sent = fd >= 0 && syscall(SYS_pidfd_send_signal, fd, group ? 0 : sig, NULL, 0) == 0;
	if (fd >= 0 && !sent && errno == ESRCH)
		return;
	/* valgrind does not implement pidfd_send_signal(2). */
	if (!sent || group)
		kill(group ? -worker->pid : worker->pid, sig);
}

int worker_failure_error(const struct live_worker *worker, struct error *err)
{
	return error_set(err, EX_PROTOCOL, ECHILD, NULL, "the worker of '%s' has failed: %s",
			 worker->function->model->label, worker_exit_reason(worker));
}

static enum worker_end last_end_of(const struct live_worker *worker)
{
	switch (worker->last_exit.exit_cause) {
	case NEVER_ENDED:
		return END_FAILED_START;
	case ENDED_BY_EXIT:
		return worker->last_exit.status_or_signal == 0 ? END_EXIT_0 : END_EXIT_OTHER;
	case ENDED_BY_SIGNAL:
		return END_SIGNAL;
	case ENDED_UNKNOWN:
		break;
	}
	return END_UNKNOWN;
}

bool worker_end_forbids_restart(const struct live_worker *worker)
{
	return worker->last_exit.exit_cause == ENDED_BY_EXIT &&
	       worker->last_exit.status_or_signal == EXIT_DO_NOT_RESTART;
}

#define FINAL_ENDS(NAME, word, final_ends, description) [RESTART_##NAME] = (final_ends),

bool worker_end_is_final(const struct live_worker *worker)
{
	static const unsigned int final_ends[] = { WORKER_RESTARTS(FINAL_ENDS) };

	return final_ends[worker->model->restart_when] & last_end_of(worker);
}

void worker_finish_cleanup(struct live_worker *worker)
{
	worker_drain_fds(worker);
	if (worker->model->opens_ep0)
		worker->function->functions->callbacks->daemon_ended(
			worker->function->functions->callback_data);
	worker->handle_event(worker, WORKER_EV_EXIT);
}
