/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `wait`, and other requests to the supervisor of a gadget. */
#include "client/client.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "client/internal.h"
#include "rundir/control.h"

int client_send_request(const struct paths *paths, const char *name,
			const struct socket_request *request, struct socket_answer *answer,
			struct error *err)
{
	int r = control_ask_supervisor(paths, name, request, answer, err);

	return r < 0 && !err->exit ? client_error_no_supervisor(paths, name, err) : r;
}

/*
 * Sends a request to the supervisor instead of reading the UDC's state in sysfs, which can still be
 * the state of a previous gadget (supervisor/usb_host.c).
 */
int client_wait_configured(const struct paths *paths, const char *name, double seconds,
			   bool *by_udc, struct error *err)
{
	_cleanup_answer_ struct socket_answer answer = { 0 };
	struct socket_request request = { .command = COMMAND_WAIT_HOST };
	double until = now_monotonic() + seconds;
	sigset_t before;
	int r = -EINTR;

	/* A signal between the look at the flag and the waiting would be lost. */
	client_block_termination_signals(&before);
	/* ppoll(2) also returns EINTR after SIGSTOP and SIGCONT (signal(7)). */
	while (r == -EINTR && !err->exit && !client_got_termination_signal())
		r = control_ask_supervisor_timed(paths, name, &request, until - now_monotonic(),
						 &before, &answer, err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	*by_udc = answer.configured_by_udc;
	if (r == -EINTR && !err->exit)
		return error_set(err, EX_TEMPFAIL, EINTR, NULL,
				 "%s: interrupted before a host has configured the gadget, and it "
				 "stays up",
				 name);
	if (r == -ETIMEDOUT && !err->exit) {
		error_set(err, EX_TEMPFAIL, ETIMEDOUT, NULL,
			  "%s: no host has configured the gadget within %g s, and it stays up",
			  name, seconds);
		client_explain_no_host(paths, name, err);
		return -ETIMEDOUT;
	}
	if (r < 0 && !err->exit)
		return error_set(err, EX_OSERR, ESRCH, NULL,
				 "%s: it went down before a host configured it", name);
	return r;
}

/*
 * Adds inotify watches for the gadget's run directory and for all directories above it. When a
 * supervisor starts, it creates entries in these directories. Begins with the topmost directory,
 * so that no new directory is missed.
 */
static void watch_run_dir(int fd, const struct paths *paths, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s/", paths->run_dir, name);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO);
		*slash = '/';
	}
}

/* Waits for an event of the watches that watch_run_dir adds. Returns false after `until`. */
static bool wait_for_run_dir_change(int fd, double until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = poll(&p, 1, poll_timeout_until(until));

	if (r > 0)
		fd_drain(fd);
	return r != 0;
}

int client_wait_condition(const struct paths *paths, const char *name,
			  enum wait_condition condition, double seconds, bool *by_udc,
			  struct error *err)
{
	_cleanup_answer_ struct socket_answer answer = { 0 };
	struct socket_request request = { .command = COMMAND_WAIT, .condition = condition };
	_cleanup_close_ int fd = isfinite(seconds) ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
	double until = now_monotonic() + seconds;
	int r;

	for (;;) {
		/*
		 * Adds the watches before it sends the request: if a supervisor starts after the
		 * request has failed, there is an event.
		 */
		if (fd >= 0)
			watch_run_dir(fd, paths, name);
		r = control_ask_supervisor_timed(paths, name, &request, until - now_monotonic(),
						 NULL, &answer, err);
		if (r == 0 || err->exit || r == -ETIMEDOUT)
			break;
		/* With a time limit, poll(2) also returns EINTR after SIGSTOP and SIGCONT. */
		if (r == -EINTR)
			continue;
		if (fd < 0 || !wait_for_run_dir_change(fd, until))
			break;
	}
	*by_udc = answer.configured_by_udc;
	if (r == 0 || err->exit)
		return r;
	if (r == -ETIMEDOUT) {
		error_set(err, EX_TEMPFAIL, ETIMEDOUT, NULL, "'%s' is not %s after %g s", name,
			  wait_condition_words[condition], seconds);
		if (condition == CONDITION_CONFIGURED)
			client_explain_no_host(paths, name, err);
		return error_add_hint(err, "see 'ffsctl status %s'", name);
	}
	client_error_no_supervisor(paths, name, err);
	if (fd >= 0)
		err->exit = EX_TEMPFAIL;
	return -err->errno_value;
}
