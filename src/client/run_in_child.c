/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a function in a child process. `up --all` does so for each gadget. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "client/client.h"

/* Used by the signal handler: the process to which it sends SIGTERM; 0: none. */
static volatile sig_atomic_t child_pid;
/*
 * Whether this process got SIGINT or SIGTERM. After the fork, the child has its own variable. Until
 * the child resets the signal handlers, a signal to the child runs this handler, too, and sets the
 * variable of the child.
 */
static volatile sig_atomic_t got_termination_signal;

/* Sends SIGTERM to the child. The child then undoes its steps. */
static void pass_signal_to_child(int sig _unused_)
{
	int e = errno;

	got_termination_signal = 1;
	if (child_pid > 0)
		kill((pid_t)child_pid, SIGTERM);
	errno = e;
}

static void set_signal_handlers(void (*handler)(int sig))
{
	/* SA_RESETHAND: the handler is called only once; a second Ctrl-C ends the command. */
	struct sigaction once = { .sa_handler = handler,
				  .sa_flags = (int)(SA_RESETHAND | SA_RESTART) };

	sigaction(SIGINT, &once, NULL);
	sigaction(SIGTERM, &once, NULL);
}

static void __attribute__((noreturn))
child_main(int (*fn)(void *data), void *data, int stdout_fd, pid_t parent)
{
	int exit = EX_OSERR;

	set_signal_handlers(SIG_DFL);
	/* If the parent is killed with SIGKILL, the kernel sends SIGTERM to this process. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!got_termination_signal && getppid() == parent &&
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

	fflush(stdout); /* otherwise both processes would print what is in the buffer of stdout */
	child_pid = got_termination_signal = 0;
	set_signal_handlers(pass_signal_to_child);
	pid = fork();
	if (pid == 0)
		child_main(fn, data, stdout_fd, parent);
	if (pid < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start a process");
		return err->exit;
	}
	child_pid = pid;
	if (got_termination_signal)
		kill(pid, SIGTERM);
	/* WNOWAIT: the pid must stay valid while the handler can send a signal to it. */
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	set_signal_handlers(SIG_DFL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (got_termination_signal) {
		error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
			  "interrupted by a signal before the remaining gadgets were brought up");
		return err->exit;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	error_set(err, EX_OSERR, ECHILD, NULL,
		  "the process that brings gadgets up was killed (signal %d)", WTERMSIG(status));
	return err->exit;
}
