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
#include "base/json.h"
#include "base/proc.h"
#include "client/inspect_parts.h"
#include "configfs/configfs.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"
#include "rundir/control.h"
#include "rundir/rundir.h"

#define STATUS_MAX (4 * 1024 * 1024)

/* Keys of the status file that are for this file only; `status` does not print them. */
static const char *const internal[] = { "configured", "held", "links", "lost", "no_bind", "taken" };

static void set_state(json_t *gadget, const char *state)
{
	json_object_set_new(gadget, "state", json_string(state));
}

static bool is_state(const json_t *gadget, const char *state)
{
	return streq_null(json_text(gadget, "state", NULL), state);
}

static void set_degraded(json_t *gadget)
{
	if (is_state(gadget, "ready") || is_state(gadget, "unbound"))
		set_state(gadget, "degraded");
}

/* Returns whether the mount exists, also if it was mounted after `mounts` was read. */
static bool is_mounted(const char *mounts, const char *path, const char *instance)
{
	return mounts_have(mounts, path, FFS_FILE_SYSTEM, instance) ||
	       mount_find(path, FFS_FILE_SYSTEM, instance) == MOUNT_MATCH;
}

/* Returns whether the function's keeper waits for a takeover (--hold). */
static bool keeper_lingers(const json_t *gadget, const json_t *function)
{
	pid_t keeper = (pid_t)json_integer_value(json_object_get(function, "keeper"));

	return json_is_true(json_object_get(gadget, "held")) && keeper > 0 && process_alive(keeper);
}

/* Sets a value that is no longer true to null. */
static void set_null(json_t *object, const char *key)
{
	json_object_set_new(object, key, json_null());
}

static void check_mount(json_t *gadget, json_t *function, const char *mounts)
{
	const char *mount = json_text(function, "mount", NULL);

	if (!mount || is_mounted(mounts, mount, json_text(function, "instance", NULL)))
		return;
	set_degraded(gadget);
	inspect_add_problem(gadget, "error", "%s: FunctionFS was unmounted from %s",
			    json_text(function, "label", NULL), mount);
	set_null(function, "mount");
}

/* Checks the symbolic link of a FunctionFS function. Kernel devices are added later. */
static void check_device(json_t *gadget, json_t *function)
{
	const char *device = json_text(function, "device", NULL);

	if (!device || path_exists(device))
		return;
	set_degraded(gadget);
	inspect_add_problem(gadget, "error", "%s: the link %s was removed",
			    json_text(function, "label", NULL), device);
	set_null(function, "device");
}

static void check_keeper(json_t *gadget, json_t *function, bool supervised)
{
	pid_t keeper = (pid_t)json_integer_value(json_object_get(function, "keeper"));

	if (keeper <= 0 || process_alive(keeper))
		return;
	if (supervised) {
		set_degraded(gadget);
		inspect_add_problem(gadget, "error", "%s: its keeper (pid %d) has ended",
				    json_text(function, "label", NULL), (int)keeper);
	}
	set_null(function, "keeper");
}

static void check_worker(json_t *gadget, const json_t *function, bool supervised)
{
	json_t *worker = json_object_get(function, "worker");
	pid_t pid = (pid_t)json_integer_value(json_object_get(worker, "pid"));
	bool dead = pid > 0 && !process_alive(pid);

	if (!json_is_object(worker))
		return;
	if (dead && supervised) {
		set_degraded(gadget);
		inspect_add_problem(gadget, "warning", "%s: its worker (pid %d) has ended",
				    json_text(function, "label", NULL), (int)pid);
	}
	if (dead)
		set_null(worker, "pid");
	if (dead || (!supervised && (pid <= 0 || !keeper_lingers(gadget, function)))) {
		json_object_set_new(worker, "state", json_string("stopped"));
		set_null(worker, "ready_since");
	}
}

/* Sets the byte counts to null, because without a supervisor they are not updated. */
static void set_bytes_null(const json_t *function)
{
	json_t *endpoint;
	size_t i;

	json_array_foreach(json_object_get(function, "endpoints"), i, endpoint)
		set_null(endpoint, "bytes");
}

static void check_function(json_t *gadget, json_t *function, const char *mounts, bool supervised)
{
	check_mount(gadget, function, mounts);
	check_device(gadget, function);
	check_worker(gadget, function, supervised);
	check_keeper(gadget, function, supervised);
	if (!supervised)
		set_bytes_null(function);
}

/* Checks the links in configurations: another program may have removed one while the gadget was
 * unbound.
 */
static void check_links(json_t *gadget)
{
	const json_t *link;
	size_t i;

	json_array_foreach(json_object_get(gadget, "links"), i, link) {
		const char *path = json_string_value(link);

		if (!path || path_exists(path))
			continue;
		set_degraded(gadget);
		inspect_add_problem(gadget, "error", "the function's link %s was removed", path);
	}
}

/* --- bus --- */

