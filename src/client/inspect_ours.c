/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gadget of ours: what its supervisor has written down, held against the kernel. Whatever
 * somebody has killed, unbound, unmounted or deleted by hand is found here (test_breakages.py).
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

/* What a supervisor writes for us alone. */
static const char *const internal[] = { "configured", "held", "links", "lost", "no_bind", "taken" };

static void set_state(json_t *gadget, const char *state)
{
	json_object_set_new(gadget, "state", json_string(state));
}

static bool is_state(const json_t *gadget, const char *state)
{
	return streq_null(json_text(gadget, "state", NULL), state);
}

static void worsen(json_t *gadget)
{
	if (is_state(gadget, "ready") || is_state(gadget, "unbound"))
		set_state(gadget, "degraded");
}

/* The text may be of a moment before it was mounted. */
static bool is_mounted(const char *mounts, const char *path, const char *instance)
{
	return mounts_have(mounts, path, FFS_FILE_SYSTEM, instance) ||
	       mount_find(path, FFS_FILE_SYSTEM, instance) == MOUNT_MATCH;
}

/* Whether its keeper waits for the next supervisor, as it was told to. */
static bool is_kept(const json_t *gadget, const json_t *function)
{
	pid_t keeper = (pid_t)json_integer_value(json_object_get(function, "keeper"));

	return json_is_true(json_object_get(gadget, "held")) && keeper > 0 && process_alive(keeper);
}

/* What is not there any more is not shown as if it were. */
static void forget(json_t *object, const char *key)
{
	json_object_set_new(object, key, json_null());
}

static void check_mount(json_t *gadget, json_t *function, const char *mounts)
{
	const char *mount = json_text(function, "mount", NULL);

	if (!mount || is_mounted(mounts, mount, json_text(function, "instance", NULL)))
		return;
	worsen(gadget);
	inspect_add_problem(gadget, "error", "%s: FunctionFS is not mounted on %s any more",
			    json_text(function, "label", NULL), mount);
	forget(function, "mount");
}

/* The link of a FunctionFS function; nodes of the kernel's functions are looked for later. */
static void check_device(json_t *gadget, json_t *function)
{
	const char *device = json_text(function, "device", NULL);

	if (!device || path_exists(device))
		return;
	worsen(gadget);
	inspect_add_problem(gadget, "error", "%s: the link %s is not there any more",
			    json_text(function, "label", NULL), device);
	forget(function, "device");
}

static void check_keeper(json_t *gadget, json_t *function, bool supervised)
{
	pid_t keeper = (pid_t)json_integer_value(json_object_get(function, "keeper"));

	if (keeper <= 0 || process_alive(keeper))
		return;
	if (supervised) {
		worsen(gadget);
		inspect_add_problem(gadget, "error", "%s: its keeper (pid %d) is not there",
				    json_text(function, "label", NULL), (int)keeper);
	}
	forget(function, "keeper");
}

static void check_worker(json_t *gadget, const json_t *function, bool supervised)
{
	json_t *worker = json_object_get(function, "worker");
	pid_t pid = (pid_t)json_integer_value(json_object_get(worker, "pid"));
	bool dead = pid > 0 && !process_alive(pid);

	if (!json_is_object(worker))
		return;
	if (dead && supervised) {
		worsen(gadget);
		inspect_add_problem(gadget, "warning", "%s: its worker (pid %d) has just ended",
				    json_text(function, "label", NULL), (int)pid);
	}
	if (dead)
		forget(worker, "pid");
	if (dead || (!supervised && (pid <= 0 || !is_kept(gadget, function)))) {
		json_object_set_new(worker, "state", json_string("stopped"));
		forget(worker, "ready_since");
	}
}

/* Nobody hears any more how many they are. */
static void forget_bytes(const json_t *function)
{
	json_t *endpoint;
	size_t i;

	json_array_foreach(json_object_get(function, "endpoints"), i, endpoint)
		forget(endpoint, "bytes");
}

static void check_function(json_t *gadget, json_t *function, const char *mounts, bool supervised)
{
	check_mount(gadget, function, mounts);
	check_device(gadget, function);
	check_worker(gadget, function, supervised);
	check_keeper(gadget, function, supervised);
	if (!supervised)
		forget_bytes(function);
}

/* Somebody may also bind a gadget again that lacks a function. */
static void check_links(json_t *gadget)
{
	const json_t *link;
	size_t i;

	json_array_foreach(json_object_get(gadget, "links"), i, link) {
		const char *path = json_string_value(link);

		if (!path || path_exists(path))
			continue;
		worsen(gadget);
		inspect_add_problem(gadget, "error", "the function's link %s is not there any more",
				    path);
	}
}

/* --- its bus --- */

