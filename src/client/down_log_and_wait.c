/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands `down`, `log` and `wait`, and the commands that send a request to the supervisor of
 * a gadget.
 */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/proc.h"
#include "client/inspect.h"
#include "client/internal.h"
#include "configfs/configfs.h"
#include "configfs/steps.h"
#include "rundir/control.h"
#include "rundir/log_file.h"

/* Maximum time to wait for the end of a supervisor that has answered "down", in milliseconds. */
#define SUPERVISOR_END_MS 1000

/* --- down --- */

/*
 * Handles a gadget without a run directory, which ffsctl did not make. If the gadget exists, takes
 * it down (CLIENT_DOWN_ANY) or sets err. Returns false if a run directory has appeared since the
 * caller looked for it; then the caller must try again.
 */
static bool down_without_run_dir(const struct paths *paths, const char *name,
				 enum client_down_scope scope, enum client_result *result,
				 struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);
	pid_t pid;

	*result = CLIENT_UNCHANGED;
	if (!inspect_kernel_has_gadget(paths, name))
		return true;
	if (rundir_get_lock_owner(paths, name, &pid, NULL) != -ENOENT)
		return false;
	if (scope == CLIENT_DOWN_ANY) {
		*result = CLIENT_FORCED;
		client_force_down(paths, name, err);
		return true;
	}
	error_gadget_of_other_program(name, dir, err);
	return true;
}

/*
 * Returns a pidfd of `pid`, the process that owns the lock; -1: that process has ended. Reads the
 * owner of the lock again after opening the pidfd, because a new process may have the same pid.
 */
static int open_lock_owner_pidfd(const struct paths *paths, const char *name, pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pid_t now;

	return rundir_get_lock_owner(paths, name, &now, NULL) == 0 && now == pid ? steal_fd(&fd)
										 : -1;
}

/* Waits until the process of the pidfd has ended. Returns at once if `fd` is -1. */
static void wait_for_process_end(int fd, int timeout_ms)
{
	if (fd >= 0)
		process_await_end(fd, timeout_ms);
}

static int send_down_request(const struct paths *paths, const char *name, struct error *err)
{
	return control_ask_supervisor(
		paths, name, &(struct socket_request){ .command = COMMAND_DOWN }, NULL, err);
}

/* Returns whether a lock owner with this role is a supervisor, which has a control socket. */
static bool role_is_supervisor(enum lock_owner_role role)
{
	return role == OWNER_STARTING || role == OWNER_TAKING_OVER || role == OWNER_SUPERVISOR ||
	       role == OWNER_STOPPING;
}

/*
 * Sends SIGTERM to a supervisor whose control socket was deleted. SIGTERM does the same as the
 * request "down", but without an answer. If the supervisor cannot undo all steps, the record still
 * exists, and client_down undoes the remaining steps.
 */
static bool terminate_supervisor(enum lock_owner_role role, int owner_pidfd)
{
	return role == OWNER_SUPERVISOR && owner_pidfd >= 0 &&
	       syscall(SYS_pidfd_send_signal, owner_pidfd, SIGTERM, NULL, 0) == 0;
}

/*
 * Takes down a gadget whose lock file was deleted. If it has no supervisor, returns a negative
 * errno and does not set err.
 */
static int down_without_lock_file(const struct paths *paths, const char *name, struct error *err)
{
	pid_t pid = inspect_find_supervisor(paths, name);
	_cleanup_close_ int owner = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	int r = send_down_request(paths, name, err);

	if (r == -ECONNRESET) { /* the supervisor was taking the gadget down already */
		error_clear(err);
		r = 0;
	}
	if (r == 0)
		wait_for_process_end(owner, -1);
	if (r == 0 || err->exit || owner < 0)
		return r;
	error_set(err, EX_CANTCREAT, ENOENT, NULL,
		  "the lock and the control socket of '%s' were removed from %s/%s", name,
		  paths->run_dir, name);
	return error_add_hint(err, "'kill %d' takes it down", (int)pid);
}

/*
 * Returns whether the gadget has no record, although its supervisor has applied steps. These steps
 * cannot be undone without the record.
 */
static bool record_of_applied_steps_is_missing(const struct paths *paths, const char *name,
					       enum client_down_scope scope)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);

	/* A supervisor that was killed before it wrote the record has applied no step. */
	return !rundir_has_file(paths, name, RUNDIR_RECORD) &&
	       rundir_has_file(paths, name, RUNDIR_STATUS) &&
	       (scope == CLIENT_DOWN_ANY || path_exists(dir));
}

/*
 * Takes down a gadget that ffsctl made and whose record was removed. Removes the run directory,
 * which contains the lock.
 */
static int down_without_record(const struct paths *paths, const char *name,
			       enum client_down_scope scope, struct rundir *rundir,
			       struct error *err)
{
	int r;

