/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes down a gadget without a record, because another program made the gadget or because the
 * record was deleted. Makes a plan from configfs and the mounts, and undoes the plan. No process is
 * ended: if a process uses a mount, nothing is changed, and the error contains the process.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/proc.h"
#include "client/inspect_parts.h"
#include "client/parts.h"
#include "configfs/configfs.h"
#include "configfs/found_gadget.h"
#include "configfs/items.h"
#include "functionfs/mount.h"
#include "plan/files.h"

struct found_gadget {
	const char *name;
	struct configfs_tree configfs; /* the gadget's directory in configfs; empty: it has none */
	struct plan *plan;
	char *mount_path; /* path of one of the gadget's mounts */
};

/* Returns whether the FunctionFS `source` that is mounted on `path` belongs to the gadget. */
static bool is_mount_of(const struct found_gadget *f, const char *path, const char *source)
{
	_cleanup_free_ char *directory = strf("functions/ffs.%s", source);
	_cleanup_free_ char *name = inspect_mounted_name(path);

	return configfs_tree_find(&f->configfs, directory) ||
	       (!f->configfs.n_children && streq_null(name, f->name));
}

/* Adds the directories of a mount below /dev/ffs/NAME, which only `up` creates. */
static void add_directories(const struct found_gadget *f, const char *path)
{
	_cleanup_free_ char *parent = path_parent(path), *top = path_parent(parent);
	_cleanup_free_ char *name = inspect_mounted_name(path);

	if (!streq_null(name, f->name))
		return;
	plan_add(f->plan, &plan_op_mkdir_shared, steal_ptr(top), NULL, NULL, NULL);
	plan_add(f->plan, &plan_op_mkdir_shared, steal_ptr(parent), NULL, NULL, NULL);
	plan_add(f->plan, &plan_op_mkdir_shared, xstrdup(path), NULL, NULL, NULL);
}

static void add_mount(void *data, const char *path, const char *source)
{
	const struct found_gadget *f = data;

	if (!is_mount_of(f, path, source))
		return;
	add_directories(f, path);
	plan_add(f->plan, &ffs_op_mount, xstrdup(path), xstrdup(source), NULL, NULL);
}

static void find_mount(void *data, const char *path, const char *source)
{
	struct found_gadget *f = data;

	if (!f->mount_path && is_mount_of(f, path, source))
		f->mount_path = xstrdup(path);
}

static void log_undone(const struct step *step, bool undone _unused_)
{
	log_debug("%s %s", step->op->undo_name, step->path);
}

static int make_plan(struct found_gadget *f, const struct paths *paths, const char *mounts,
		     struct error *err)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, f->name);
	int r = configfs_tree_read(paths->configfs, dir, &f->configfs, err);

	if (r < 0 && r != -ENOENT)
		return r;
	error_clear(err);
	if (rundir_has_file(paths, f->name, "view")) /* made by an older build */
		plan_add(f->plan, &configfs_op_view,
			 strf("%s/%s/view/usb_gadget/%s", paths->run_dir, f->name, f->name), NULL,
			 NULL, NULL);
	if (r == 0)
		found_gadget_add_steps(f->plan, &f->configfs, dir);
	mounts_each(mounts, FFS_FILE_SYSTEM, add_mount, f);
	if (r == 0)
		found_gadget_add_bind(f->plan, dir);
	f->plan->on_step = log_undone;
	return 0;
}

/* Fails if a process uses a mount. Called before anything is changed. */
static int check_mounts_unused(const struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n; i++) {
		const struct step *step = &plan->steps[i];

		if (step->op == &ffs_op_mount &&
		    mount_find(step->path, FFS_FILE_SYSTEM, step->value) == MOUNT_MATCH)
			r = ffs_check_mount_unused(step, 0, err);
	}
	return r;
}

static int undo(struct plan *plan, struct error *err)
{
	int r;

	plan_assume_applied(plan);
	while ((r = plan_undo(plan, err)) == PLAN_SOON)
		poll(NULL, 0, PLAN_SOON_MS);
	if (r != -EACCES && r != -EPERM)
		return r;
	err->exit = EX_NOPERM;
	return error_needs_root(err);
}

/*
 * Fails if a mount still exists after the undo: another mount hides it, or its path has an
 * unexpected form.
 */
static int check_mounts(struct found_gadget *f, const struct paths *paths, struct error *err)
{
	_cleanup_free_ char *mounts = inspect_mounts(paths);

	mounts_each(mounts, FFS_FILE_SYSTEM, find_mount, f);
	if (!f->mount_path)
		return 0;
	error_set(err, EX_OSERR, EBUSY, f->mount_path, "FunctionFS of '%s' is still mounted on %s",
		  f->name, f->mount_path);
	return error_hint(err, "unmount it by hand");
}

int client_force_down(const struct paths *paths, const char *name, struct error *err)
{
	_cleanup_free_ char *mounts = inspect_mounts(paths);
	_cleanup_plan_ struct plan plan = { 0 };
	struct found_gadget f = { .name = name, .plan = &plan };
	int r = make_plan(&f, paths, mounts, err);

	if (r == 0)
		r = check_mounts_unused(&plan, err);
	if (r == 0)
		r = undo(&plan, err);
	if (r == 0)
		r = check_mounts(&f, paths, err);
	/* If the gadget was made by ffsctl, its workers may have allocated users. */
	if (r == 0)
		rundir_release_all_worker_uids(paths, name);
	configfs_tree_free(&f.configfs);
	free(f.mount_path);
	return r;
}
