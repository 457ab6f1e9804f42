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
#include "supervise/front.h"

static void __attribute__((noreturn))
run_apart(int (*fn)(void *data), void *data, int stdout_fd, pid_t parent)
{
	int exit = EX_OSERR;

	/* Who ends the command ends what it is doing. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent && (stdout_fd < 0 || dup2(stdout_fd, STDOUT_FILENO) >= 0))
		exit = fn(data);
	if (fflush(stdout) != 0 && exit == 0)
		exit = EX_IOERR;
	_exit(exit);
}

int front_apart(int (*fn)(void *data), void *data, int stdout_fd, struct error *err)
{
	pid_t parent = getpid(), pid;
	int status;

	fflush(stdout); /* or both would print what is still in there */
	pid = fork();
	if (pid == 0)
		run_apart(fn, data, stdout_fd, parent);
	if (pid < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start a process");
		return err->exit;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	error_set(err, EX_OSERR, ECHILD, NULL, "its process was killed (signal %d)",
		  WTERMSIG(status));
	return err->exit;
}
