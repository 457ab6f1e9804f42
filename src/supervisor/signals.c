/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "function/function.h"
#include "function/kill_processes.h"

static void handle_child_end(struct functions *functions, pid_t pid, int status)
{
	functions_forget_foreign_child(functions, pid);
	for (size_t n = 0; n < functions->n; n++) {
		struct live_function *function = functions->list[n];

		if (function->worker && function->worker->pid == pid) {
			worker_handle_process_end(function->worker, status);
			return;
		}
		if (function->keeper.pid == pid) {
			function->keeper.pid = 0;
			if (!function->keeper_kill_sent)
				functions->callbacks->keeper_died(functions->callback_data,
								  function);
			break;
		}
	}
	functions_report_state_change(
		functions); /* an undo step may wait for the end of this process */
}

void signals_reap_children(struct functions *functions)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		handle_child_end(functions, pid, status);
}

static void on_signal(void *data, uint32_t events _unused_)
{
	struct signals *signals = data;
	struct signalfd_siginfo info;

	if (read(signals->signalfd_watch.fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		/*
		 * One SIGCHLD may report the end of several children, also of orphans of workers.
		 */
		signals_reap_children(signals->functions);
		break;
	case SIGHUP:
		signals->callbacks->reload(signals->callback_data);
		break;
	default:
		signals->callbacks->stop(signals->callback_data);
		break;
	}
}

void signals_hold_reload(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int signals_watch(struct signals *signals, struct loop *loop, struct error *err)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	/* An inherited SIG_IGN would hide the end of children (wait(2)). */
	signal(SIGCHLD, SIG_DFL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/*
	 * Blocks SIGPIPE, so that a write to a pipe whose reader has ended only fails with EPIPE.
	 */
	sigaddset(&set, SIGPIPE);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot make a signal descriptor");
	r = fd_watch_add(loop, &signals->signalfd_watch, fd, EPOLLIN, on_signal, signals);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot watch signals");
	return 0;
}

void signals_close(struct signals *signals)
{
	cleanup_close(&signals->signalfd_watch.fd);
}
