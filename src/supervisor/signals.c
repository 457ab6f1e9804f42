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
#include "function/reap.h"

static void child_ended(struct functions *functions, pid_t pid, int status)
{
	reap_forget_inherited(functions, pid);
	for (size_t n = 0; n < functions->n; n++) {
		struct live_function *i = functions->list[n];

		if (i->worker && i->worker->pid == pid) {
			worker_exited(i->worker, status);
			return;
		}
		if (i->keeper.pid == pid) {
			i->keeper.pid = 0;
			if (!i->keeper_ending)
				functions->events->keeper_died(functions->owner, i);
			break;
		}
	}
	functions_changed(functions); /* an undo step may wait for the end of this process */
}

void signals_reap(struct functions *functions)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(functions, pid, status);
}

static void on_signal(void *data, uint32_t events _unused_)
{
	struct signals *signals = data;
	struct signalfd_siginfo info;

	if (read(signals->watch.fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		/* One SIGCHLD may be for several children; some may be orphans of workers. */
		signals_reap(signals->functions);
		break;
	case SIGHUP:
		signals->events->reload(signals->owner);
		break;
	default:
		signals->events->stop(signals->owner);
		break;
	}
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
	/* Blocks SIGPIPE: if the reader has ended, a write only fails with EPIPE. */
	sigaddset(&set, SIGPIPE);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot make a signal descriptor");
	r = fd_watch_add(loop, &signals->watch, fd, EPOLLIN, on_signal, signals);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot watch signals");
	return 0;
}

void signals_close(struct signals *signals)
{
	cleanup_close(&signals->watch.fd);
}