static void check_bound(json_t *gadget, const struct inspect_truth *truth, bool supervised)
{
	const char *was = json_text(gadget, "udc", NULL);

	if (was && *truth->udc == '\0') {
		if (!supervised || json_is_true(json_object_get(gadget, "no_bind")) ||
		    json_is_true(json_object_get(gadget, "lost")) ||
		    (!is_state(gadget, "ready") && !is_state(gadget, "degraded")))
			return; /* not yet, or not any more: for a reason that is told */
		if (is_state(gadget, "ready"))
			set_state(gadget, "unbound");
		inspect_add_problem(gadget, "error", "another program unbound it from its UDC %s",
				    was);
	} else if (*truth->udc && !streq_null(was, truth->udc)) {
		worsen(gadget);
		inspect_add_problem(gadget, "warning", "another program bound it to %s",
				    truth->udc);
	} else if (*truth->udc && is_state(gadget, "unbound")) {
		set_state(gadget, "ready"); /* `bind` is about to say so */
	}
}

static void check_bus(json_t *gadget, const struct inspect_truth *truth, bool supervised)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", truth->udc);

	if (is_state(gadget, "starting"))
		return;
	if (!truth->exists) {
		worsen(gadget);
		inspect_add_problem(gadget, "error", "it is not in configfs any more");
		return;
	}
	/* Unless it is not known what it should be. */
	if (json_object_get(gadget, "configured"))
		check_bound(gadget, truth, supervised);
	if (*truth->udc && !truth->state && !path_exists(sysfs)) {
		worsen(gadget);
		inspect_add_problem(gadget, "error", "its UDC %s was removed", truth->udc);
	}
}

/* --- what its supervisor has written --- */

/* NULL: nothing, or nothing that can be read. The caller frees it. */
static char *read_status(const struct paths *paths, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	char *text = NULL;
	size_t size;

	return rundir_read_text(paths, name, RUNDIR_STATUS, STATUS_MAX, &text, &size, &ignored) < 0
		       ? NULL
		       : text;
}

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

/* What a supervisor has as long as its gadget is up, and what it means if it has ended. */
enum { NOTE_LOCK, NOTE_RECORD, NOTE_STATUS, NOTE_CONTROL, NOTE_COUNT };
static const struct {
	const char *file;
	const char *without;
} notes[NOTE_COUNT] = {
	[NOTE_LOCK] = { RUNDIR_LOCK, "only 'ffsctl down' still finds its supervisor" },
	[NOTE_RECORD] = { RUNDIR_RECORD,
			  "if its supervisor died, no command would know what to remove" },
	[NOTE_STATUS] = { RUNDIR_STATUS, "how it is will only be known after the next change" },
	[NOTE_CONTROL] = { RUNDIR_CONTROL, "only 'ffsctl down' still reaches its supervisor" },
};

/* `seen`: those that have just been read are there. */
static void check_notes(json_t *gadget, const struct paths *paths, const char *name,
			const bool *seen)
{
	for (size_t i = 0; i < NOTE_COUNT; i++) {
		if (seen[i] || rundir_has(paths, name, notes[i].file))
			continue;
		worsen(gadget);
		inspect_add_problem(gadget, "error", "%s/%s/%s does not exist any more: %s",
				    paths->run_dir, name, notes[i].file, notes[i].without);
	}
}

/* sysfs' `state` may still be that of an earlier gadget; the supervisor knows (host.c). */
static void correct_udc(json_t *gadget, bool supervised)
{
	if (supervised && json_is_false(json_object_get(gadget, "configured")) &&
	    streq_null(json_text(gadget, "udc_state", NULL), "configured")) {
		inspect_set_string(gadget, "udc_state", "attached");
		inspect_set_string(gadget, "speed", NULL);
	}
}

static bool any_is_kept(const json_t *gadget)
{
	const json_t *function;
	size_t i;

	json_array_foreach(json_object_get(gadget, "functions"), i, function)
		if (is_kept(gadget, function))
			return true;
	return false;
}

static void say_orphaned(json_t *gadget, const struct paths *paths, const char *name)
{
	set_state(gadget, "degraded");
	json_array_clear(json_object_get(gadget, "problems"));
	if (!rundir_has(paths, name, RUNDIR_RECORD))
		inspect_add_problem(gadget, "error",
				    "its supervisor has ended, and %s/%s/" RUNDIR_RECORD
				    " does not exist any more: 'ffsctl down --force %s' removes "
				    "what it has made",
				    paths->run_dir, name, name);
	else if (any_is_kept(gadget))
		inspect_add_problem(
			gadget, "error",
			"its supervisor has ended; its workers go on for a while: 'ffsctl up' "
			"takes them over, 'ffsctl down %s' takes all away",
			name);
	else
		inspect_add_problem(gadget, "error",
				    "its supervisor has ended; 'ffsctl down %s' removes what is "
				    "left, 'ffsctl up' starts anew",
				    name);
}