	if (scope == CLIENT_DOWN_ANY) {
		r = client_force_down(paths, name, err);
		return r < 0 ? r : rundir_remove(rundir, err);
	}
	error_set(err, EX_CANTCREAT, ENOENT, rundir->path,
		  "cannot take '%s' down: %s/" RUNDIR_RECORD " was removed", name, rundir->path);
	return error_add_hint(
		err,
		"'ffsctl down --force %s' removes the gadget's directory in configfs and "
		"its mounts",
		name);
}

static int error_cannot_take_down(const char *name, int r, struct error *err)
{
	error_errno(err, r == -EACCES ? EX_NOPERM : EX_OSERR, -r, NULL, "cannot take '%s' down",
		    name);
	return r == -EACCES ? error_add_root_hint(err) : r;
}

int client_down(const struct paths *paths, const char *name, enum client_down_scope scope,
		enum client_result *result, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	bool sent = false;

	for (;;) {
		_cleanup_close_ int owner = -1;
		enum lock_owner_role role;
		pid_t pid;
		int r = rundir_get_lock_owner(paths, name, &pid, &role);

		*result = CLIENT_DONE;
		if (r == -ENOENT && sent)
			return 0;
		if (r == -ENOENT && rundir_exists(paths, name) &&
		    !rundir_has_file(paths, name, RUNDIR_LOCK)) {
			r = down_without_lock_file(paths, name, err);
			sent = sent || r == 0;
			if (r == 0)
				continue;
			if (err->exit)
				return r;
			r = 0; /* no supervisor */
		}
		if (r == -ENOENT && !down_without_run_dir(paths, name, scope, result, err))
			continue; /* another process has run `up` in the meantime */
		if (r == -ENOENT)
			return -err->errno_value;
		/* With --group, users may be able to open the control socket but not the lock. */
		if (r == -EACCES) {
			int asked = send_down_request(paths, name, err);

			if (asked == 0 || (err->exit && asked != -EACCES))
				return asked;
			error_clear(err);
		}
		if (r < 0)
			return error_cannot_take_down(name, r, err);
		if (pid == 0) {
			r = rundir_lock(&rundir, paths, name, OWNER_CLEARING, err);
			if (r == 0)
				break;
			if (r != -EWOULDBLOCK)
				return r;
			/* Another process took the lock first. */
			error_clear(err);
			continue;
		}
		owner = open_lock_owner_pidfd(paths, name, pid);
		r = send_down_request(paths, name, err);
		if (r < 0 && err->exit && r != -ECONNRESET) {
			/* EX_OSERR: the supervisor could not undo all steps, and will end. */
			if (err->exit == EX_OSERR)
				wait_for_process_end(owner, SUPERVISOR_END_MS);
			return r;
		}
		if (r < 0 && !err->exit && !role_is_supervisor(role))
			return rundir_fail_in_use(name, pid, role, err);
		if (r < 0 && !err->exit && terminate_supervisor(role, owner))
			r = 0;
		/*
		 * If the supervisor takes the gadget down, waits until the supervisor has ended. If
		 * the control socket does not exist, the supervisor is starting or ending: waits
		 * PLAN_SOON_MS and tries again.
		 */
		wait_for_process_end(owner, r == 0 || err->exit ? -1 : PLAN_SOON_MS);
		sent = sent || r == 0 || err->exit;
		error_clear(err);
	}
	if (record_of_applied_steps_is_missing(paths, name, scope)) {
		/* A supervisor that waited for a UDC has made nothing. */
		*result = inspect_kernel_has_gadget(paths, name) ? CLIENT_FORCED : CLIENT_UNCHANGED;
		return down_without_record(paths, name, scope, &rundir, err);
	}
	*result = rundir_has_record(&rundir) ? CLIENT_CLEARED
		  : sent		     ? CLIENT_DONE
					     : CLIENT_UNCHANGED;
	return supervisor_undo_recorded_plan(paths, name, &rundir, err);
}

/* --- log, wait, and sending requests --- */

int client_read_log(const struct paths *paths, const char *name, char **text, size_t *size,
		    struct error *err)
{
	_cleanup_free_ char *dir = strf("%s/%s", paths->run_dir, name);
	int r = rundir_read_text(paths, name, RUNDIR_LOG, 2 * LOG_FILE_KEPT, text, size, err);

	if (r != -ENOENT)
		return r;
	if (path_exists(dir))
		return error_set(err, EX_UNAVAILABLE, ENOENT, dir,
				 "'%s' has no log: its supervisor logs to stderr ('ffsctl run')",
				 name);
	return error_set(err, EX_UNAVAILABLE, ENOENT, dir, "'%s' is not up", name);
}

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
