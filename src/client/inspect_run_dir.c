/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out the state of a gadget that has a run directory. Compares the status file with the state
 * in the kernel. Reports processes that were killed, FunctionFS that was unmounted, and links and
 * files that were deleted (test_breakages.py).
 */
#include "client/inspect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "client/inspect_common.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"
#include "functionfs/mount_point.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define STATUS_MAX (4 * 1024 * 1024)

/* What is known about the gadget's supervisor. */
struct supervision_state {
	bool has_valid_status; /* the run directory has a valid status file of this supervisor */
	bool has_lock_owner;   /* a supervisor or a command owns the gadget's lock */
};

static void set_gadget_degraded(struct gadget_status *gadget)
{
	if (gadget->state == STATUS_READY || gadget->state == STATUS_UNBOUND)
		gadget->state = STATUS_DEGRADED;
}

/* Returns whether FunctionFS is mounted on `path`, in `mounts` or in the kernel's current list. */
static bool is_mounted(const char *mounts, const char *path, const char *instance)
{
	return mounts_have(mounts, path, FFS_FILE_SYSTEM, instance) ||
	       mount_state_at(path, FFS_FILE_SYSTEM, instance) == MOUNT_MATCH;
}

/* Returns whether the function's keeper is alive and waits for a takeover (--hold). */
static bool keeper_waits_for_takeover(const struct gadget_status *gadget,
				      const struct function_status *function)
{
	return gadget->held && function->keeper > 0 && process_alive(function->keeper);
}

/* Returns what users must do if another program has unmounted the function's FunctionFS. */
static char *how_to_mount_again(const struct gadget_status *gadget,
				const struct function_status *function)
{
	return function->restart_mounts ? strf("the next start of its worker mounts it again, see "
					       "'ffsctl restart %s %s'",
					       gadget->name, function->label)
					: xstrdup("take the gadget down, then up");
}

static void compare_mount_with_kernel(struct gadget_status *gadget,
				      struct function_status *function, const struct paths *paths,
				      const char *mounts)
{
	_cleanup_free_ char *cover = function->mount
					     ? ffs_find_cover(paths, mounts, function->mount,
							      function->instance)
					     : NULL,
			    *remedy = NULL;

	if (!function->mount || (!cover && is_mounted(mounts, function->mount, function->instance)))
		return;
	set_gadget_degraded(gadget);
	if (cover) {
		inspect_add_problem(gadget, PROBLEM_ERROR, "%s: FunctionFS on %s is hidden by %s",
				    function->label, function->mount, cover);
		return;
	}
	remedy = how_to_mount_again(gadget, function);
	inspect_add_problem(gadget, PROBLEM_ERROR, "%s: FunctionFS was unmounted from %s: %s",
			    function->label, function->mount, remedy);
	inspect_replace_text(&function->mount, NULL);
}

/*
 * Checks that the symbolic link of a FunctionFS function exists. Kernel functions have no device in
 * the status yet: inspect_add_kernel_devices adds it later.
 */
static void check_device_symlink_exists(struct gadget_status *gadget,
					struct function_status *function)
{
	if (!function->device || path_exists(function->device))
		return;
	set_gadget_degraded(gadget);
	inspect_add_problem(gadget, PROBLEM_ERROR, "%s: the link %s was removed", function->label,
			    function->device);
	inspect_replace_text(&function->device, NULL);
}

static void compare_keeper_with_process_table(struct gadget_status *gadget,
					      struct function_status *function, bool has_lock_owner)
{
	if (function->keeper <= 0 || process_alive(function->keeper))
		return;
	if (has_lock_owner) {
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "%s: its keeper (pid %d) has ended",
				    function->label, (int)function->keeper);
	}
	function->keeper = 0;
}

static void compare_worker_with_process_table(struct gadget_status *gadget,
					      struct function_status *function, bool has_lock_owner)
{
	struct worker_status *worker = &function->worker;
	bool dead = worker->pid > 0 && !process_alive(worker->pid);