static void check_bound(json_t *gadget, const struct inspect_kernel_state *kernel, bool supervised)
{
	const char *was = json_text(gadget, "udc", NULL);

	if (was && *kernel->udc == '\0') {
		if (!supervised || json_is_true(json_object_get(gadget, "no_bind")) ||
		    json_is_true(json_object_get(gadget, "lost")) ||
		    (!is_state(gadget, "ready") && !is_state(gadget, "degraded")))
			return; /* the supervisor reports why it is unbound */
		if (is_state(gadget, "ready"))
			set_state(gadget, "unbound");
		inspect_add_problem(gadget, "error", "another program unbound it from its UDC %s",
				    was);
	} else if (*kernel->udc && !streq_null(was, kernel->udc)) {
		set_degraded(gadget);
		inspect_add_problem(gadget, "warning", "another program bound it to %s",
				    kernel->udc);
	} else if (*kernel->udc && is_state(gadget, "unbound")) {
		set_state(gadget, "ready"); /* the supervisor is about to write it */
	}
}

static void check_bus(json_t *gadget, const struct inspect_kernel_state *kernel, bool supervised)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", kernel->udc);

	if (is_state(gadget, "starting"))
		return;
	if (!kernel->exists) {
		set_degraded(gadget);
		inspect_add_problem(gadget, "error", "it was removed from configfs");
		return;
	}
	/* Only a status file has the expected UDC. */
	if (json_object_get(gadget, "configured"))
		check_bound(gadget, kernel, supervised);
	if (*kernel->udc && !kernel->state && !path_exists(sysfs)) {
		set_degraded(gadget);
		inspect_add_problem(gadget, "error", "its UDC %s was removed", kernel->udc);
	}
}

/* --- files of the run directory --- */

/* Returns the status file; NULL when it cannot be read. The caller frees it. */
static char *read_status(const struct paths *paths, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	char *text = NULL;
	size_t size;

	return rundir_read_text(paths, name, RUNDIR_STATUS, STATUS_MAX, &text, &size, &ignored) < 0
		       ? NULL
		       : text;
}

/* Returns the status; NULL when it is not valid. */
static json_t *parse_status(const char *text)
{
	json_t *status = text ? json_loads(text, 0, NULL) : NULL;

	if (json_is_string(json_object_get(status, "state")) &&
	    json_is_array(json_object_get(status, "functions")) &&
	    json_is_array(json_object_get(status, "problems")))
		return status;
	json_decref(status);
	return NULL;
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
static void check_run_files(json_t *gadget, const struct paths *paths, const char *name,
			    const bool *seen)
{
	for (size_t i = 0; i < RUN_FILE_COUNT; i++) {
		if (seen[i] || rundir_has(paths, name, run_files[i].file))
			continue;
		set_degraded(gadget);
		inspect_add_problem(gadget, "error", "%s/%s/%s was removed: %s", paths->run_dir,
				    name, run_files[i].file, run_files[i].consequence);
	}
}

/*
 * Uses the supervisor's value, because `state` in sysfs can be that of a previous gadget (host.c).
 */
static void correct_udc_state(json_t *gadget, bool supervised)
{
	if (supervised && json_is_false(json_object_get(gadget, "configured")) &&
	    streq_null(json_text(gadget, "udc_state", NULL), "configured")) {
		inspect_set_string(gadget, "udc_state", "attached");
		inspect_set_string(gadget, "speed", NULL);
	}
}

static bool any_keeper_lingers(const json_t *gadget)
{
	const json_t *function;
	size_t i;

	json_array_foreach(json_object_get(gadget, "functions"), i, function)
		if (keeper_lingers(gadget, function))
			return true;
	return false;
}

static void report_orphaned(json_t *gadget, const struct paths *paths, const char *name)
{
	set_state(gadget, "degraded");
	json_array_clear(json_object_get(gadget, "problems"));
	if (!rundir_has(paths, name, RUNDIR_RECORD))
		inspect_add_problem(
			gadget, "error",
			"its supervisor has ended, and %s/%s/" RUNDIR_RECORD
			" was removed: 'ffsctl down --force %s' removes what it has made",
			paths->run_dir, name, name);
	else if (any_keeper_lingers(gadget))
		inspect_add_problem(
			gadget, "error",
			"its supervisor has ended; its workers continue for a while: 'ffsctl up' "
			"takes them over, 'ffsctl down %s' removes everything",
			name);
	else
		inspect_add_problem(
			gadget, "error",
			"its supervisor has ended; 'ffsctl down %s' removes what is left, "
			"'ffsctl up' starts again",
			name);
}

/* Returns the supervisor's pid from the status; 0 when that process is not an ffsctl. */
static pid_t owner_from_status(const json_t *status)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(status, "supervisor"));
	_cleanup_free_ char *program = NULL;

	if (pid <= 0 || !process_alive(pid))
		return 0;
	program = process_name(pid);
	return streq(program, "ffsctl") ? pid : 0;
}

