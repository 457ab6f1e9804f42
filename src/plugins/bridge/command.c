/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peer is a program: the bridge uses its stdin and stdout. The program inherits the worker's
   stderr, which is logged. */
#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int bridge_fork(void)
{
	pid_t parent = getpid(), pid = fork();
	sigset_t none;

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	return 0;
}

/* Checks that execvp(3) will find the program. */
static int find_program(struct bridge *b, const char *name)
{
	const char *dir = getenv("PATH");
	char path[4096];

	if (strchr(name, '/')) {
		if (access(name, X_OK) == 0)
			return 0;
		return bridge_refuse(b, "cannot start '%s': %s", name, strerror(errno));
	}
	while (dir && *dir) {
		int n = (int)strcspn(dir, ":");

		snprintf(path, sizeof(path), "%.*s/%s", n, dir, name);
		if (access(path, X_OK) == 0)
			return 0;
		dir += n + (dir[n] == ':');
	}
	return bridge_refuse(b, "cannot start '%s': not found in PATH", name);
}

/* Splits the option at blanks. Quotes have no meaning; users can write a script instead. */
static int command_start(struct bridge *b)
{
	char *text = strdup(b->host->call->option_string(b->host, "command")), *word, *rest;
	size_t n = 0;

	if (!text)
		return -ENOMEM;
	b->argv = calloc(strlen(text) / 2 + 2, sizeof(*b->argv));
	if (!b->argv)
		return -ENOMEM;
	for (word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
		b->argv[n++] = word;
	return n ? find_program(b, b->argv[0]) : bridge_refuse(b, "option 'command' is empty");
}

/* Executes the program. Its output is logged if the function has no IN endpoint. Its input is empty
 * if the function has no OUT endpoint. */
static _Noreturn void exec_command(struct bridge *b, int input, int output)
{
	if (dup2(input, 0) >= 0 && dup2(b->has_in ? output : 2, 1) >= 0)
		execvp(b->argv[0], b->argv);
	dprintf(2, "bridge: error: cannot start '%s': %s\n", b->argv[0], strerror(errno));
	_exit(127);
}

static void log_exit(struct bridge *b, int status)
{
	if (WIFSIGNALED(status))
		b->host->call->log(b->host, FFSCTL_LOG_NOTE, "'%s' was killed by signal %d",
				   b->argv[0], WTERMSIG(status));
	else
		b->host->call->log(b->host, FFSCTL_LOG_NOTE, "'%s' exited with status %d",
				   b->argv[0], WEXITSTATUS(status));
}

static void on_process(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	int status = 0;

	(void)events;
	if (waitpid(b->pid, &status, WNOHANG) != b->pid)
		return;
	b->pid = 0;
	bridge_close(b, w);
	if (b->stopping) {
		host->call->exit(host, 0);
		return;
	}
	log_exit(b, status);
	bridge_update(b);
}

static void close_pipe(const int *fds)
{
	close(fds[0]);
	close(fds[1]);
}

static void start_failed(struct bridge *b, int error)
{
	bridge_failed(b, error, "cannot start '%s': %s", b->argv[0], strerror(-error));
}

static void command_open(struct bridge *b)
{
	int input[2], output[2], r = 0;

	if (pipe2(input, O_CLOEXEC) < 0) {
		start_failed(b, -errno);
		return;
	}
	if (pipe2(output, O_CLOEXEC) < 0) {
		start_failed(b, -errno);
		close_pipe(input);
		return;
	}
	b->pid = bridge_fork();
	if (b->pid == 0)
		exec_command(b, input[0], output[1]);
	b->process_watch = (struct ffsctl_watch){ .fd = -1, .ready = on_process };
	if (b->pid > 0)
		b->process_watch.fd = (int)syscall(SYS_pidfd_open, b->pid, 0);
	if (b->process_watch.fd < 0)
		r = -errno;
	close(input[0]);
	close(output[1]);
	if (r < 0) {
		if (b->pid > 0) {
			kill(b->pid, SIGKILL);
			waitpid(b->pid, NULL, 0);
		}
		b->pid = 0;
		close(input[1]);
		close(output[0]);
		start_failed(b, r);
		return;
	}
	fcntl(input[1], F_SETFL, O_NONBLOCK);
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	bridge_watch(b, &b->process_watch, EPOLLIN);
	if (!b->has_out) {
		close(input[1]);
		input[1] = -1;
	}
	bridge_add(b, output[0], input[1]);
	bridge_opened(b, b->argv[0]);
}

/*
 * Returns whether the program has ended. A program that has closed stdin and stdout may keep
 * running; it is started again only after its end.
 */
static bool command_ended(struct bridge *b)
{
	return b->pid == 0;
}

static bool command_stop(struct bridge *b)
{
	if (b->pid == 0)
		return true;
	kill(b->pid, SIGTERM);
	return false;
}

const struct peer_type peer_type_command = {
	.options = { "command" },
	.start = command_start,
	.open = command_open,
	.ended = command_ended,
	.stop = command_stop,
	.half_close = true,
};
