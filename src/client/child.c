/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one command for several gadgets, each in a child process. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "client/client.h"

/*
 * For the signal handler: the pid of the child, and whether a signal arrived. The child reads
 * `interrupted`, too, because a signal may arrive after the fork while the child still has this
 * handler.
 */
static volatile sig_atomic_t child, interrupted;

/* Sends SIGTERM to the child, which then undoes its steps. */
static void on_interrupt(int sig _unused_)
{
	int e = errno;

	interrupted = 1;
	if (child > 0)
		kill((pid_t)child, SIGTERM);
	errno = e;
}

static void set_handlers(void (*handler)(int sig))
{
	/* Sets the handlers. With SA_RESETHAND, a second Ctrl-C ends the command at once. */
	struct sigaction once = { .sa_handler = handler,
				  .sa_flags = (int)(SA_RESETHAND | SA_RESTART) };

	sigaction(SIGINT, &once, NULL);
	sigaction(SIGTERM, &once, NULL);
}

static void __attribute__((noreturn))
run_in_child(int (*fn)(void *data), void *data, int stdout_fd, pid_t parent)
{
	int exit = EX_OSERR;

	set_handlers(SIG_DFL);
	/* The kernel sends SIGTERM to the child if the command is killed with SIGKILL. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!interrupted && getppid() == parent &&
	    (stdout_fd < 0 || dup2(stdout_fd, STDOUT_FILENO) >= 0))
		exit = fn(data);
	if (fflush(stdout) != 0 && exit == 0)
		exit = EX_IOERR;
	_exit(exit);
}

int client_run_in_child(int (*fn)(void *data), void *data, int stdout_fd, struct error *err)
{
	pid_t parent = getpid(), pid;
	siginfo_t info;
	int status;

	fflush(stdout); /* otherwise both processes would print the text in the buffer of stdout */
	child = interrupted = 0;
	set_handlers(on_interrupt);
	pid = fork();
	if (pid == 0)
		run_in_child(fn, data, stdout_fd, parent);
	if (pid < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start a process");
		return err->exit;
	}
	child = pid;
	if (interrupted)
		kill(pid, SIGTERM);
	/* WNOWAIT: the pid must stay valid while the handler can send a signal to it. */
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	set_handlers(SIG_DFL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (interrupted) {
		error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
			  "interrupted by a signal, so the gadgets after it are not brought up");
		return err->exit;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	error_set(err, EX_OSERR, ECHILD, NULL, "the child process was killed (signal %d)",
		  WTERMSIG(status));
	return err->exit;
}
