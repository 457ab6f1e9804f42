/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peer is a program that the bridge starts. The bridge writes to the program's stdin and
   reads from its stdout. The program's stderr is that of the worker, and is logged. */
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

int bridge_fork_child(void)
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

/* Checks whether execvp(3) can find the program. If it cannot, logs the reason and returns
   -EINVAL. */
static int check_program_exists(struct bridge *b, const char *name)
{
	const char *dir = getenv("PATH");
	char path[4096];

	if (strchr(name, '/')) {
		if (access(name, X_OK) == 0)
			return 0;
		return bridge_fail_start(b, "cannot start '%s': %s", name, strerror(errno));
	}
	while (dir && *dir) {
		int n = (int)strcspn(dir, ":");

		snprintf(path, sizeof(path), "%.*s/%s", n, dir, name);
		if (access(path, X_OK) == 0)
			return 0;
		dir += n + (dir[n] == ':');
	}
	return bridge_fail_start(b, "cannot start '%s': not found in PATH", name);
}

/* Splits the option `command` into words at blanks. Quotes have no meaning: for arguments with
   blanks, users can write a script. */
static int command_prepare(struct bridge *b)
{
	char *text = strdup(b->host->call->option_string(b->host, "command")), *word, *rest;
	size_t n = 0;

	if (!text)
		return -ENOMEM;
	b->command_argv = calloc(strlen(text) / 2 + 2, sizeof(*b->command_argv));
	if (!b->command_argv) {
		free(text);
		return -ENOMEM;
	}
	for (word = strtok_r(text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
		b->command_argv[n++] = word;
	return n ? check_program_exists(b, b->command_argv[0])
		 : bridge_fail_start(b, "option 'command' is empty");
}

/* Executes the program in the child process. If the function has no IN endpoint, the program's
   output is logged. If the function has no OUT endpoint, the program's input is empty. */
static _Noreturn void exec_command(struct bridge *b, int input, int output)
{
	if (dup2(input, 0) >= 0 && dup2(b->has_in_endpoint ? output : 2, 1) >= 0)
		execvp(b->command_argv[0], b->command_argv);
	dprintf(2, "bridge: error: cannot start '%s': %s\n", b->command_argv[0], strerror(errno));
	_exit(127);
}

static void log_exit_status(struct bridge *b, int status)
{
	if (WIFSIGNALED(status))
		b->host->call->log(b->host, FFSCTL_LOG_NOTE, "'%s' was killed by signal %d",
				   b->command_argv[0], WTERMSIG(status));
	else
		b->host->call->log(b->host, FFSCTL_LOG_NOTE, "'%s' exited with status %d",
				   b->command_argv[0], WEXITSTATUS(status));
}

static void on_command_ended(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	int status = 0;

	(void)events;
	if (waitpid(b->child_pid, &status, WNOHANG) != b->child_pid)
		return;
	b->child_pid = 0;
	bridge_close_watch(b, w);
	if (b->stopping) {
		host->call->exit(host, 0);
		return;
	}
	log_exit_status(b, status);
	bridge_move_data_and_watch(b);
}

static void close_pipe(const int *fds)
{
	close(fds[0]);
	close(fds[1]);
}

static void report_command_start_error(struct bridge *b, int error)
{
	bridge_open_failed(b, error, "cannot start '%s': %s", b->command_argv[0], strerror(-error));
}

static void command_open(struct bridge *b)
{
	int input[2], output[2], r = 0;

	if (pipe2(input, O_CLOEXEC) < 0) {
		report_command_start_error(b, -errno);
		return;
	}
	if (pipe2(output, O_CLOEXEC) < 0) {
		report_command_start_error(b, -errno);
		close_pipe(input);
		return;
	}
	b->child_pid = bridge_fork_child();
	if (b->child_pid == 0)
		exec_command(b, input[0], output[1]);
	b->command_end_watch = (struct ffsctl_watch){ .fd = -1, .ready = on_command_ended };
	if (b->child_pid > 0)
		b->command_end_watch.fd = (int)syscall(SYS_pidfd_open, b->child_pid, 0);
	if (b->command_end_watch.fd < 0)
		r = -errno;
	close(input[0]);
	close(output[1]);
	if (r < 0) {
		if (b->child_pid > 0) {
			kill(b->child_pid, SIGKILL);
			waitpid(b->child_pid, NULL, 0);
		}
		b->child_pid = 0;
		close(input[1]);
		close(output[0]);
		report_command_start_error(b, r);
		return;
	}
	fcntl(input[1], F_SETFL, O_NONBLOCK);
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	bridge_set_watch(b, &b->command_end_watch, EPOLLIN);
	if (!b->has_out_endpoint) {
		close(input[1]);
		input[1] = -1;
	}
	bridge_add_peer(b, output[0], input[1]);
	bridge_note_peer_opened(b, b->command_argv[0]);
}

/*
 * Returns whether the program has ended. A program that has closed its stdin and stdout may still
 * run. It is started again only after it has ended.
 */
static bool command_process_has_ended(struct bridge *b)
{
	return b->child_pid == 0;
}

/* Sends SIGTERM to the command. Returns false while it still runs: the worker must not end yet. */
static bool command_stop(struct bridge *b)
{
	if (b->child_pid == 0)
		return true;
	kill(b->child_pid, SIGTERM);
	return false;
}

const struct peer_type peer_type_command = {
	.option_names = { "command" },
	.check_options_and_prepare = command_prepare,
	.open = command_open,
	.may_open_again = command_process_has_ended,
	.stop = command_stop,
	.allows_half_close = true,
};