static pid_t find_owner_without_lock(const struct paths *paths, const char *name,
				     const json_t *status)
{
	pid_t pid = control_owner(paths, name);

	return pid > 0 ? pid : owner_from_status(status);
}

pid_t inspect_supervisor(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *text = read_status(paths, name);
	json_t *status = parse_status(text);
	pid_t pid = find_owner_without_lock(paths, name, status);

	json_decref(status);
	return pid;
}

struct owner {
	pid_t pid; /* 0: none, -1: not known yet */
	char *who; /* NULL: not known */
};

/* Finds the gadget's owner; returns whether the lock file exists. */
static bool find_owner(const struct paths *paths, const char *name, const json_t *status,
		       struct owner *owner)
{
	int r = rundir_owner(paths, name, &owner->pid, &owner->who);

	if (r == -EACCES || r == -ENOENT)
		owner->pid = find_owner_without_lock(paths, name, status);
	return r == 0;
}

/* Describes a gadget that has no valid status. */
static json_t *without_status(const struct owner *owner, const char *name)
{
	json_t *gadget;

	if (owner->pid && owner->who && streq(owner->who, OWNER_STARTING))
		return inspect_new_gadget(name, "starting");
	gadget = inspect_new_gadget(name, "degraded");
	if (owner->pid > 0 && owner->who && !streq(owner->who, OWNER_SUPERVISOR))
		inspect_add_problem(gadget, "error", "'%s' (pid %d) is working on it", owner->who,
				    (int)owner->pid);
	else if (owner->pid)
		inspect_add_problem(gadget, "error", "its status cannot be read");
	return gadget;
}

static void check_all(const struct paths *paths, const char *name, const char *mounts,
		      const struct owner *owner, const bool *seen, json_t *gadget)
{
	struct inspect_kernel_state kernel = { 0 };
	bool supervised = owner->pid != 0;
	json_t *function;
	size_t i;

	inspect_kernel_state_read(paths, name, &kernel);
	if (!supervised)
		report_orphaned(gadget, paths, name);
	check_bus(gadget, &kernel, supervised);
	if (!is_state(gadget, "starting")) {
		check_links(gadget);
		json_array_foreach(json_object_get(gadget, "functions"), i, function)
			check_function(gadget, function, mounts, supervised);
	}
	/* While a gadget comes up or goes down, some files do not exist. */
	if (supervised && !is_state(gadget, "starting") &&
	    (!owner->who || streq(owner->who, OWNER_SUPERVISOR)))
		check_run_files(gadget, paths, name, seen);
	inspect_set_udc(gadget, &kernel);
	correct_udc_state(gadget, supervised);
	inspect_kernel_state_free(&kernel);
}

static json_t *inspect_once(const struct paths *paths, const char *name, const char *mounts,
			    const char *text, bool *found_new)
{
	json_t *gadget = parse_status(text);
	struct owner owner = { 0 };
	bool seen[RUN_FILE_COUNT] = { [RUN_FILE_STATUS] = text };
	size_t n_reported;

	seen[RUN_FILE_LOCK] = find_owner(paths, name, gadget, &owner);
	/* The status is that of a dead supervisor whose gadget another process is clearing. */
	if (gadget && owner.pid &&
	    owner.pid != (pid_t)json_integer_value(json_object_get(gadget, "supervisor")))
		json_decref(steal_ptr(gadget));
	if (!gadget)
		gadget = without_status(&owner, name);
	n_reported = json_array_size(json_object_get(gadget, "problems"));
	check_all(paths, name, mounts, &owner, seen, gadget);
	*found_new = json_array_size(json_object_get(gadget, "problems")) != n_reported;
	json_object_set_new(gadget, "supervisor",
			    owner.pid > 0 ? json_integer(owner.pid) : json_null());
	for (size_t i = 0; i < ARRAY_SIZE(internal); i++)
		json_object_del(gadget, internal[i]);
	inspect_add_kernel_devices(paths, name, gadget);
	free(owner.who);
	return gadget;
}

#define RACES_MAX 1000 /* changes of the status meanwhile before the result is used anyway */

/*
 * Reports a difference between status and kernel only when the status has not changed meanwhile: a
 * supervisor writes its status before it changes something.
 */
json_t *inspect_our_gadget(const struct paths *paths, const char *name, const char *mounts)
{
	_cleanup_free_ char *text = read_status(paths, name);

	/* The gadget went down meanwhile. */
	if (!text && !rundir_exists(paths, name))
		return NULL;
	for (int i = 0;; i++) {
		bool found_new;
		json_t *gadget = inspect_once(paths, name, mounts, text, &found_new);
		_cleanup_free_ char *again = found_new ? read_status(paths, name) : NULL;

		if (!found_new || streq_null(text, again) || i == RACES_MAX)
			return gadget;
		json_decref(gadget);
		free(text);
		text = steal_ptr(again);
	}
}
