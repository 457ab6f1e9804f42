/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out the state of a gadget with a run directory: compares its status file with the kernel.
 * Reports processes, mounts, links and files that another program has killed, unmounted or deleted
 * (test_breakages.py).
 */
#include "client/inspect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "client/inspect_parts.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define STATUS_MAX (4 * 1024 * 1024)

/* What is known about the gadget's supervisor. */
struct supervision {
	bool has_status; /* the run directory has a valid status file of this supervisor */
	bool supervised; /* the gadget has a supervisor, or a command is working on the gadget */
};

static void set_degraded(struct gadget_status *gadget)
{
	if (gadget->state == STATUS_READY || gadget->state == STATUS_UNBOUND)
		gadget->state = STATUS_DEGRADED;
}

/* Returns whether FunctionFS is mounted on `path`, also if that happened after reading `mounts`. */
static bool is_mounted(const char *mounts, const char *path, const char *instance)
{
	return mounts_have(mounts, path, FFS_FILE_SYSTEM, instance) ||
	       mount_find(path, FFS_FILE_SYSTEM, instance) == MOUNT_MATCH;
}

/* Returns whether the function's keeper waits for a takeover (--hold). */
static bool keeper_waits_for_takeover(const struct gadget_status *gadget,
				      const struct function_status *function)
{
	return gadget->held && function->keeper > 0 && process_alive(function->keeper);
}

static void check_mount(struct gadget_status *gadget, struct function_status *function,
			const char *mounts)
{
	if (!function->mount || is_mounted(mounts, function->mount, function->instance))
		return;
	set_degraded(gadget);
	inspect_add_problem(gadget, PROBLEM_ERROR, "%s: FunctionFS was unmounted from %s",
			    function->label, function->mount);
	inspect_set_text(&function->mount, NULL);
}

/*
 * Checks that the symbolic link of a FunctionFS function exists. inspect_add_kernel_devices adds
 * the devices of kernel functions later.
 */
static void check_device(struct gadget_status *gadget, struct function_status *function)
{
	if (!function->device || path_exists(function->device))
		return;
	set_degraded(gadget);
	inspect_add_problem(gadget, PROBLEM_ERROR, "%s: the link %s was removed", function->label,
			    function->device);
	inspect_set_text(&function->device, NULL);
}

static void check_keeper(struct gadget_status *gadget, struct function_status *function,
			 bool supervised)
{
	if (function->keeper <= 0 || process_alive(function->keeper))
		return;
	if (supervised) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "%s: its keeper (pid %d) has ended",
				    function->label, (int)function->keeper);
	}
	function->keeper = 0;
}

static void check_worker(struct gadget_status *gadget, struct function_status *function,
			 bool supervised)
{
	struct worker_status *worker = &function->worker;
	bool dead = worker->pid > 0 && !process_alive(worker->pid);

	if (!function->has_worker)
		return;
	if (dead && supervised) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_WARNING, "%s: its worker (pid %d) has ended",
				    function->label, (int)worker->pid);
	}
	if (dead ||
	    (!supervised && (worker->pid <= 0 || !keeper_waits_for_takeover(gadget, function)))) {
		worker->state = STATUS_WORKER_STOPPED;
		worker->ready_since = 0;
	}
	if (dead)
		worker->pid = 0;
}

/* Sets the byte counts to unknown, because without a supervisor nothing updates them. */
static void set_bytes_unknown(struct function_status *function)
{
	for (size_t i = 0; i < function->n_endpoints; i++)
		function->endpoints[i].bytes = -1;
}

static void check_function(struct gadget_status *gadget, struct function_status *function,
			   const char *mounts, bool supervised)
{
	check_mount(gadget, function, mounts);
	check_device(gadget, function);
	check_worker(gadget, function, supervised);
	check_keeper(gadget, function, supervised);
	if (!supervised)
		set_bytes_unknown(function);
}

/*
 * Checks that the links in configurations exist: while the gadget is unbound, another program may
 * remove them.
 */
static void check_links(struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_configfs_links; i++) {
		if (path_exists(gadget->configfs_links[i]))
			continue;
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "the function's link %s was removed",
				    gadget->configfs_links[i]);
	}
}

/* --- bus --- */

static void check_bound(struct gadget_status *gadget, const struct inspect_kernel_state *kernel,
			bool supervised)
{
	if (gadget->udc && *kernel->udc == '\0') {
		if (!supervised || gadget->no_bind || gadget->lost ||
		    (gadget->state != STATUS_READY && gadget->state != STATUS_DEGRADED))
			return; /* the supervisor reports why it is unbound */
		if (gadget->state == STATUS_READY)
			gadget->state = STATUS_UNBOUND;
		inspect_add_problem(gadget, PROBLEM_ERROR,
				    "another program unbound it from its UDC %s", gadget->udc);
	} else if (*kernel->udc && !streq_null(gadget->udc, kernel->udc)) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_WARNING, "another program bound it to %s",
				    kernel->udc);
	} else if (*kernel->udc && gadget->state == STATUS_UNBOUND) {
		gadget->state = STATUS_READY; /* the supervisor is about to write it */
	}
}

