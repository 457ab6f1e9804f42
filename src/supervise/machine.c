/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "compose/compose.h"
#include "compose/node.h"
#include "compose/udc.h"
#include "ffs/mount.h"
#include "supervise/rundir.h"

static void set_string(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, json_string_or_null(value && *value ? value : NULL));
}

static void set_state(json_t *gadget, const char *state)
{
	json_object_set_new(gadget, "state", json_string(state));
}

static void add_problem(json_t *gadget, const char *severity, const char *fmt, ...) _printf_(3, 4);
static void add_problem(json_t *gadget, const char *severity, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	json_array_append_new(
		json_object_get(gadget, "problems"),
		json_pack("{s:s, s:s}", "severity", severity, "text", text ? text : "?"));
}

/* A gadget of which nothing is known but its name. */
static json_t *new_gadget(const char *name, const char *state)
{
	return json_pack("{s:s, s:n, s:s, s:n, s:n, s:n, s:n, s:n, s:[], s:[]}", "name", name,
			 "file", "state", state, "udc", "udc_state", "speed", "since", "supervisor",
			 "functions", "problems");
}

/* --- what the kernel says --- */

struct truth {
	bool exists;
	char *udc;   /* what configfs' UDC holds; "" unbound */
	char *state; /* of that, as sysfs says; NULL: unknown */
};

static void look_at_configfs(const struct world *world, const char *name, struct truth *truth)
{
	_cleanup_free_ char *dir = compose_gadget_path(world, name);
	_cleanup_free_ char *path = strf("%s/UDC", dir);

	truth->exists = file_read_line(AT_FDCWD, path, &truth->udc) == 0;
	truth->state = truth->exists && *truth->udc ? udc_attribute(truth->udc, "state") : NULL;
	if (truth->exists)
		return;
	truth->exists = path_exists(dir);
	truth->udc = xstrdup("");
}

/* Without a cable, `current_speed` is that of the last one, or what the UDC could do. */
static void set_udc(json_t *gadget, const struct truth *truth)
{
	bool attached = truth->state && !streq(truth->state, "not attached");
	_cleanup_free_ char *speed = attached ? udc_attribute(truth->udc, "current_speed") : NULL;

	set_string(gadget, "udc_state", truth->state);
	set_string(gadget, "speed", speed && !streq(speed, "UNKNOWN") ? speed : NULL);
}

static void truth_free(struct truth *truth)
{
	free(truth->udc);
	free(truth->state);
	*truth = (struct truth){ 0 };
}

/* --- ours --- */

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
		add_problem(gadget, "error", "%s: FunctionFS is not mounted on %s any more", label,
			    mount);
	}
	if (supervised && keeper > 0 && !process_alive(keeper)) {
		worsen(gadget);
		add_problem(gadget, "error", "%s: its keeper (pid %d) is not there", label,
			    (int)keeper);
	}
	if (pid > 0 && !process_alive(pid)) {
		if (supervised) {
			worsen(gadget);
			add_problem(gadget, "warning", "%s: its worker (pid %d) has just ended",
				    label, (int)pid);
		}
		json_object_set_new(worker, "pid", json_null());
		pid = 0;
	}
	if (!supervised && json_is_object(worker) && (pid <= 0 || !is_kept(gadget, function))) {
		json_object_set_new(worker, "state", json_string("stopped"));
		json_object_set_new(worker, "ready_since", json_null());
	}
}

