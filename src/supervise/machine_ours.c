/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gadget of ours: what its supervisor has written down, held against the kernel. Whatever
 * somebody has killed, unbound, unmounted or deleted by hand is found here (test_breakages.py).
 */
#include "supervise/machine_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "compose/compose.h"
#include "compose/udc.h"
#include "ffs/mount.h"
#include "supervise/rundir.h"

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

static void check_function(json_t *gadget, const json_t *function, const char *mounts,
			   bool supervised)
{
	const char *label = json_text(function, "label", NULL),
		   *mount = json_text(function, "mount", NULL);
	json_t *worker = json_object_get(function, "worker");
	pid_t pid = (pid_t)json_integer_value(json_object_get(worker, "pid"));
	pid_t keeper = (pid_t)json_integer_value(json_object_get(function, "keeper"));

	if (mount && !is_mounted(mounts, mount, json_text(function, "instance", NULL))) {
		worsen(gadget);
		machine_add_problem(gadget, "error", "%s: FunctionFS is not mounted on %s any more",
				    label, mount);
	}
	if (supervised && keeper > 0 && !process_alive(keeper)) {
		worsen(gadget);
		machine_add_problem(gadget, "error", "%s: its keeper (pid %d) is not there", label,
				    (int)keeper);
	}
	if (pid > 0 && !process_alive(pid)) {
		if (supervised) {
			worsen(gadget);
			machine_add_problem(gadget, "warning",
					    "%s: its worker (pid %d) has just ended", label,
					    (int)pid);
		}
		json_object_set_new(worker, "pid", json_null());
		pid = 0;
	}
	if (!supervised && json_is_object(worker) && (pid <= 0 || !is_kept(gadget, function))) {
		json_object_set_new(worker, "state", json_string("stopped"));
		json_object_set_new(worker, "ready_since", json_null());
	}
}

static void check_bus(json_t *gadget, const struct machine_truth *truth, bool supervised)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", truth->udc);
	const char *udc = json_text(gadget, "udc", NULL);

	if (!truth->exists) {
		if (!is_state(gadget, "starting")) {
			worsen(gadget);
			machine_add_problem(gadget, "error", "it is not in configfs any more");
		}
		return;
	}
	if (supervised && udc && is_state(gadget, "ready") && *truth->udc == '\0') {
		set_state(gadget, "unbound");
		machine_add_problem(gadget, "error", "it was taken off its UDC %s", udc);
	} else if (udc && *truth->udc && !streq(udc, truth->udc)) {
		worsen(gadget);
		machine_add_problem(gadget, "warning", "it was bound to %s by somebody else",
				    truth->udc);
	} else if (udc && *truth->udc && !truth->state && !path_exists(sysfs)) {
		worsen(gadget);
		machine_add_problem(gadget, "error", "its UDC %s is not there any more", udc);
	}
}

/* What the last supervisor has written; NULL: nothing, or nothing that can be read. */
static json_t *read_status(const struct world *world, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	json_t *status = NULL;

	if (rundir_read(world, name, RUNDIR_STATUS, &status, &ignored) < 0)
		return NULL;
	if (json_is_string(json_object_get(status, "state")) &&
	    json_is_array(json_object_get(status, "functions")) &&
	    json_is_array(json_object_get(status, "problems")))
		return status;
	json_decref(status);
	return NULL;
}

#define CHANGES 1000 /* how often a supervisor may write meanwhile before it is believed */

/*
 * Configfs, and the status of the same moment. A supervisor that takes its gadget off the bus
 * writes that first; so what seems to be somebody else's doing is only believed when the status has
 * stayed.
 */
static void look_at_both(const struct world *world, const char *name, json_t **status,
			 struct machine_truth *truth)
{
	machine_look(world, name, truth);
	for (int i = 0; i < CHANGES && json_text(*status, "udc", NULL) && *truth->udc == '\0';
	     i++) {
		json_t *again = read_status(world, name);

		if (!again || json_equal(*status, again)) {
			json_decref(again);
			return;
		}
		json_decref(*status);
		*status = again;
		machine_truth_free(truth);
		machine_look(world, name, truth);
	}
}

/* The supervisor as far as a user without rights to the lock can tell. */
static pid_t presumed_owner(const json_t *status)
{
	pid_t pid = (pid_t)json_integer_value(json_object_get(status, "supervisor"));

	return pid > 0 && process_alive(pid) ? pid : 0;
}

/* sysfs' `state` may still be that of an earlier gadget; the supervisor knows (host.c). */
static void correct_udc(json_t *gadget, bool supervised)
{
	if (supervised && json_is_false(json_object_get(gadget, "configured")) &&
	    streq_null(json_text(gadget, "udc_state", NULL), "configured")) {
		machine_set_string(gadget, "udc_state", "attached");
		machine_set_string(gadget, "speed", NULL);
	}
	json_object_del(gadget, "configured");
	json_object_del(gadget, "held");
}

static void say_orphaned(json_t *gadget, const char *name)
{
	const json_t *function;
	bool kept = false;
	size_t i;

	json_array_foreach(json_object_get(gadget, "functions"), i, function)
		kept = kept || is_kept(gadget, function);
	set_state(gadget, "degraded");
	json_array_clear(json_object_get(gadget, "problems"));
	if (kept)
		machine_add_problem(
			gadget, "error",
			"its supervisor has ended; its workers go on for a while: 'ffsctl up' "
			"takes them over, 'ffsctl down %s' takes all away",
			name);
	else
		machine_add_problem(
			gadget, "error",
			"its supervisor has ended; 'ffsctl down %s' takes away what is left, "
			"'ffsctl up' starts anew",
			name);
}

json_t *machine_our_gadget(const struct world *world, const char *name, const char *mounts)
{
	json_t *gadget = read_status(world, name), *function;
	_cleanup_free_ char *who = NULL;
	struct machine_truth truth = { 0 };
	pid_t owner = 0;
	size_t i;

	if (rundir_owner(world, name, &owner, &who) == -EACCES)
		owner = presumed_owner(gadget);
	/* A command that clears what a dead supervisor has left has written nothing yet. */
	if (gadget && owner &&
	    owner != (pid_t)json_integer_value(json_object_get(gadget, "supervisor")))
		json_decref(steal_ptr(gadget));
	if (!gadget && owner && who && streq(who, WHO_COMING_UP)) {
		gadget = machine_new_gadget(name, "starting");
	} else if (!gadget) {
		gadget = machine_new_gadget(name, "degraded");
		if (owner > 0 && who && !streq(who, WHO_UP))
			machine_add_problem(gadget, "error", "'%s' (pid %d) works on it", who,
					    (int)owner);
		else if (owner)
			machine_add_problem(gadget, "error", "its status cannot be read");
	}
	look_at_both(world, name, &gadget, &truth);
	if (owner == 0)
		say_orphaned(gadget, name);
	check_bus(gadget, &truth, owner != 0);
	if (!is_state(gadget, "starting"))
		json_array_foreach(json_object_get(gadget, "functions"), i, function)
			check_function(gadget, function, mounts, owner != 0);
	json_object_set_new(gadget, "supervisor", owner > 0 ? json_integer(owner) : json_null());
	machine_add_nodes(world, name, gadget);
	machine_set_udc(gadget, &truth);
	correct_udc(gadget, owner != 0);
	machine_truth_free(&truth);
	return gadget;
}
