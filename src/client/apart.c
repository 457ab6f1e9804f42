/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several gadgets by one command: each in a process of its own, as if by a command of its own. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "client/client.h"

/* A handler has no other way to know the child; the child must know that it was wanted no more. */
static volatile sig_atomic_t child, ended;

/* The child undoes what it has done so far, as it does when it is asked by itself. */
static void on_interrupt(int sig _unused_)
{
	int e = errno;

	ended = 1;
	if (child > 0)
		kill((pid_t)child, SIGTERM);
	errno = e;
}

static void set_handlers(void (*handler)(int sig))
{
	/* A second Ctrl-C does not wait for that. */
	struct sigaction once = { .sa_handler = handler,
				  .sa_flags = (int)(SA_RESETHAND | SA_RESTART) };

	sigaction(SIGINT, &once, NULL);
	sigaction(SIGTERM, &once, NULL);
}

static void __attribute__((noreturn))
run_apart(int (*fn)(void *data), void *data, int stdout_fd, pid_t parent)
{
	int exit = EX_OSERR;

	set_handlers(SIG_DFL);
	/* Who ends the command ends what it is doing. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!ended && getppid() == parent && (stdout_fd < 0 || dup2(stdout_fd, STDOUT_FILENO) >= 0))
		exit = fn(data);
	if (fflush(stdout) != 0 && exit == 0)
		exit = EX_IOERR;
	_exit(exit);
}

int client_apart(int (*fn)(void *data), void *data, int stdout_fd, struct error *err)
{
	pid_t parent = getpid(), pid;
	siginfo_t info;
	int status;

	fflush(stdout); /* or both would print what is still in there */
	child = ended = 0;
	set_handlers(on_interrupt);
	pid = fork();
	if (pid == 0)
		run_apart(fn, data, stdout_fd, parent);
	if (pid < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start a process");
		return err->exit;
	}
	child = pid;
	if (ended)
		kill(pid, SIGTERM);
	/* Its number stays its own until nobody sends it signals any more. */
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	set_handlers(SIG_DFL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ended) {
		error_set(err, EX_TEMPFAIL, ECANCELED, NULL,
			  "ended by a signal; what comes after it is not brought up");
		return err->exit;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	error_set(err, EX_OSERR, ECHILD, NULL, "its process was killed (signal %d)",
		  WTERMSIG(status));
	return err->exit;
}