static void check_bus(json_t *gadget, const struct truth *truth, bool supervised)
{
	_cleanup_free_ char *sysfs = strf(UDC_CLASS_DIR "/%s", truth->udc);
	const char *udc = json_text(gadget, "udc", NULL);

	if (!truth->exists) {
		if (!is_state(gadget, "starting")) {
			worsen(gadget);
			add_problem(gadget, "error", "it is not in configfs any more");
		}
		return;
	}
	if (supervised && udc && is_state(gadget, "ready") && *truth->udc == '\0') {
		set_state(gadget, "unbound");
		add_problem(gadget, "error", "it was taken off its UDC %s", udc);
	} else if (udc && *truth->udc && !streq(udc, truth->udc)) {
		worsen(gadget);
		add_problem(gadget, "warning", "it was bound to %s by somebody else", truth->udc);
	} else if (udc && *truth->udc && !truth->state && !path_exists(sysfs)) {
		worsen(gadget);
		add_problem(gadget, "error", "its UDC %s is not there any more", udc);
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
			 struct truth *truth)
{
	look_at_configfs(world, name, truth);
	for (int i = 0; i < CHANGES && json_text(*status, "udc", NULL) && *truth->udc == '\0';
	     i++) {
		json_t *again = read_status(world, name);

		if (!again || json_equal(*status, again)) {
			json_decref(again);
			return;
		}
		json_decref(*status);
		*status = again;
		truth_free(truth);
		look_at_configfs(world, name, truth);
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
		set_string(gadget, "udc_state", "attached");
		set_string(gadget, "speed", NULL);
	}
	json_object_del(gadget, "configured");
	json_object_del(gadget, "held");
}

/* Where the kernel's functions show up; FunctionFS ones are told of by the supervisor. */
static void add_nodes(const struct world *world, const char *name, json_t *gadget)
{
	_cleanup_free_ char *top = compose_gadget_path(world, name);
	json_t *function;
	size_t i;

	json_array_foreach(json_object_get(gadget, "functions"), i, function) {
		const char *type = json_text(function, "type", NULL),
			   *instance = json_text(function, "instance", NULL);
		_cleanup_free_ char *dir = NULL, *device = NULL, *ifname = NULL;

		if (!type || !instance)
			continue;
		dir = strf("%s/functions/%s.%s", top, type, instance);
		device = node_device(dir);
		ifname = node_ifname(dir);
		if (device)
			set_string(function, "device", device);
		if (ifname)
			set_string(function, "ifname", ifname);
	}
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
		add_problem(gadget, "error",
			    "its supervisor has ended; its workers go on for a while: 'ffsctl up' "
			    "takes them over, 'ffsctl down %s' takes all away",
			    name);
	else
		add_problem(gadget, "error",
			    "its supervisor has ended; 'ffsctl down %s' takes away what is left, "
			    "'ffsctl up' starts anew",
			    name);
}

static json_t *our_gadget(const struct world *world, const char *name, const char *mounts)
{
	json_t *gadget = read_status(world, name), *function;
	_cleanup_free_ char *who = NULL;
	struct truth truth = { 0 };
	pid_t owner = 0;
	size_t i;

	if (rundir_owner(world, name, &owner, &who) == -EACCES)
		owner = presumed_owner(gadget);
	/* A command that clears what a dead supervisor has left has written nothing yet. */
	if (gadget && owner &&
	    owner != (pid_t)json_integer_value(json_object_get(gadget, "supervisor")))
		json_decref(steal_ptr(gadget));
	if (!gadget && owner && who && streq(who, WHO_COMING_UP)) {
		gadget = new_gadget(name, "starting");
	} else if (!gadget) {
		gadget = new_gadget(name, "degraded");
		if (owner > 0 && who && !streq(who, WHO_UP))
			add_problem(gadget, "error", "'%s' (pid %d) works on it", who, (int)owner);
		else if (owner)
			add_problem(gadget, "error", "its status cannot be read");
	}
	look_at_both(world, name, &gadget, &truth);
	if (owner == 0)
		say_orphaned(gadget, name);
	check_bus(gadget, &truth, owner != 0);
	if (!is_state(gadget, "starting"))
		json_array_foreach(json_object_get(gadget, "functions"), i, function)
			check_function(gadget, function, mounts, owner != 0);
	json_object_set_new(gadget, "supervisor", owner > 0 ? json_integer(owner) : json_null());
	add_nodes(world, name, gadget);
	set_udc(gadget, &truth);
	correct_udc(gadget, owner != 0);
	truth_free(&truth);
	return gadget;
}

/* --- foreign --- */

static void add_foreign_functions(json_t *gadget, const char *dir)
{
	_cleanup_free_ char *path = strf("%s/functions", dir);
	DIR *functions = opendir(path);
	struct dirent *entry;

	while (functions && (entry = readdir(functions))) {
		const char *dot = strchr(entry->d_name, '.');
		_cleanup_free_ char *type = NULL;

		if (entry->d_name[0] == '.' || !dot)
			continue;
		type = xstrndup(entry->d_name, (size_t)(dot - entry->d_name));
		json_array_append_new(json_object_get(gadget, "functions"),
				      json_pack("{s:s, s:s, s:s, s:n, s:n, s:n, s:[], s:n, s:n}",
						"label", entry->d_name, "type", type, "instance",
						dot + 1, "mount", "device", "ifname", "endpoints",
						"keeper", "worker"));
	}
	if (functions)
		closedir(functions);
}

static json_t *foreign_gadget(const struct world *world, const char *name)
{
	_cleanup_free_ char *dir = compose_gadget_path(world, name);
	json_t *gadget = new_gadget(name, "foreign");
	struct truth truth = { 0 };

	look_at_configfs(world, name, &truth);
	set_string(gadget, "udc", truth.udc);
	set_udc(gadget, &truth);
	add_foreign_functions(gadget, dir);
	add_nodes(world, name, gadget);
	truth_free(&truth);
	return gadget;
}

/* --- all --- */

struct names {
	const char *only;
	bool ours; /* of those being added */
	struct found {
		char *name;
		bool ours;
	} * v;
	size_t n;
};

static int add_name(void *data, const char *name)
{
	struct names *names = data;

	if (names->only && !streq(names->only, name))
		return 0;
	for (size_t i = 0; i < names->n; i++) {
		if (streq(names->v[i].name, name)) {
			names->v[i].ours = names->v[i].ours || names->ours;
			return 0;
		}
	}
	*array_add(names->v, names->n) =
		(struct found){ .name = xstrdup(name), .ours = names->ours };
	return 0;
}

static void add_configfs_names(const struct world *world, struct names *names)
{
	_cleanup_free_ char *path = strf("%s/usb_gadget", world->configfs);
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_name(names, entry->d_name);
	if (dir)
		closedir(dir);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

int machine_gadgets(const struct world *world, const char *name, json_t **gadgets,
		    struct error *err)
{
	_cleanup_free_ char *mounts = mounts_read();
	struct names names = { .only = name };
	int r;

	/* In this order: a gadget of ours that comes up meanwhile is not taken for a foreign one.
	 */
	add_configfs_names(world, &names);
	names.ours = true;
	r = rundir_each(world, add_name, &names);
	if (names.n > 0)
		qsort(names.v, names.n, sizeof(*names.v), compare);
	*gadgets = json_array();
	for (size_t i = 0; i < names.n; i++) {
		const struct found *found = &names.v[i];
		_cleanup_free_ char *dir = compose_gadget_path(world, found->name);

		if (found->ours)
			json_array_append_new(*gadgets, our_gadget(world, found->name, mounts));
		else if (path_exists(dir)) /* and not gone meanwhile */
			json_array_append_new(*gadgets, foreign_gadget(world, found->name));
		free(found->name);
	}
	free(names.v);
	if (r < 0)
		json_decref(steal_ptr(*gadgets));
	return r < 0 ? error_errno(err, EX_OSERR, -r, world->run_dir, "cannot list %s",
				   world->run_dir)
		     : 0;
}