	if (!function->has_worker)
		return;
	if (dead && has_lock_owner) {
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_WARNING, "%s: its worker (pid %d) has ended",
				    function->label, (int)worker->pid);
	}
	if (dead || (!has_lock_owner &&
		     (worker->pid <= 0 || !keeper_waits_for_takeover(gadget, function)))) {
		worker->state = STATUS_WORKER_STOPPED;
		worker->ready_since = 0;
	}
	if (dead)
		worker->pid = 0;
}

/* Sets the byte counts to unknown: without a supervisor, no process updates them. */
static void set_byte_counts_unknown(struct function_status *function)
{
	for (size_t i = 0; i < function->n_endpoints; i++)
		function->endpoints[i].bytes = -1;
}

static void compare_function_with_kernel(struct gadget_status *gadget,
					 struct function_status *function,
					 const struct paths *paths, const char *mounts,
					 bool has_lock_owner)
{
	compare_mount_with_kernel(gadget, function, paths, mounts);
	check_device_symlink_exists(gadget, function);
	compare_worker_with_process_table(gadget, function, has_lock_owner);
	compare_keeper_with_process_table(gadget, function, has_lock_owner);
	if (!has_lock_owner)
		set_byte_counts_unknown(function);
}

/*
 * Checks that the links to functions in configurations exist. Another program can remove them while
 * the gadget is unbound.
 */
static void check_symlinks_to_functions(struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_configfs_symlinks; i++) {
		if (path_exists(gadget->configfs_symlinks[i]))
			continue;
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "the function's link %s was removed",
				    gadget->configfs_symlinks[i]);
	}
}

/* --- bus --- */

/*
 * Returns whether the status may be older than the unbind, and a daemon may have caused it: the
 * supervisor decides that next (supervisor/binding_in_kernel.c). Only a daemon's function has a
 * mount and no endpoints.
 */
static bool unbind_may_be_of_daemon(const struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_functions && !gadget->taken; i++)
		if (gadget->functions[i].mount && gadget->functions[i].n_endpoints == 0)
			return true;
	return false;
}

static void correct_status_if_kernel_binding_differs(struct gadget_status *gadget,
						     const struct inspect_kernel_state *kernel,
						     bool has_lock_owner)
{
	if (gadget->udc && *kernel->bound_udc == '\0') {
		if (!has_lock_owner || gadget->no_bind || gadget->lost ||
		    (gadget->state != STATUS_READY && gadget->state != STATUS_DEGRADED))
			return; /* the status file already shows why the gadget is not bound */
		if (gadget->state == STATUS_READY)
			gadget->state = STATUS_UNBOUND;
		if (unbind_may_be_of_daemon(gadget))
			inspect_add_problem(gadget, PROBLEM_ERROR, "it was unbound from its UDC %s",
					    gadget->udc);
		else
			inspect_add_problem(gadget, PROBLEM_ERROR,
					    "another program unbound it from its UDC %s",
					    gadget->udc);
	} else if (*kernel->bound_udc && !streq_null(gadget->udc, kernel->bound_udc)) {
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_WARNING, "another program bound it to %s",
				    kernel->bound_udc);
	} else if (*kernel->bound_udc && gadget->state == STATUS_UNBOUND) {
		gadget->state = STATUS_READY; /* the supervisor has not written this state yet */
	}
}

static void add_problems_of_binding(struct gadget_status *gadget,
				    const struct inspect_kernel_state *kernel,
				    const struct supervision_state *supervision)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", kernel->bound_udc);

	if (gadget->state == STATUS_STARTING)
		return;
	if (!kernel->has_configfs_directory) {
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "the gadget was removed from configfs");
		return;
	}
	/* The expected UDC is only known from the status file. */
	if (supervision->has_valid_status)
		correct_status_if_kernel_binding_differs(gadget, kernel,
							 supervision->has_lock_owner);
	if (*kernel->bound_udc && !kernel->udc_state && !path_exists(sysfs)) {
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "its UDC %s was removed",
				    kernel->bound_udc);
	}
}

