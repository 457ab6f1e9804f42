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
#include "supervise/machine_parts.h"
#include "supervise/rundir.h"

void machine_set_string(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, json_string_or_null(value && *value ? value : NULL));
}

void machine_add_problem(json_t *gadget, const char *severity, const char *fmt, ...)
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

json_t *machine_new_gadget(const char *name, const char *state)
{
	return json_pack("{s:s, s:n, s:s, s:n, s:n, s:n, s:n, s:n, s:[], s:[]}", "name", name,
			 "file", "state", state, "udc", "udc_state", "speed", "since", "supervisor",
			 "functions", "problems");
}

/* --- what the kernel says --- */

void machine_look(const struct world *world, const char *name, struct machine_truth *truth)
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
void machine_set_udc(json_t *gadget, const struct machine_truth *truth)
{
	bool attached = truth->state && !streq(truth->state, "not attached");
	_cleanup_free_ char *speed = attached ? udc_attribute(truth->udc, "current_speed") : NULL;

	machine_set_string(gadget, "udc_state", truth->state);
	machine_set_string(gadget, "speed", speed && !streq(speed, "UNKNOWN") ? speed : NULL);
}

void machine_truth_free(struct machine_truth *truth)
{
	free(truth->udc);
	free(truth->state);
	*truth = (struct machine_truth){ 0 };
}

void machine_add_nodes(const struct world *world, const char *name, json_t *gadget)
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
			machine_set_string(function, "device", device);
		if (ifname)
			machine_set_string(function, "ifname", ifname);
	}
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
	json_t *gadget = machine_new_gadget(name, "foreign");
	struct machine_truth truth = { 0 };

	machine_look(world, name, &truth);
	machine_set_string(gadget, "udc", truth.udc);
	machine_set_udc(gadget, &truth);
	add_foreign_functions(gadget, dir);
	machine_add_nodes(world, name, gadget);
	machine_truth_free(&truth);
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
			json_array_append_new(*gadgets,
					      machine_our_gadget(world, found->name, mounts));
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
