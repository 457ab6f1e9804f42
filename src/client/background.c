/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a supervisor in a child process in the background. The command, which is the parent, waits
 * until the gadget is up.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "client/internal.h"

/* The parent's end of the socket pair between parent and child. For the signal handler. */
static volatile sig_atomic_t report_socket = -1;
/* Whether this process got SIGINT or SIGTERM. */
static volatile sig_atomic_t got_termination_signal;

/*
 * Shuts down the parent's end of the socket pair. The child then reads end of file, and undoes its
 * steps.
 */
static void end_child_input_at_signal(int sig _unused_)
{
	int e = errno;

	got_termination_signal = 1;
	shutdown(report_socket, SHUT_WR);
	errno = e;
}

bool client_got_termination_signal(void)
{
	return got_termination_signal;
}

void client_block_termination_signals(sigset_t *before)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, before);
}

/*
 * Sets the handler of SIGINT and SIGTERM. With SA_RESETHAND, the kernel calls the handler only
 * once, so that a second Ctrl-C ends the command.
 */
static void let_signals_end_child_input(int report_fd)
{
	struct sigaction once = { .sa_handler = end_child_input_at_signal,
				  .sa_flags = (int)(SA_RESETHAND | SA_RESTART) };

	report_socket = report_fd;
	sigaction(SIGINT, &once, NULL);
	sigaction(SIGTERM, &once, NULL);
}

/* Waits for the child's report. Returns 0, or the exit status of a child that sent no report. */
static int wait_for_report(int fd, pid_t pid, struct client_up_report *report, struct error *err)
{
	int status;
	ssize_t n;

	while ((n = recv(fd, report, sizeof(*report), 0)) < 0 && errno == EINTR)
		;
	if (n == sizeof(*report))
		return 0;
	/* The child undoes its steps before it exits. */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	error_set(err, EX_OSERR, ECHILD, NULL,
		  "the supervisor was killed (signal %d) before the gadget was up",
		  WTERMSIG(status));
	error_add_hint(err, "'ffsctl status' shows what is left, and 'ffsctl down' removes it");
	return err->exit;
}

int client_fork_supervisor(int *report_fd, struct client_up_report *report, struct error *err)
{
	sigset_t before;
	int pair[2], exit;
	pid_t pid;

	*report_fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		error_errno(err, EX_OSERR, errno, NULL, "cannot create a socket to the supervisor");
		return err->exit;
	}
	/* A signal before the handlers are set would end the parent, and the child would go on. */
	client_block_termination_signals(&before);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		setsid();
		sigprocmask(SIG_SETMASK, &before, NULL);
		*report_fd = pair[1];
		return 0;
	}
	let_signals_end_child_input(pair[0]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(pair[1]);
	if (pid > 0) {
		exit = wait_for_report(pair[0], pid, report, err);
	} else {
		error_errno(err, EX_OSERR, errno, NULL, "cannot start the supervisor");
		exit = err->exit;
	}
	close(pair[0]);
	return exit;
}

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

void client_send_report(int fd, struct client_up_report report, const char *name, const char *udc)
{
	copy_text(report.gadget_name, sizeof(report.gadget_name), name);
	copy_text(report.udc_name, sizeof(report.udc_name), udc);
	/* Ignores errors: the command that waits for the report may have ended. */
	send(fd, &report, sizeof(report), MSG_NOSIGNAL);
}

/* The report that is sent when the gadget of `supervisor` is up. */
struct pending_report {
	struct supervisor *supervisor;
	const char *gadget_name;
	enum client_result result;
	int report_fd; /* the child's socket for the report; -1: the report was sent */
};

/*
 * Reports that the gadget is up. Closes the inherited stdin, stdout and stderr, because a shell
 * that runs $(ffsctl up ...) waits until they are closed.
 */
static void report_gadget_up(void *data)
{
	struct pending_report *b = data;

	fd_stdio_to_null();
	client_send_report(b->report_fd,
			   (struct client_up_report){
				   .result = b->result,
				   .is_bound = supervisor_is_bound(b->supervisor),
				   .awaits_udc = supervisor_awaits_udc(b->supervisor),
			   },
			   b->gadget_name, supervisor_udc(b->supervisor));
	close(b->report_fd);
	b->report_fd = -1;
	memory_release_unused(); /* gives the memory of the parser back to the kernel */
}

int client_supervise_in_background(struct supervisor **s, const struct gadget *g,
				   enum client_result result, const struct client_options *options,
				   int report_fd, bool *reported, struct error *err)
{
	struct pending_report b = {
		.supervisor = *s, .gadget_name = g->name, .result = result, .report_fd = report_fd
	};
	int r;

	*reported = false;
	supervisor_set_on_up(*s, NULL, report_gadget_up, &b);
	if (chdir("/") < 0)
		return error_errno(err, EX_OSERR, errno, "/", "cannot change to /");
	r = supervisor_watch_up_command(*s, report_fd, err);
	if (r < 0)
		return r;
	r = supervisor_run(*s, options->up_timeout_seconds, options->udc_wait_seconds, err);
	r = client_run_requested_switches(s, g, options, false, r, err);
	*reported = b.report_fd < 0;
	return r;
}