static void check_bus(struct gadget_status *gadget, const struct inspect_kernel_state *kernel,
		      const struct supervision *supervision)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", kernel->udc);

	if (gadget->state == STATUS_STARTING)
		return;
	if (!kernel->exists) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "it was removed from configfs");
		return;
	}
	/* Without a status file the expected UDC is unknown. */
	if (supervision->has_status)
		check_bound(gadget, kernel, supervision->supervised);
	if (*kernel->udc && !kernel->state && !path_exists(sysfs)) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "its UDC %s was removed", kernel->udc);
	}
}

/* --- files of the run directory --- */

/* Returns the text of the status file; NULL: it cannot be read. The caller frees it. */
static char *read_text(const struct paths *paths, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	char *text = NULL;
	size_t size;

	return rundir_read_text(paths, name, RUNDIR_STATUS, STATUS_MAX, &text, &size, &ignored) < 0
		       ? NULL
		       : text;
}

/* Parses the status. Returns whether it is valid; if not, *gadget is empty. */
static bool parse_status(const char *text, struct gadget_status *gadget)
{
	_cleanup_error_ struct error ignored = { 0 };

	*gadget = (struct gadget_status){ 0 };
	if (text && status_parse(text, strlen(text), gadget, &ignored) == 0)
		return true;
	status_free(gadget);
	return false;
}

/* The files that exist while a gadget is up, and what does not work if a file was removed. */
enum { RUN_FILE_LOCK, RUN_FILE_RECORD, RUN_FILE_STATUS, RUN_FILE_CONTROL, RUN_FILE_COUNT };
static const struct {
	const char *file;
	const char *consequence;
} run_files[RUN_FILE_COUNT] = {
	[RUN_FILE_LOCK] = { RUNDIR_LOCK, "only 'ffsctl down' finds its supervisor" },
	[RUN_FILE_RECORD] = { RUNDIR_RECORD, "if its supervisor dies, its steps cannot be undone" },
	[RUN_FILE_STATUS] = { RUNDIR_STATUS, "its state is unknown until the next change" },
	[RUN_FILE_CONTROL] = { RUNDIR_CONTROL, "only 'ffsctl down' reaches its supervisor" },
};

/* Reports removed files. `seen` is true for files that were just read. */
static void check_run_files(struct gadget_status *gadget, const struct paths *paths,
			    const char *name, const bool *seen)
{
	for (size_t i = 0; i < RUN_FILE_COUNT; i++) {
		if (seen[i] || rundir_has_file(paths, name, run_files[i].file))
			continue;
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "%s/%s/%s was removed: %s",
				    paths->run_dir, name, run_files[i].file,
				    run_files[i].consequence);
	}
}

/*
 * Corrects a UDC state "configured" if the supervisor knows that no host has configured the gadget:
 * `state` in sysfs can be the state of a previous gadget (host.c).
 */
static void correct_udc_state(struct gadget_status *gadget, const struct supervision *supervision)
{
	if (supervision->supervised && supervision->has_status && !gadget->configured &&
	    streq_null(gadget->udc_state, "configured")) {
		inspect_set_text(&gadget->udc_state, "attached");
		inspect_set_text(&gadget->speed, NULL);
	}
}

static bool any_keeper_waits_for_takeover(const struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_functions; i++)
		if (keeper_waits_for_takeover(gadget, &gadget->functions[i]))
			return true;
	return false;
}

