/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking a gadget down, restarting its workers, waiting for its host. */
#include "config.h"

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
#include "base/proc.h"
#include "client/inspect.h"
#include "client/parts.h"
#include "supervisor/supervisor.h"

/* A process that has nothing left to do but exit. */
#define ENDING_MS 1000

/* --- down, restart, wait --- */

/*
 * Nobody of ours had it just now: it is not there, or is taken down all the same, or err says whose
 * it is. False: look again.
 */
static bool not_ours(const struct paths *paths, const char *name, enum client_whose whose,
		     enum client_result *result, struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);
	pid_t pid;

	*result = CLIENT_UNCHANGED;
	if (!inspect_has(paths, name))
		return true;
	if (rundir_owner(paths, name, &pid, NULL) != -ENOENT)
		return false;
	if (whose == CLIENT_ANYBODYS) {
		*result = CLIENT_FORCED;
		client_force(paths, name, err);
		return true;
	}
	error_set(err, EX_CANTCREAT, EEXIST, dir, "the gadget '%s' was not made by ffsctl", name);
	error_hint(err, "'ffsctl down --force %s' takes it down", name);
	return true;
}

/*
 * A descriptor of the process that has the lock; -1: it has just ended. The lock is looked at again
 * afterwards: while it is held its owner lives, so that the number cannot be a later process's.
 */
static int open_owner(const struct paths *paths, const char *name, pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	pid_t now;

	return rundir_owner(paths, name, &now, NULL) == 0 && now == pid ? steal_fd(&fd) : -1;
}

/* Where it is known. */
static void await_end(int fd, int timeout_ms)
{
	if (fd >= 0)
		process_await_end(fd, timeout_ms);
}

static int tell_down(const struct paths *paths, const char *name, struct error *err)
{
	json_t *command = json_pack("{s:s}", "command", "down");
	int r = control_command(paths, name, command, err);

	json_decref(command);
	return r;
}

/* Whether it is a supervisor, which has a control socket most of the time. */
static bool may_be_told(const char *who)
{
	return streq(who, OWNER_STARTING) || streq(who, OWNER_TAKING_OVER) ||
	       streq(who, OWNER_SUPERVISOR) || streq(who, OWNER_STOPPING);
}

/*
 * One that is up but has no control socket any more: somebody has deleted it. TERM is as good, but
 * that nobody is told of what goes wrong: then something is left, and we find that.
 */
static bool end_by_signal(const char *who, int owner)
{
	return streq(who, OWNER_SUPERVISOR) && owner >= 0 &&
	       syscall(SYS_pidfd_send_signal, owner, SIGTERM, NULL, 0) == 0;
}

/* Somebody has deleted the lock. An error without text: there is no supervisor either. */
static int down_without_lock(const struct paths *paths, const char *name, struct error *err)
{
	pid_t pid = inspect_supervisor(paths, name);
	_cleanup_close_ int owner = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	int r = tell_down(paths, name, err);

	if (r == -ECONNRESET) { /* it had been told already */
		error_clear(err);
		r = 0;
	}
	if (r == 0)
		await_end(owner, -1);
	if (r == 0 || err->exit || owner < 0)
		return r;
	error_set(err, EX_CANTCREAT, ENOENT, NULL,
		  "the lock and the control socket of '%s' in %s/%s do not exist any more", name,
		  paths->run_dir, name);
	return error_hint(err, "'kill %d' makes its supervisor take it down", (int)pid);
}

/* Without a record nobody knows what there is to undo. */
static bool lacks_record(const struct paths *paths, const char *name, enum client_whose whose)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);

	/* Who was killed before it wrote one has made nothing. */
	return !rundir_has(paths, name, RUNDIR_RECORD) && rundir_has(paths, name, RUNDIR_STATUS) &&
	       (whose == CLIENT_ANYBODYS || path_exists(dir));
}

/* Of ours, but without a record. The lock is ours, and goes with the rest. */
static int down_without_record(const struct paths *paths, const char *name, enum client_whose whose,
			       struct rundir *rundir, struct error *err)
{
	int r;

