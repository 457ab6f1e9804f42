/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles signals: SIGTERM and SIGINT take the gadget down, SIGHUP reloads, SIGCHLD reports the end
 * of a child.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "function/reap.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"
#include "supervisor/switch.h"

static void child_ended(struct supervisor *s, pid_t pid, int status)
{
	reap_forget_inherited(&s->live, pid);
	for (size_t n = 0; n < s->live.n; n++) {
		struct live_function *i = s->live.v[n];

		if (i->worker && i->worker->pid == pid) {
			worker_exited(i->worker, status);
			return;
		}
		if (i->keeper.pid == pid) {
			i->keeper.pid = 0;
			if (!i->keeper_ends)
				supervisor_keeper_died(s, i);
			break;
		}
	}
	supervisor_changed(s); /* an undo step may wait for the end of this process */
}

void supervisor_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_ended(s, pid, status);
}

static void on_signal(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;
	struct signalfd_siginfo info;

	if (read(s->signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		/* One SIGCHLD may stand for many children, among them orphans of workers. */
		supervisor_reap(s);
		break;
	case SIGHUP:
		reload_request(s);
		break;
	default:
		switch_cancel(s);
		supervisor_go_down(s, NULL);
		break;
	}
}

int supervisor_watch_signals(struct supervisor *s, struct error *err)
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
	/* SIGPIPE is blocked: writes fail with EPIPE instead if the reader has ended. */
	sigaddset(&set, SIGPIPE);
	if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, EX_OSERR, errno, NULL, "cannot make a signal descriptor");
	r = fd_watch_add(&s->loop, &s->signals, fd, EPOLLIN, on_signal, s);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot watch signals");
	return 0;
}
