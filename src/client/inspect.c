/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "client/inspect_common.h"
#include "configfs/configfs.h"
#include "functionfs/mount.h"
#include "rundir/rundir.h"

/* --- gadgets without a run directory --- */

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

static void report_leftover_mount(void *data, const char *path, const char *source _unused_)
{
	struct gadget_status *gadget = data;

	if (inspect_mount_is_of_gadget(path, gadget->name))
		inspect_add_problem(
			gadget, PROBLEM_ERROR,
			"the gadget is not in configfs, but its FunctionFS is mounted on %s", path);
}

/*
 * Finds out the state of a gadget that ffsctl did not make. Returns false if configfs does not have
 * the gadget and no FunctionFS is mounted below /dev/ffs/NAME.
 */
static bool inspect_foreign_gadget(const struct paths *paths, const char *name, const char *mounts,
				   struct gadget_status *gadget)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);
	struct inspect_kernel_state kernel = { 0 };
	bool exists;

	*gadget = (struct gadget_status){ .name = xstrdup(name), .state = STATUS_FOREIGN };
	inspect_kernel_state_read(paths, name, &kernel);
	inspect_set_udc_state(gadget, &kernel);
	if (kernel.has_configfs_directory)
		add_foreign_functions(gadget, dir);
	else
		mounts_each(mounts, FFS_FILE_SYSTEM, report_leftover_mount, gadget);
	inspect_add_kernel_devices(paths, name, gadget);
	exists = kernel.has_configfs_directory || gadget->n_problems > 0;
	inspect_kernel_state_free(&kernel);
	return exists;
}

/* --- all gadgets --- */

struct gadgets_to_inspect {
	const char *only_name;	  /* other names are ignored; NULL: all names are added */
	bool adding_from_run_dir; /* the names that add_gadget_name gets are names of run
				     directories */
	struct gadget_to_inspect {
		char *gadget_name;
		bool has_run_dir;
	} * gadgets;
	size_t n_gadgets;
};

static int add_gadget_name(void *data, const char *name)
{
	struct gadgets_to_inspect *all = data;

	if (all->only_name && !streq(all->only_name, name))
		return 0;
	for (size_t i = 0; i < all->n_gadgets; i++) {
		if (streq(all->gadgets[i].gadget_name, name)) {
			all->gadgets[i].has_run_dir =
				all->gadgets[i].has_run_dir || all->adding_from_run_dir;
			return 0;
		}
	}
	*array_add(all->gadgets, all->n_gadgets) =
		(struct gadget_to_inspect){ .gadget_name = xstrdup(name),
					    .has_run_dir = all->adding_from_run_dir };
	return 0;
}

static void add_configfs_names(const struct paths *paths, struct gadgets_to_inspect *all)
{
	_cleanup_free_ char *path = strf("%s/usb_gadget", paths->configfs_mount_point);
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_gadget_name(all, entry->d_name);
	if (dir)
		closedir(dir);
}

static void add_name_of_mount(void *data, const char *path, const char *source _unused_)
{
	_cleanup_free_ char *name = inspect_gadget_name_of_mount_path(path);

	if (name)
		add_gadget_name(data, name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct gadget_to_inspect *)a)->gadget_name,
		      ((const struct gadget_to_inspect *)b)->gadget_name);
}

/* Finds out the state of a gadget and adds it, unless the gadget does not exist any more. */
static void inspect_and_add_gadget(const struct paths *paths, const struct gadget_to_inspect *found,
				   const char *mounts, struct gadget_statuses *gadgets)
{
	struct gadget_status gadget = { 0 };

	if ((found->has_run_dir &&
	     inspect_gadget_with_run_dir(paths, found->gadget_name, mounts, &gadget)) ||
	    inspect_foreign_gadget(paths, found->gadget_name, mounts, &gadget))
		*array_add(gadgets->list, gadgets->n) = gadget;
	else
		status_free(&gadget);
}

int inspect_gadgets(const struct paths *paths, const char *name, struct gadget_statuses *gadgets,
		    struct error *err)
{
	_cleanup_free_ char *mounts = inspect_read_mounts(paths);
	struct gadgets_to_inspect all = { .only_name = name };
	int r;

	*gadgets = (struct gadget_statuses){ 0 };
	/*
	 * Lists the run directories after configfs. In the other order, a gadget that comes up
	 * between the two reads would be listed without its run directory, and shown as the gadget
	 * of another program ("foreign").
	 */
	mounts_each(mounts, FFS_FILE_SYSTEM, add_name_of_mount, &all);
	add_configfs_names(paths, &all);
	all.adding_from_run_dir = true;
	r = rundir_each_entry(paths, add_gadget_name, &all);
	if (all.n_gadgets > 0)
		qsort(all.gadgets, all.n_gadgets, sizeof(*all.gadgets), compare_names);
	for (size_t i = 0; i < all.n_gadgets; i++) {
		if (r >= 0)
			inspect_and_add_gadget(paths, &all.gadgets[i], mounts, gadgets);
		free(all.gadgets[i].gadget_name);
	}
	free(all.gadgets);
	return r < 0 ? error_errno(err, EX_OSERR, -r, paths->run_dir, "cannot list %s",
				   paths->run_dir)
		     : 0;
}

bool inspect_kernel_has_gadget(const struct paths *paths, const char *name)
{
	_cleanup_free_ char *mounts = inspect_read_mounts(paths);
	struct gadget_status gadget;
	bool has = inspect_foreign_gadget(paths, name, mounts, &gadget);

	status_free(&gadget);
	return has;
}