	if (whose == CLIENT_ANYBODYS) {
		r = client_force(paths, name, err);
		return r < 0 ? r : rundir_remove(rundir, err);
	}
	error_set(err, EX_CANTCREAT, ENOENT, rundir->path,
		  "%s/" RUNDIR_RECORD " does not exist any more: what '%s' has made is unknown",
		  rundir->path, name);
	return error_hint(
		err, "'ffsctl down --force %s' takes down what configfs and the mounts show", name);
}

static int no_access(const char *name, int r, struct error *err)
{
	error_errno(err, r == -EACCES ? EX_NOPERM : EX_OSERR, -r, NULL, "cannot take '%s' down",
		    name);
	return r == -EACCES ? error_hint(err, "this needs root") : r;
}

int client_down(const struct paths *paths, const char *name, enum client_whose whose,
		enum client_result *result, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	bool told = false;

	for (;;) {
		_cleanup_free_ char *who = NULL;
		_cleanup_close_ int owner = -1;
		pid_t pid;
		int r = rundir_owner(paths, name, &pid, &who);

		*result = CLIENT_DONE;
		if (r == -ENOENT && told)
			return 0;
		if (r == -ENOENT && rundir_exists(paths, name) &&
		    !rundir_has(paths, name, RUNDIR_LOCK)) {
			r = down_without_lock(paths, name, err);
			told = told || r == 0;
			if (r == 0)
				continue;
			if (err->exit)
				return r;
			r = 0; /* nobody is there */
		}
		if (r == -ENOENT && !not_ours(paths, name, whose, result, err))
			continue; /* an `up` has made it meanwhile */
		if (r == -ENOENT)
			return -err->err;
		/* Who may not look at the lock may perhaps ask (--group). */
		if (r == -EACCES) {
			int asked = tell_down(paths, name, err);

			if (asked == 0 || (err->exit && asked != -EACCES))
				return asked;
			error_clear(err);
		}
		if (r < 0)
			return no_access(name, r, err);
		if (pid == 0) {
			r = rundir_lock(&rundir, paths, name, OWNER_CLEARING, err);
			if (r == 0)
				break;
			if (r != -EWOULDBLOCK)
				return r;
			/* Somebody was faster. */
			error_clear(err);
			continue;
		}
		owner = open_owner(paths, name, pid);
		r = tell_down(paths, name, err);
		if (r < 0 && err->exit && r != -ECONNRESET) {
			/* A supervisor that could not undo all has answered, and ends now. */
			if (err->exit == EX_OSERR)
				await_end(owner, ENDING_MS);
			return r;
		}
		if (r < 0 && !err->exit && !may_be_told(who))
			return rundir_in_use(name, pid, who, err);
		if (r < 0 && !err->exit && end_by_signal(who, owner))
			r = 0;
		/*
		 * It has gone down, or dies, and nothing of it is left when we return. Or it has no
		 * socket: not yet, then we ask again; or not any more, because it is going.
		 */
		await_end(owner, r == 0 || err->exit ? -1 : PLAN_SOON_MS);
		told = told || r == 0 || err->exit;
		error_clear(err);
	}
	if (lacks_record(paths, name, whose)) {
		*result = CLIENT_FORCED;
		return down_without_record(paths, name, whose, &rundir, err);
	}
	*result = rundir_has_record(&rundir) ? CLIENT_CLEARED
		  : told		     ? CLIENT_DONE
					     : CLIENT_UNCHANGED;
	return client_clear_leftovers(paths, name, &rundir, err);
}

int client_log(const struct paths *paths, const char *name, char **text, size_t *size,
	       struct error *err)
{
	_cleanup_free_ char *dir = strf("%s/%s", paths->run_dir, name);
	int r = rundir_read_text(paths, name, RUNDIR_LOG, 2 * OUTPUT_KEPT, text, size, err);

	if (r != -ENOENT)
		return r;
	if (path_exists(dir))
		return error_set(err, EX_UNAVAILABLE, ENOENT, dir,
				 "'%s' has no log: 'ffsctl run' says all on its stderr, which its "
				 "service manager keeps",
				 name);
	return error_set(err, EX_UNAVAILABLE, ENOENT, dir, "'%s' is not up: its log ended with it",
			 name);
}