static void report_orphaned(struct gadget_status *gadget, const struct paths *paths,
			    const char *name)
{
	gadget->state = STATUS_DEGRADED;
	status_clear_problems(gadget);
	if (!rundir_has_file(paths, name, RUNDIR_RECORD))
		inspect_add_problem(
			gadget, PROBLEM_ERROR,
			"its supervisor has ended, and %s/%s/" RUNDIR_RECORD
			" was removed: 'ffsctl down --force %s' removes what it has made",
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

/* Returns the supervisor's pid from the status; 0: that process has ended or is not ffsctl. */
static pid_t owner_from_status(const struct gadget_status *status)
{
	_cleanup_free_ char *program = NULL;

	if (status->supervisor <= 0 || !process_alive(status->supervisor))
		return 0;
	program = process_name(status->supervisor);
	return streq(program, "ffsctl") ? status->supervisor : 0;
}

static pid_t find_owner_without_lock(const struct paths *paths, const char *name,
				     const struct gadget_status *status)
{
	pid_t pid = control_listener_pid(paths, name);

	return pid > 0 ? pid : owner_from_status(status);
}

pid_t inspect_supervisor(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *text = read_text(paths, name);
	struct gadget_status status;
	pid_t pid;

	parse_status(text, &status);
	pid = find_owner_without_lock(paths, name, &status);
	status_free(&status);
	return pid;
}

struct owner {
	pid_t pid; /* 0: none, -1: not known yet */
	enum owner_role role;
};

/* Finds the process that owns the gadget's lock. Returns whether the lock file could be read. */
static bool find_owner(const struct paths *paths, const char *name,
		       const struct gadget_status *status, struct owner *owner)
{
	int r = rundir_get_lock_owner(paths, name, &owner->pid, &owner->role);

	if (r == -EACCES || r == -ENOENT)
		owner->pid = find_owner_without_lock(paths, name, status);
	return r == 0;
}

/* Sets the state of a gadget that has no valid status file. */
static void set_without_status(struct gadget_status *gadget, const struct owner *owner)
{
	if (owner->pid && owner->role == OWNER_STARTING) {
		gadget->state = STATUS_STARTING;
		return;
	}
	gadget->state = STATUS_DEGRADED;
	if (owner->pid > 0 && owner->role != OWNER_UNKNOWN && owner->role != OWNER_SUPERVISOR)
		inspect_add_problem(gadget, PROBLEM_ERROR, "'%s' (pid %d) is working on it",
				    owner_words[owner->role], (int)owner->pid);
	else if (owner->pid)
		inspect_add_problem(gadget, PROBLEM_ERROR, "its status cannot be read");
}

static void check_all(const struct paths *paths, const char *name, const char *mounts,
		      const struct owner *owner, const bool *seen,
		      const struct supervision *supervision, struct gadget_status *gadget)
{
	struct inspect_kernel_state kernel = { 0 };

	inspect_kernel_state_read(paths, name, &kernel);
	if (!supervision->supervised)
		report_orphaned(gadget, paths, name);
	check_bus(gadget, &kernel, supervision);
	if (gadget->state != STATUS_STARTING) {
		check_links(gadget);
		for (size_t i = 0; i < gadget->n_functions; i++)
			check_function(gadget, &gadget->functions[i], mounts,
				       supervision->supervised);
	}
	/* While a gadget comes up or goes down, some files do not exist. */
	if (supervision->supervised && gadget->state != STATUS_STARTING &&
	    (owner->role == OWNER_SUPERVISOR || (owner->role == OWNER_UNKNOWN && owner->pid > 0)))
		check_run_files(gadget, paths, name, seen);
	inspect_set_udc(gadget, &kernel);
	correct_udc_state(gadget, supervision);
	inspect_kernel_state_free(&kernel);
}

/* Finds out the state once. Returns whether the status and the kernel differ. */
static bool inspect_once(const struct paths *paths, const char *name, const char *mounts,
			 const char *text, struct gadget_status *gadget)
{
	struct supervision supervision = { .has_status = parse_status(text, gadget) };
	bool seen[RUN_FILE_COUNT] = { [RUN_FILE_STATUS] = text };
	struct owner owner = { 0 };
	size_t n_reported;

	seen[RUN_FILE_LOCK] = find_owner(paths, name, gadget, &owner);
	supervision.supervised = owner.pid != 0;
	/* A dead supervisor wrote the status, and another process is undoing the gadget now. */
	if (supervision.has_status && owner.pid && owner.pid != gadget->supervisor) {
		status_free(gadget);
		supervision.has_status = false;
	}
	if (!supervision.has_status)
		set_without_status(gadget, &owner);
	inspect_set_text(&gadget->name, name);
	n_reported = gadget->n_problems;
	check_all(paths, name, mounts, &owner, seen, &supervision, gadget);
	gadget->supervisor = owner.pid > 0 ? owner.pid : 0;
	inspect_add_kernel_devices(paths, name, gadget);
	return gadget->n_problems != n_reported;
}

#define RACES_MAX 1000 /* maximum of attempts; the result of the last one is used in any case */

/*
 * If the status and the kernel differ, and the status file has changed meanwhile, tries again: the
 * supervisor writes its status before it changes something in the kernel.
 */
bool inspect_our_gadget(const struct paths *paths, const char *name, const char *mounts,
			struct gadget_status *gadget)
{
	_cleanup_free_ char *text = read_text(paths, name);

	/* The gadget went down meanwhile. */
	if (!text && !rundir_exists(paths, name))
		return false;
	for (int i = 0;; i++) {
		bool found_new = inspect_once(paths, name, mounts, text, gadget);
		_cleanup_free_ char *again = found_new ? read_text(paths, name) : NULL;

		if (!found_new || streq_null(text, again) || i == RACES_MAX)
			return true;
		status_free(gadget);
		free(text);
		text = steal_ptr(again);
	}
}
