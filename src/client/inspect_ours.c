/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gadget with a run directory: its status file, compared with the kernel. This finds processes,
 * mounts, links and files that another program killed, unmounted or deleted (test_breakages.py).
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

/* What is known of the gadget besides its kernel state. */
struct source {
	bool has_file;	 /* a valid status file of the supervisor */
	bool supervised; /* it has a supervisor, or a command works on it */
};

static void set_degraded(struct gadget_status *gadget)
{
	if (gadget->state == STATUS_READY || gadget->state == STATUS_UNBOUND)
		gadget->state = STATUS_DEGRADED;
}

/* Returns whether the mount exists, also if it was mounted after `mounts` was read. */
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

/* Checks the symbolic link of a FunctionFS function. Kernel devices are added later. */
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

/* Sets the byte counts to null, because without a supervisor they are not updated. */
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

/* Checks the links in configurations: another program may have removed one while the gadget was
 * unbound.
 */
static void check_links(struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_links; i++) {
		if (path_exists(gadget->links[i]))
			continue;
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "the function's link %s was removed",
				    gadget->links[i]);
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
		      const struct source *source)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", kernel->udc);

	if (gadget->state == STATUS_STARTING)
		return;
	if (!kernel->exists) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "it was removed from configfs");
		return;
	}
	/* Only a status file has the expected UDC. */
	if (source->has_file)
		check_bound(gadget, kernel, source->supervised);
	if (*kernel->udc && !kernel->state && !path_exists(sysfs)) {
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "its UDC %s was removed", kernel->udc);
	}
}

/* --- files of the run directory --- */

/* Returns the text of the status file; NULL when it cannot be read. The caller frees it. */
static char *read_text(const struct paths *paths, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	char *text = NULL;
	size_t size;

	return rundir_read_text(paths, name, RUNDIR_STATUS, STATUS_MAX, &text, &size, &ignored) < 0
		       ? NULL
		       : text;
}

/* Returns whether the status is valid; it is empty if not. */
static bool parse_status(const char *text, struct gadget_status *gadget)
{
	_cleanup_error_ struct error ignored = { 0 };

	*gadget = (struct gadget_status){ 0 };
	if (text && status_parse(text, strlen(text), gadget, &ignored) == 0)
		return true;
	status_free(gadget);
	return false;
}

/* The files that exist while a gadget is up, and the consequence when one was removed. */
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

/* Reports removed files. `seen`: the files that were just read. */
static void check_run_files(struct gadget_status *gadget, const struct paths *paths,
			    const char *name, const bool *seen)
{
	for (size_t i = 0; i < RUN_FILE_COUNT; i++) {
		if (seen[i] || rundir_has(paths, name, run_files[i].file))
			continue;
		set_degraded(gadget);
		inspect_add_problem(gadget, PROBLEM_ERROR, "%s/%s/%s was removed: %s",
				    paths->run_dir, name, run_files[i].file,
				    run_files[i].consequence);
	}
}

/*
 * Uses the supervisor's value, because `state` in sysfs can be that of a previous gadget (host.c).
 */
static void correct_udc_state(struct gadget_status *gadget, const struct source *source)
{
	if (source->supervised && source->has_file && !gadget->configured &&
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
	status_forget_problems(gadget);
	if (!rundir_has(paths, name, RUNDIR_RECORD))
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

/* Returns the supervisor's pid from the status; 0 when that process is not an ffsctl. */
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

/* Finds the gadget's owner; returns whether the lock file exists. */
static bool find_owner(const struct paths *paths, const char *name,
		       const struct gadget_status *status, struct owner *owner)
{
	int r = rundir_owner(paths, name, &owner->pid, &owner->role);

	if (r == -EACCES || r == -ENOENT)
		owner->pid = find_owner_without_lock(paths, name, status);
	return r == 0;
}

/* Describes a gadget that has no valid status. */
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
		      const struct owner *owner, const bool *seen, const struct source *source,
		      struct gadget_status *gadget)
{
	struct inspect_kernel_state kernel = { 0 };

	inspect_kernel_state_read(paths, name, &kernel);
	if (!source->supervised)
		report_orphaned(gadget, paths, name);
	check_bus(gadget, &kernel, source);
	if (gadget->state != STATUS_STARTING) {
		check_links(gadget);
		for (size_t i = 0; i < gadget->n_functions; i++)
			check_function(gadget, &gadget->functions[i], mounts, source->supervised);
	}
	/* While a gadget comes up or goes down, some files do not exist. */
	if (source->supervised && gadget->state != STATUS_STARTING &&
	    (owner->role == OWNER_SUPERVISOR || (owner->role == OWNER_UNKNOWN && owner->pid > 0)))
		check_run_files(gadget, paths, name, seen);
	inspect_set_udc(gadget, &kernel);
	correct_udc_state(gadget, source);
	inspect_kernel_state_free(&kernel);
}

/* Returns whether there is a difference between the status and the kernel. */
static bool inspect_once(const struct paths *paths, const char *name, const char *mounts,
			 const char *text, struct gadget_status *gadget)
{
	struct source source = { .has_file = parse_status(text, gadget) };
	bool seen[RUN_FILE_COUNT] = { [RUN_FILE_STATUS] = text };
	struct owner owner = { 0 };
	size_t n_reported;

	seen[RUN_FILE_LOCK] = find_owner(paths, name, gadget, &owner);
	source.supervised = owner.pid != 0;
	/* The status is that of a dead supervisor whose gadget another process is clearing. */
	if (source.has_file && owner.pid && owner.pid != gadget->supervisor) {
		status_free(gadget);
		source.has_file = false;
	}
	if (!source.has_file)
		set_without_status(gadget, &owner);
	inspect_set_text(&gadget->name, name);
	n_reported = gadget->n_problems;
	check_all(paths, name, mounts, &owner, seen, &source, gadget);
	gadget->supervisor = owner.pid > 0 ? owner.pid : 0;
	inspect_add_kernel_devices(paths, name, gadget);
	return gadget->n_problems != n_reported;
}

#define RACES_MAX 1000 /* changes of the status meanwhile before the result is used anyway */

/*
 * Reports a difference between status and kernel only when the status has not changed meanwhile: a
 * supervisor writes its status before it changes something.
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