/* A process that has its number by now would have to be an ffsctl as well. */
static pid_t written_owner(const json_t *status)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(status, "supervisor"));
	_cleanup_free_ char *program = NULL;

	if (pid <= 0 || !process_alive(pid))
		return 0;
	program = process_name(pid);
	return streq(program, "ffsctl") ? pid : 0;
}

static pid_t presumed_owner(const struct paths *paths, const char *name, const json_t *status)
{
	pid_t pid = control_owner(paths, name);

	return pid > 0 ? pid : written_owner(status);
}

pid_t inspect_supervisor(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *text = read_status(paths, name);
	json_t *status = parse_status(text);
	pid_t pid = presumed_owner(paths, name, status);

	json_decref(status);
	return pid;
}

struct owner {
	pid_t pid; /* 0: none, -1: not known yet */
	char *who; /* NULL: not known */
};

/* Whether there is a lock. */
static bool find_owner(const struct paths *paths, const char *name, const json_t *status,
		       struct owner *owner)
{
	int r = rundir_owner(paths, name, &owner->pid, &owner->who);

	if (r == -EACCES || r == -ENOENT)
		owner->pid = presumed_owner(paths, name, status);
	return r == 0;
}

/* What can be said of it without its status. */
static json_t *without_status(const struct owner *owner, const char *name)
{
	json_t *gadget;

	if (owner->pid && owner->who && streq(owner->who, OWNER_STARTING))
		return inspect_new_gadget(name, "starting");
	gadget = inspect_new_gadget(name, "degraded");
	if (owner->pid > 0 && owner->who && !streq(owner->who, OWNER_SUPERVISOR))
		inspect_add_problem(gadget, "error", "'%s' (pid %d) works on it", owner->who,
				    (int)owner->pid);
	else if (owner->pid)
		inspect_add_problem(gadget, "error", "its status cannot be read");
	return gadget;
}

static void check_all(const struct paths *paths, const char *name, const char *mounts,
		      const struct owner *owner, const bool *seen, json_t *gadget)
{
	struct inspect_truth truth = { 0 };
	bool supervised = owner->pid != 0;
	json_t *function;
	size_t i;

	inspect_look(paths, name, &truth);
	if (!supervised)
		say_orphaned(gadget, paths, name);
	check_bus(gadget, &truth, supervised);
	if (!is_state(gadget, "starting")) {
		check_links(gadget);
		json_array_foreach(json_object_get(gadget, "functions"), i, function)
			check_function(gadget, function, mounts, supervised);
	}
	/* Who comes up has not written all of them yet, who goes down has removed some. */
	if (supervised && !is_state(gadget, "starting") &&
	    (!owner->who || streq(owner->who, OWNER_SUPERVISOR)))
		check_notes(gadget, paths, name, seen);
	inspect_set_udc(gadget, &truth);
	correct_udc(gadget, supervised);
	inspect_truth_free(&truth);
}

static json_t *look(const struct paths *paths, const char *name, const char *mounts,
		    const char *text, bool *surprised)
{
	json_t *gadget = parse_status(text);
	struct owner owner = { 0 };
	bool seen[NOTE_COUNT] = { [NOTE_STATUS] = text };
	size_t told;

	seen[NOTE_LOCK] = find_owner(paths, name, gadget, &owner);
	/* A command that clears what a dead supervisor has left has written nothing yet. */
	if (gadget && owner.pid &&
	    owner.pid != (pid_t)json_integer_value(json_object_get(gadget, "supervisor")))
		json_decref(steal_ptr(gadget));
	if (!gadget)
		gadget = without_status(&owner, name);
	told = json_array_size(json_object_get(gadget, "problems"));
	check_all(paths, name, mounts, &owner, seen, gadget);
	*surprised = json_array_size(json_object_get(gadget, "problems")) != told;
	json_object_set_new(gadget, "supervisor",
			    owner.pid > 0 ? json_integer(owner.pid) : json_null());
	for (size_t i = 0; i < ARRAY_SIZE(internal); i++)
		json_object_del(gadget, internal[i]);
	inspect_add_nodes(paths, name, gadget);
	free(owner.who);
	return gadget;
}

#define CHANGES 1000 /* how often a supervisor may write meanwhile before it is believed */

/*
 * A supervisor that changes something writes that first. So what seems to be somebody else's doing
 * is only believed when the status has stayed as it was.
 */
json_t *inspect_our_gadget(const struct paths *paths, const char *name, const char *mounts)
{
	_cleanup_free_ char *text = read_status(paths, name);

	/* It went down meanwhile. */
	if (!text && !rundir_exists(paths, name))
		return NULL;
	for (int i = 0;; i++) {
		bool surprised;
		json_t *gadget = look(paths, name, mounts, text, &surprised);
		_cleanup_free_ char *again = surprised ? read_status(paths, name) : NULL;

		if (!surprised || streq_null(text, again) || i == CHANGES)
			return gadget;
		json_decref(gadget);
		free(text);
		text = steal_ptr(again);
	}
}
