/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/mount.h"

#include <errno.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "functionfs/mount_point.h"
#include "plan/directories_and_links.h"

/*
 * Number of attempts to unmount, PLAN_SOON_MS apart. A mount may be busy for a short time although
 * no worker uses it any more, and no event reports when the mount is free. There are two possible
 * reasons:
 *
 * - A kernel thread has the last reference to an endpoint file: it completes a cancelled AIO
 * request (f_fs.c: ffs_user_copy_worker). It drops this reference one tick after the death of the
 * process was reported (fs/file_table.c: delayed_fput).
 * - The supervisor has died, and a keeper is exiting for this reason but still has ep0 open.
 */
#define UMOUNT_TRIES 100

static char *instance_of_mount(const struct step *step)
{
	return xstrndup(step->value, strcspn(step->value, " "));
}

int ffs_fail_missing(struct error *err)
{
	err->exit = EX_UNAVAILABLE;
	error_add_detail(err, "this kernel has no FunctionFS");
	return error_add_hint(err, FFS_LOAD_HINT);
}

/*
 * Unmounts and fails if another program has mounted on the same path since ffs_check_mount_point.
 * Of two mounts that are made at the same time the first one stays.
 */
static int retreat_from_other_mount(const struct step *step, const char *instance,
				    struct error *err)
{
	int r = ffs_check_mounted_first(step->context, step->path, instance, err);

	if (r < 0)
		umount2(step->path, UMOUNT_NOFOLLOW);
	return r;
}

static int mount_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *instance = instance_of_mount(step);
	const char *options = step->value + strlen(instance);

	int r = ffs_check_mount_point(step->context, step->path, instance, err);

	if (r < 0)
		return r;
	options += *options == ' ';
	if (mount(instance, step->path, FFS_FILE_SYSTEM, MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  options) == 0)
		return retreat_from_other_mount(step, instance, err);
	error_errno(err, EX_OSERR, errno, step->path, "cannot mount FunctionFS instance '%s' on %s",
		    instance, step->path);
	if (err->errno_value == EBUSY) {
		error_add_detail(err, "the instance is mounted already");
		return error_add_hint(err, "see /proc/mounts");
	}
	return err->errno_value == ENODEV ? ffs_fail_missing(err) : -err->errno_value;
}

static int fail_mount_in_use(const char *path, const char *users, int exit, struct error *err)
{
	error_set(err, exit, EBUSY, path, "cannot unmount %s: in use by %s", path, users);
	return error_add_hint(err, "stop these processes first");
}

static int fail_covered(const char *path, const char *cover, int exit, struct error *err)
{
	error_set(err, exit, EBUSY, path, "cannot unmount %s: %s hides it", path, cover);
	return error_add_hint(err, "unmount that first");
}

static int mount_undo(struct step *step, struct error *err)
{
	_cleanup_free_ char *instance = instance_of_mount(step), *users = NULL;
	_cleanup_free_ char *cover = ffs_find_cover(step->context, NULL, step->path, instance);
	int r = mount_state_at(step->path, FFS_FILE_SYSTEM, instance);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, "/proc/self/mountinfo",
				   "cannot read /proc/self/mountinfo");
	if (cover)
		return fail_covered(step->path, cover, EX_OSERR, err);
	if (r != MOUNT_MATCH || umount2(step->path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	r = -errno;
	if (r == -EBUSY && ++step->n_undo_tries < UMOUNT_TRIES)
		return PLAN_SOON;
	users = mount_users_as_text(step->path, 0);
	if (users)
		return fail_mount_in_use(step->path, users, EX_OSERR, err);
	return error_errno(err, EX_OSERR, -r, step->path, "cannot unmount %s", step->path);
}

int ffs_check_mount_unused(const struct step *step, pid_t except, struct error *err)
{
	_cleanup_free_ char *instance = instance_of_mount(step);
	_cleanup_free_ char *cover = ffs_find_cover(step->context, NULL, step->path, instance);
	_cleanup_free_ char *users = cover ? NULL : mount_users_as_text(step->path, except);

	if (cover)
		return fail_covered(step->path, cover, EX_CANTCREAT, err);
	return users ? fail_mount_in_use(step->path, users, EX_CANTCREAT, err) : 0;
}

int ffs_check_path_is_free(const struct step *step, struct error *err)
{
	_cleanup_free_ char *instance = NULL;
	int r = 0;

	if (step->op == &ffs_op_mount) {
		instance = instance_of_mount(step);
		r = ffs_check_mount_point(step->context, step->path, instance, err);
	} else if (step->op == &ffs_op_device_link) {
		r = ffs_check_link_path(step->context, step->path, err);
	}
	return r < 0 ? error_set_position(err, &step->at) : 0;
}

static int device_link_apply(struct step *step, struct error *err)
{
	int r = ffs_check_link_path(step->context, step->path, err);

	return r < 0 ? r : plan_op_symlink.apply(step, err);
}

static int device_link_undo(struct step *step, struct error *err)
{
	return plan_op_symlink.undo(step, err);
}

const struct step_op ffs_op_mount = {
	.name = "mount",
	.undo_name = "umount",
	.apply = mount_apply,
	.undo = mount_undo,
	.needs_value = true,
};

/* In records it is a "symlink", as older versions of ffsctl know it. */
const struct step_op ffs_op_device_link = {
	.name = "symlink",
	.undo_name = "unlink",
	.apply = device_link_apply,
	.undo = device_link_undo,
	.needs_value = true,
};

bool ffs_step_uses_path(const struct step *step, const char *path)
{
	return (step->op == &ffs_op_mount || step->op == &ffs_op_device_link) &&
	       (streq(step->path, path) || path_is_below(step->path, path) ||
		path_is_below(path, step->path));
}
