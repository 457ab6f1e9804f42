/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends signals to a worker, reports its failure, and handles the end of its last process. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "function/function.h"

void worker_send_signal(const struct live_worker *worker, int sig, bool group)
{
	int fd = worker->end_watch.fd;
	bool sent;

	/* The process has ended already; worker_leftovers.c ends its leftover processes. */
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

void worker_leftovers_ended(struct live_worker *worker)
{
	worker_drain_fds(worker);
	if (worker->model->opens_ep0)
		worker->function->functions->callbacks->ep0_closed(
			worker->function->functions->callback_data);
	worker->handle_event(worker, WORKER_EV_EXIT);
}