/* --- files of the run directory --- */

/* Returns the text of the status file; NULL: it cannot be read. The caller frees it. */
static char *read_status_text(const struct paths *paths, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	char *text = NULL;
	size_t size;

	return rundir_read_text(paths, name, RUNDIR_STATUS, STATUS_MAX, &text, &size, &ignored) < 0
		       ? NULL
		       : text;
}

/* Parses the text of a status file. Returns whether it is valid; if not, *gadget is empty. */
static bool parse_status(const char *text, struct gadget_status *gadget)
{
	_cleanup_error_ struct error ignored = { 0 };

	*gadget = (struct gadget_status){ 0 };
	if (text && status_parse(text, strlen(text), gadget, &ignored) == 0)
		return true;
	status_free(gadget);
	return false;
}

/* The files that exist while a gadget is up, and the consequence of removing each of them. */
enum { RUN_FILE_LOCK, RUN_FILE_RECORD, RUN_FILE_STATUS, RUN_FILE_CONTROL, RUN_FILE_COUNT };
static const struct {
	const char *file;
	const char *consequence;
} run_files[RUN_FILE_COUNT] = {
	[RUN_FILE_LOCK] = { RUNDIR_LOCK, "'ffsctl up' can no longer find the gadget's "
					 "supervisor, but 'ffsctl down' can" },
	[RUN_FILE_RECORD] = { RUNDIR_RECORD,
			      "if the gadget's supervisor dies, its steps cannot be undone" },
	[RUN_FILE_STATUS] = { RUNDIR_STATUS, "the gadget's state is unknown until its supervisor "
					     "writes this file again" },
	[RUN_FILE_CONTROL] = { RUNDIR_CONTROL,
			       "no command except 'ffsctl down' reaches the gadget's supervisor" },
};

/*
 * Adds a problem for each file of the run directory that was removed. `was_read`: for each file,
 * whether it was read just now and so exists.
 */
static void add_problems_of_removed_files(struct gadget_status *gadget, const struct paths *paths,
					  const char *name, const bool *was_read)
{
	for (size_t i = 0; i < RUN_FILE_COUNT; i++) {
		if (was_read[i] || rundir_has_file(paths, name, run_files[i].file))
			continue;
		set_gadget_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "%s/%s/%s was removed: %s",
				    paths->run_dir, name, run_files[i].file,
				    run_files[i].consequence);
	}
}

/*
 * Replaces the UDC state "configured" if the supervisor knows better: no host has configured the
 * gadget, as `state` in sysfs can still be the state of a previous gadget (supervisor/usb_host.c);
 * or the host has suspended it, which few UDC drivers show there.
 */
static void correct_configured_state(struct gadget_status *gadget,
				     const struct supervision_state *supervision)
{
	if (!supervision->has_lock_owner || !supervision->has_valid_status ||
	    !streq_null(gadget->udc_state, "configured"))
		return;
	if (!gadget->configured) {
		inspect_replace_text(&gadget->udc_state, "attached");
		inspect_replace_text(&gadget->speed, NULL);
	} else if (gadget->suspended) {
		inspect_replace_text(&gadget->udc_state, "suspended");
	}
}

/* A supervisor that has ended cannot know what its status file says. */
static void forget_evidence_of_dead_supervisor(struct gadget_status *gadget,
					       const struct supervision_state *supervision)
{
	if (!supervision->has_lock_owner)
		inspect_replace_text(&gadget->configured_by, NULL);
}

static bool any_keeper_waits_for_takeover(const struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_functions; i++)
		if (keeper_waits_for_takeover(gadget, &gadget->functions[i]))
			return true;
	return false;
}

struct mount_search {
	const char *gadget_name;
	bool found;
};

static void find_mount_of_gadget(void *data, const char *path, const char *source _unused_)
{
	struct mount_search *search = data;

	search->found = search->found || inspect_mount_is_of_gadget(path, search->gadget_name);
}

