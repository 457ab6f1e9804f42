/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes down a gadget that has no record, because another program made the gadget or because the
 * record was deleted. Makes a plan from configfs and the mounts, and undoes the plan. Does
 * not end processes. If a process uses one of the mounts, changes nothing, and the error message
 * names the process.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/proc.h"
#include "client/inspect_common.h"
#include "client/internal.h"
#include "configfs/configfs.h"
#include "configfs/found_gadget.h"
#include "configfs/items.h"
#include "functionfs/mount.h"
#include "plan/directories_and_links.h"

/* A gadget that has no record. */
struct unrecorded_gadget {
	const char *gadget_name;
	struct configfs_tree tree; /* the gadget's directory in configfs; empty: does not exist */
	struct plan *undo_plan;	   /* the steps that are undone */
	char *remaining_mount;	   /* path of a mount that still exists after the undo */
};

/* Returns whether the FunctionFS instance `source`, mounted on `path`, belongs to the gadget. */
static bool is_mount_of_gadget(const struct unrecorded_gadget *f, const char *path,
			       const char *source)
{
	_cleanup_free_ char *directory = strf("functions/ffs.%s", source);
	_cleanup_free_ char *name = inspect_gadget_name_of_mount_path(path);

	return configfs_tree_find(&f->tree, directory) ||
	       (!f->tree.n_children && streq_null(name, f->gadget_name));
}

/* Adds the directories of a mount below /dev/ffs/NAME. Only `up` creates such directories. */
static void add_mount_directory_steps(const struct unrecorded_gadget *f, const char *path)
{
	_cleanup_free_ char *parent = path_parent(path), *top = path_parent(parent);
	_cleanup_free_ char *name = inspect_gadget_name_of_mount_path(path);

	if (!streq_null(name, f->gadget_name))
		return;
	plan_add(f->undo_plan, &plan_op_mkdir_shared, steal_ptr(top), NULL, NULL, NULL);
	plan_add(f->undo_plan, &plan_op_mkdir_shared, steal_ptr(parent), NULL, NULL, NULL);
	plan_add(f->undo_plan, &plan_op_mkdir_shared, xstrdup(path), NULL, NULL, NULL);
}

static void add_mount_step(void *data, const char *path, const char *source)
{
	const struct unrecorded_gadget *f = data;

	if (!is_mount_of_gadget(f, path, source))
		return;
	add_mount_directory_steps(f, path);
	plan_add(f->undo_plan, &ffs_op_mount, xstrdup(path), xstrdup(source), NULL, NULL);
}

static void find_remaining_mount(void *data, const char *path, const char *source)
{
	struct unrecorded_gadget *f = data;

	if (!f->remaining_mount && is_mount_of_gadget(f, path, source))
		f->remaining_mount = xstrdup(path);
}

static void log_undo_of_step(const struct step *step, bool undone _unused_)
{
	log_debug("%s %s", step->op->undo_name, step->path);
}

static int make_undo_plan(struct unrecorded_gadget *f, const struct paths *paths,
			  const char *mounts, struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, f->gadget_name);
	int r = configfs_tree_read(paths->configfs_mount_point, dir, &f->tree, err);

	if (r < 0 && r != -ENOENT)
		return r;
	error_clear(err);
	if (r == 0)
		found_gadget_add_steps(f->undo_plan, &f->tree, dir);
	mounts_each(mounts, FFS_FILE_SYSTEM, add_mount_step, f);
	if (r == 0)
		found_gadget_add_bind_step(f->undo_plan, dir);
	f->undo_plan->on_step = log_undo_of_step;
	return 0;
}

/* Fails if a process uses a mount. Called before the first change. */
static int check_mounts_unused(const struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if (step->op == &ffs_op_mount &&
		    mount_state_at(step->path, FFS_FILE_SYSTEM, step->value) == MOUNT_MATCH)
			r = ffs_check_mount_unused(step, 0, err);
	}
	return r;
}

static int undo_all_steps(struct plan *plan, struct error *err)
{
	int r;

	plan_assume_applied(plan);
	while ((r = plan_undo(plan, err)) == PLAN_SOON)
		poll(NULL, 0, PLAN_SOON_MS);
	if (r != -EACCES && r != -EPERM)
		return r;
	err->exit = EX_NOPERM;
	return error_add_root_hint(err);
}

/*
 * Fails if a mount still exists after the undo, for example because another mount on the same path
 * hides it.
 */
static int check_all_unmounted(struct unrecorded_gadget *f, const struct paths *paths,
			       struct error *err)
{
	_cleanup_free_ char *mounts = inspect_read_mounts(paths);

	mounts_each(mounts, FFS_FILE_SYSTEM, find_remaining_mount, f);
	if (!f->remaining_mount)
		return 0;
	error_set(err, EX_OSERR, EBUSY, f->remaining_mount,
		  "FunctionFS of '%s' is still mounted on %s", f->gadget_name, f->remaining_mount);
	return error_add_hint(err, "unmount it by hand");
}

int client_force_down(const struct paths *paths, const char *name, struct error *err)
{
	_cleanup_free_ char *mounts = inspect_read_mounts(paths);
	_cleanup_plan_ struct plan plan = { 0 };
	struct unrecorded_gadget f = { .gadget_name = name, .undo_plan = &plan };
	int r = make_undo_plan(&f, paths, mounts, err);

	if (r == 0)
		r = check_mounts_unused(&plan, err);
	if (r == 0)
		r = undo_all_steps(&plan, err);
	if (r == 0)
		r = check_all_unmounted(&f, paths, err);
	/* Only a gadget that ffsctl made has user ids that are reserved for its workers. */
	if (r == 0)
		rundir_release_all_worker_uids(paths, name);
	configfs_tree_free(&f.tree);
	free(f.remaining_mount);
	return r;
}