int client_restart(const struct paths *paths, const char *name, const char *function,
		   struct error *err)
{
	json_t *command = json_pack("{s:s, s:s?}", "command", "restart", "function", function);
	int r = control_command(paths, name, command, err);

	json_decref(command);
	return r < 0 && !err->exit ? client_no_supervisor(name, err) : r;
}

/* `command` is taken over. */
static int ask_bus(const struct paths *paths, const char *name, json_t *command,
		   enum client_result *result, char **udc, struct error *err)
{
	json_t *reply = NULL;
	int r = control_ask(paths, name, command, &reply, err);
	const char *on = json_string_value(json_object_get(reply, "udc"));

	*result = json_is_true(json_object_get(reply, "changed")) ? CLIENT_DONE : CLIENT_UNCHANGED;
	if (udc)
		*udc = on ? xstrdup(on) : NULL;
	json_decref(command);
	json_decref(reply);
	return r < 0 && !err->exit ? client_no_supervisor(name, err) : r;
}

int client_bind(const struct paths *paths, const char *name, const char *udc,
		enum client_result *result, char **bound, struct error *err)
{
	return ask_bus(paths, name, json_pack("{s:s, s:s?}", "command", "bind", "udc", udc), result,
		       bound, err);
}

int client_unbind(const struct paths *paths, const char *name, enum client_result *result,
		  struct error *err)
{
	return ask_bus(paths, name, json_pack("{s:s}", "command", "unbind"), result, NULL, err);
}

/* Asks the supervisor: what sysfs says by itself may be about an earlier gadget (host.c). */
int client_wait_host(const struct paths *paths, const char *name, double seconds, struct error *err)
{
	json_t *command = json_pack("{s:s}", "command", "wait-host");
	double until = now_monotonic() + seconds;
	int r;

	/* Who was stopped and goes on is interrupted, too (signal(7)). */
	do
		r = control_wait(paths, name, command, until - now_monotonic(), err);
	while (r == -EINTR && !err->exit && !client_was_interrupted());
	json_decref(command);
	if (r < 0 && !err->exit && (r == -ETIMEDOUT || r == -EINTR))
		return error_set(err, EX_TEMPFAIL, ETIMEDOUT, NULL,
				 "%s: no host has configured the gadget within %g s; it stays up",
				 name, seconds);
	if (r < 0 && !err->exit)
		return error_set(err, EX_OSERR, ESRCH, NULL,
				 "%s: it went down before a host had configured it", name);
	return r;
}

/*
 * Where a supervisor begins: its directory, and those that lead to it as long as they have to be
 * made. From the top down, so that what is made meanwhile is seen from above.
 */
static void watch_beginning(int fd, const struct paths *paths, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s/", paths->run_dir, name);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO);
		*slash = '/';
	}
}

/* Whether something has happened there before the time is up. */
static bool await_beginning(int fd, double until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = poll(&p, 1, poll_until(until));

	if (r > 0)
		fd_drain(fd);
	return r != 0;
}

int client_wait(const struct paths *paths, const char *name, const char *condition, double seconds,
		struct error *err)
{
	json_t *command = json_pack("{s:s, s:s}", "command", "wait", "for", condition);
	_cleanup_close_ int fd = isfinite(seconds) ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
	double until = now_monotonic() + seconds;
	int r;

	for (;;) {
		/* Listen first, then look. */
		if (fd >= 0)
			watch_beginning(fd, paths, name);
		r = control_wait(paths, name, command, until - now_monotonic(), err);
		if (r == 0 || err->exit || r == -ETIMEDOUT)
			break;
		/* Who was stopped and goes on is interrupted, too: a time limit makes it so
		   (signal(7)). */
		if (r == -EINTR)
			continue;
		if (fd < 0 || !await_beginning(fd, until))
			break;
	}
	json_decref(command);
	if (r == 0 || err->exit)
		return r;
	if (r == -ETIMEDOUT)
		return error_set(err, EX_TEMPFAIL, ETIMEDOUT, NULL,
				 "'%s' is not %s after %g s; see 'ffsctl status %s'", name,
				 condition, seconds, name);
	client_no_supervisor(name, err);
	if (fd >= 0)
		err->exit = EX_TEMPFAIL;
	return -err->err;
}
