/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `down`. */
#include "client/client.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "client/inspect.h"
#include "client/internal.h"
#include "configfs/configfs.h"
#include "configfs/steps.h"
#include "rundir/control.h"

/* Maximum time to wait for the end of a supervisor that has answered "down", in milliseconds. */
#define SUPERVISOR_END_MS 1000

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

/* A `down` between two looks at the lock. */
struct down {
	const struct paths *paths;
	const char *name;
	enum client_down_scope scope;
	struct rundir rundir; /* DOWN_HAS_LOCK: with the lock */
	bool sent;	      /* a supervisor takes the gadget down, or was told to */
	enum client_result result;
};

/* What the functions below return, unless `down` ends: with 0, or with a negative errno and err. */
enum { DOWN_LOOK_AGAIN = 1, DOWN_HAS_LOCK };

/* The gadget has no supervisor: takes the lock. */
static int take_lock(struct down *d, struct error *err)
{
	int r = rundir_lock(&d->rundir, d->paths, d->name, OWNER_CLEARING, err);

	if (r != -EWOULDBLOCK)
		return r == 0 ? DOWN_HAS_LOCK : r;
	error_clear(err); /* another process took it first */
	return DOWN_LOOK_AGAIN;
}

static int down_without_lock(struct down *d, struct error *err)
{
	int r;

	if (d->sent)
		return 0;
	if (rundir_exists(d->paths, d->name) && !rundir_has_file(d->paths, d->name, RUNDIR_LOCK)) {
		r = down_without_lock_file(d->paths, d->name, err);
		d->sent = r == 0;
		if (r == 0)
			return DOWN_LOOK_AGAIN;
		return err->exit ? r : take_lock(d, err);
	}
	if (!down_without_run_dir(d->paths, d->name, d->scope, &d->result, err))
		return DOWN_LOOK_AGAIN; /* another process has run `up` in the meantime */
	return -err->errno_value;
}

/* With --group, users may be able to open the control socket but not the lock. */
static int down_without_access_to_lock(struct down *d, struct error *err)
{
	int r = send_down_request(d->paths, d->name, err);

	if (r == 0 || (err->exit && r != -EACCES))
		return r;
	error_clear(err);
	return error_cannot_take_down(d->name, -EACCES, err);
}

static int down_by_lock_owner(struct down *d, pid_t pid, enum lock_owner_role role,
			      struct error *err)
{
	_cleanup_close_ int owner = open_lock_owner_pidfd(d->paths, d->name, pid);
	int r = send_down_request(d->paths, d->name, err);
	/* With -ECONNRESET, it was taking the gadget down already. */
	bool sent = r == 0 || err->exit;

	if (r < 0 && err->exit && r != -ECONNRESET) {
		/* EX_OSERR: the supervisor could not undo all steps, and will end. */
		if (err->exit == EX_OSERR)
			wait_for_process_end(owner, SUPERVISOR_END_MS);
		return r;
	}
	if (!sent && !role_is_supervisor(role))
		return rundir_fail_in_use(d->name, pid, role, err);
	sent = sent || terminate_supervisor(role, owner);
	/*
	 * If the supervisor takes the gadget down, waits until the supervisor has ended. If the
	 * control socket does not exist, the supervisor is starting or ending: waits PLAN_SOON_MS
	 * and tries again.
	 */
	wait_for_process_end(owner, sent ? -1 : PLAN_SOON_MS);
	d->sent = d->sent || sent;
	error_clear(err);
	return DOWN_LOOK_AGAIN;
}

static int look_at_lock(struct down *d, struct error *err)
{
	enum lock_owner_role role;
	pid_t pid;
	int r = rundir_get_lock_owner(d->paths, d->name, &pid, &role);

	d->result = CLIENT_DONE;
	if (r == -ENOENT)
		return down_without_lock(d, err);
	if (r == -EACCES)
		return down_without_access_to_lock(d, err);
	if (r < 0)
		return error_cannot_take_down(d->name, r, err);
	return pid == 0 ? take_lock(d, err) : down_by_lock_owner(d, pid, role, err);
}

/* Undoes what the record says, with the lock. */
static int undo(struct down *d, struct error *err)
{
	if (record_of_applied_steps_is_missing(d->paths, d->name, d->scope)) {
		/* A supervisor that waited for a UDC has made nothing. */
		d->result = inspect_kernel_has_gadget(d->paths, d->name) ? CLIENT_FORCED
									 : CLIENT_UNCHANGED;
		return down_without_record(d->paths, d->name, d->scope, &d->rundir, err);
	}
	d->result = rundir_has_record(&d->rundir) ? CLIENT_CLEARED
		    : d->sent			  ? CLIENT_DONE
						  : CLIENT_UNCHANGED;
	return supervisor_undo_recorded_plan(d->paths, d->name, &d->rundir, err);
}

int client_down(const struct paths *paths, const char *name, enum client_down_scope scope,
		enum client_result *result, struct error *err)
{
	struct down d = { .paths = paths, .name = name, .scope = scope, .rundir = RUNDIR_NONE };
	int r;

	do
		r = look_at_lock(&d, err);
	while (r == DOWN_LOOK_AGAIN);
	if (r == DOWN_HAS_LOCK)
		r = undo(&d, err);
	*result = d.result;
	rundir_close(&d.rundir);
	return r;
}