/* Returns whether configfs or the mounts still show something of the gadget. */
static bool kernel_shows_gadget(const char *name, const char *mounts,
				const struct inspect_kernel_state *kernel)
{
	struct mount_search search = { .gadget_name = name,
				       .found = kernel->has_configfs_directory };

	mounts_each(mounts, FFS_FILE_SYSTEM, find_mount_of_gadget, &search);
	return search.found;
}

static void report_dead_supervisor(struct gadget_status *gadget, const struct paths *paths,
				   const char *name, bool something_is_left)
{
	gadget->state = STATUS_DEGRADED;
	status_clear_problems(gadget);
	if (!rundir_has_file(paths, name, RUNDIR_RECORD) && !something_is_left)
		inspect_add_problem(gadget, PROBLEM_ERROR,
				    "its supervisor has ended, and only %s/%s is left: 'ffsctl "
				    "down %s' removes it, 'ffsctl up' starts again",
				    paths->run_dir, name, name);
	else if (!rundir_has_file(paths, name, RUNDIR_RECORD))
		inspect_add_problem(gadget, PROBLEM_ERROR,
				    "its supervisor has ended, and %s/%s/" RUNDIR_RECORD
				    " was removed: 'ffsctl down --force %s' removes what the "
				    "supervisor has made",
				    paths->run_dir, name, name);
	else if (any_keeper_waits_for_takeover(gadget))
		inspect_add_problem(
			gadget, PROBLEM_ERROR,
			"its supervisor has ended; its workers continue for a while: 'ffsctl up' "
			"takes them over, 'ffsctl down %s' removes everything",
			name);
	else
		inspect_add_problem(
			gadget, PROBLEM_ERROR,
			"its supervisor has ended; 'ffsctl down %s' removes what is left, "
			"'ffsctl up' starts again",
			name);
}

/* Returns the supervisor's pid in `status`; 0: that process has ended, or is not ffsctl. */
static pid_t find_supervisor_in_status(const struct gadget_status *status)
{
	_cleanup_free_ char *program = NULL;

	if (status->supervisor <= 0 || !process_alive(status->supervisor))
		return 0;
	program = process_name(status->supervisor);
	return streq(program, "ffsctl") ? status->supervisor : 0;
}

static pid_t find_supervisor_by_socket_or_status(const struct paths *paths, const char *name,
						 const struct gadget_status *status)
{
	pid_t pid = control_listener_pid(paths, name);

	return pid > 0 ? pid : find_supervisor_in_status(status);
}

pid_t inspect_find_supervisor(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *text = read_status_text(paths, name);
	struct gadget_status status;
	pid_t pid;

	parse_status(text, &status);
	pid = find_supervisor_by_socket_or_status(paths, name, &status);
	status_free(&status);
	return pid;
}

struct gadget_lock_owner {
	pid_t pid; /* 0: no process; -1: a process that has not written its pid yet */
	enum lock_owner_role role;
};

/*
 * Stores the process that owns the gadget's lock, and returns true. Returns false if the lock file
 * cannot be read. If the file was removed, or this user may not read it, stores the supervisor that
 * the control socket or the status file shows.
 */
static bool find_lock_owner(const struct paths *paths, const char *name,
			    const struct gadget_status *status, struct gadget_lock_owner *owner)
{
	int r = rundir_get_lock_owner(paths, name, &owner->pid, &owner->role);

	if (r == -EACCES || r == -ENOENT)
		owner->pid = find_supervisor_by_socket_or_status(paths, name, status);
	return r == 0;
}

/* Sets the state of a gadget that has no valid status file. */
static void set_state_without_status(struct gadget_status *gadget,
				     const struct gadget_lock_owner *owner)
{
	if (owner->pid && owner->role == OWNER_STARTING) {
		gadget->state = STATUS_STARTING;
		return;
	}
	gadget->state = STATUS_DEGRADED;
	if (owner->pid > 0 && owner->role != OWNER_UNKNOWN && owner->role != OWNER_SUPERVISOR)
		inspect_add_problem(gadget, PROBLEM_ERROR, "'%s' (pid %d) is changing the gadget",
				    lock_owner_role_words[owner->role], (int)owner->pid);
	else if (owner->pid)
		inspect_add_problem(gadget, PROBLEM_ERROR, "its status cannot be read");
}

