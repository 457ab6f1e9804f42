/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "client/inspect_parts.h"
#include "configfs/configfs.h"
#include "functionfs/mount.h"
#include "rundir/rundir.h"

/* --- the "functions" of gadgets without run directory --- */

static void add_foreign_functions(struct gadget_status *gadget, const char *dir)
{
	_cleanup_free_ char *path = strf("%s/functions", dir);
	DIR *functions = opendir(path);
	struct dirent *entry;

	while (functions && (entry = readdir(functions))) {
		const char *dot = strchr(entry->d_name, '.');

		if (entry->d_name[0] == '.' || !dot)
			continue;
		*array_add(gadget->functions, gadget->n_functions) = (struct function_status){
			.label = xstrdup(entry->d_name),
			.type = xstrndup(entry->d_name, (size_t)(dot - entry->d_name)),
			.instance = xstrdup(dot + 1),
		};
	}
	if (functions)
		closedir(functions);
}

static void add_leftover_mount(void *data, const char *path, const char *source _unused_)
{
	struct gadget_status *gadget = data;
	_cleanup_free_ char *name = inspect_mounted_name(path);

	/* FunctionFS may have been unmounted since `mounts` was read. */
	if (streq_null(name, gadget->name) &&
	    mount_find(path, FFS_FILE_SYSTEM, NULL) == MOUNT_MATCH)
		inspect_add_problem(gadget, PROBLEM_ERROR,
				    "not in configfs, but its FunctionFS is mounted on %s", path);
}

/*
 * Finds out the state of a gadget that ffsctl did not make. Returns false if neither the gadget nor
 * a mount with its name exists.
 */
static bool inspect_foreign_gadget(const struct paths *paths, const char *name, const char *mounts,
				   struct gadget_status *gadget)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);
	struct inspect_kernel_state kernel = { 0 };
	bool exists;

	*gadget = (struct gadget_status){ .name = xstrdup(name), .state = STATUS_FOREIGN };
	inspect_kernel_state_read(paths, name, &kernel);
	inspect_set_udc(gadget, &kernel);
	if (kernel.exists)
		add_foreign_functions(gadget, dir);
	else
		mounts_each(mounts, FFS_FILE_SYSTEM, add_leftover_mount, gadget);
	inspect_add_kernel_devices(paths, name, gadget);
	exists = kernel.exists || gadget->n_problems > 0;
	inspect_kernel_state_free(&kernel);
	return exists;
}

/* --- all gadgets --- */

struct gadget_names {
	const char *only_name;
	bool have_run_dir; /* value for names that add_name adds */
	struct found {
		char *name;
		bool have_run_dir;
	} * list;
	size_t n;
};

static int add_name(void *data, const char *name)
{
	struct gadget_names *names = data;

	if (names->only_name && !streq(names->only_name, name))
		return 0;
	for (size_t i = 0; i < names->n; i++) {
		if (streq(names->list[i].name, name)) {
			names->list[i].have_run_dir =
				names->list[i].have_run_dir || names->have_run_dir;
			return 0;
		}
	}
	*array_add(names->list, names->n) =
		(struct found){ .name = xstrdup(name), .have_run_dir = names->have_run_dir };
	return 0;
}

static void add_configfs_names(const struct paths *paths, struct gadget_names *names)
{
	_cleanup_free_ char *path = strf("%s/usb_gadget", paths->configfs);
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_name(names, entry->d_name);
	if (dir)
		closedir(dir);
}

static void add_mounted_name(void *data, const char *path, const char *source _unused_)
{
	_cleanup_free_ char *name = inspect_mounted_name(path);

	if (name)
		add_name(data, name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

/* Adds the gadget, unless it does not exist any more. */
static void add_gadget(const struct paths *paths, const struct found *found, const char *mounts,
		       struct gadget_statuses *gadgets)
{
	struct gadget_status gadget = { 0 };

	if ((found->have_run_dir && inspect_our_gadget(paths, found->name, mounts, &gadget)) ||
	    inspect_foreign_gadget(paths, found->name, mounts, &gadget))
		*array_add(gadgets->v, gadgets->n) = gadget;
	else
		status_free(&gadget);
}

int inspect_gadgets(const struct paths *paths, const char *name, struct gadget_statuses *gadgets,
		    struct error *err)
{
	_cleanup_free_ char *mounts = inspect_mounts(paths);
	struct gadget_names names = { .only_name = name };
	int r;

	*gadgets = (struct gadget_statuses){ 0 };
	/*
	 * Reads the run directories last, so that a gadget that comes up meanwhile is not shown as
	 * foreign.
	 */
	mounts_each(mounts, FFS_FILE_SYSTEM, add_mounted_name, &names);
	add_configfs_names(paths, &names);
	names.have_run_dir = true;
	r = rundir_each_name(paths, add_name, &names);
	if (names.n > 0)
		qsort(names.list, names.n, sizeof(*names.list), compare);
	for (size_t i = 0; i < names.n; i++) {
		if (r >= 0)
			add_gadget(paths, &names.list[i], mounts, gadgets);
		free(names.list[i].name);
	}
	free(names.list);
	return r < 0 ? error_errno(err, EX_OSERR, -r, paths->run_dir, "cannot list %s",
				   paths->run_dir)
		     : 0;
}

bool inspect_exists(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *mounts = inspect_mounts(paths);
	struct gadget_status gadget;
	bool has = inspect_foreign_gadget(paths, name, mounts, &gadget);

	status_free(&gadget);
	return has;
}