static void compare_with_kernel(const struct paths *paths, const char *name, const char *mounts,
				const struct gadget_lock_owner *owner, const bool *was_read,
				const struct supervision_state *supervision,
				struct gadget_status *gadget)
{
	struct inspect_kernel_state kernel = { 0 };

	inspect_kernel_state_read(paths, name, &kernel);
	if (!supervision->has_lock_owner)
		report_dead_supervisor(gadget, paths, name,
				       kernel_shows_gadget(name, mounts, &kernel));
	add_problems_of_binding(gadget, &kernel, supervision);
	if (gadget->state != STATUS_STARTING) {
		check_symlinks_to_functions(gadget);
		for (size_t i = 0; i < gadget->n_functions; i++)
			compare_function_with_kernel(gadget, &gadget->functions[i], paths, mounts,
						     supervision->has_lock_owner);
	}
	/* While a gadget comes up or goes down, some of the files do not exist. */
	if (supervision->has_lock_owner && gadget->state != STATUS_STARTING &&
	    (owner->role == OWNER_SUPERVISOR || (owner->role == OWNER_UNKNOWN && owner->pid > 0)))
		add_problems_of_removed_files(gadget, paths, name, was_read);
	inspect_set_udc_state(gadget, &kernel);
	correct_configured_state(gadget, supervision);
	forget_evidence_of_dead_supervisor(gadget, supervision);
	inspect_kernel_state_free(&kernel);
}

/*
 * Finds out the gadget's state from `text`, the text of its status file, and from the kernel.
 * Returns whether the kernel's state differs from the status.
 */
static bool inspect_from_status_text(const struct paths *paths, const char *name,
				     const char *mounts, const char *text,
				     struct gadget_status *gadget)
{
	struct supervision_state supervision = { .has_valid_status = parse_status(text, gadget) };
	bool was_read[RUN_FILE_COUNT] = { [RUN_FILE_STATUS] = text };
	struct gadget_lock_owner owner = { 0 };
	size_t n_reported;

	was_read[RUN_FILE_LOCK] = find_lock_owner(paths, name, gadget, &owner);
	supervision.has_lock_owner = owner.pid != 0;
	/* The supervisor that wrote the status has died; another process undoes the gadget. */
	if (supervision.has_valid_status && owner.pid && owner.pid != gadget->supervisor) {
		status_free(gadget);
		supervision.has_valid_status = false;
	}
	n_reported = gadget->n_problems;
	if (!supervision.has_valid_status)
		set_state_without_status(gadget, &owner);
	inspect_replace_text(&gadget->name, name);
	compare_with_kernel(paths, name, mounts, &owner, was_read, &supervision, gadget);
	gadget->supervisor = owner.pid > 0 ? owner.pid : 0;
	inspect_add_kernel_devices(paths, name, gadget);
	return gadget->n_problems != n_reported;
}

#define ATTEMPTS_MAX 1000 /* the result of the last attempt is used in any case */

/*
 * Tries again if the kernel's state differs from the status and the status file has been replaced
 * since it was read. The supervisor writes the status before it changes something in the kernel.
 */
bool inspect_gadget_with_run_dir(const struct paths *paths, const char *name, const char *mounts,
				 struct gadget_status *gadget)
{
	_cleanup_free_ char *text = read_status_text(paths, name);

	/* The gadget has gone down since the run directories were listed. */
	if (!text && !rundir_exists(paths, name))
		return false;
	for (int i = 0;; i++) {
		bool found_new = inspect_from_status_text(paths, name, mounts, text, gadget);
		_cleanup_free_ char *again = found_new ? read_status_text(paths, name) : NULL;

		if (!found_new || streq_null(text, again) || i == ATTEMPTS_MAX)
			return true;
		status_free(gadget);
		free(text);
		text = steal_ptr(again);
	}
}
