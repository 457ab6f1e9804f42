/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/mount.h"

#include <errno.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/proc.h"

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

static int mount_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *instance = instance_of_mount(step);
	const char *options = step->value + strlen(instance);

	options += *options == ' ';
	if (mount(instance, step->path, FFS_FILE_SYSTEM, MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  options) == 0)
		return 0;
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

static int mount_undo(struct step *step, struct error *err)
{
	_cleanup_free_ char *instance = instance_of_mount(step), *users = NULL;
	int r = mount_state_at(step->path, FFS_FILE_SYSTEM, instance);

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, "/proc/self/mountinfo",
				   "cannot read /proc/self/mountinfo");
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
	_cleanup_free_ char *users = mount_users_as_text(step->path, except);

	return users ? fail_mount_in_use(step->path, users, EX_CANTCREAT, err) : 0;
}

const struct step_op ffs_op_mount = {
	.name = "mount",
	.undo_name = "umount",
	.apply = mount_apply,
	.undo = mount_undo,
	.needs_value = true,
};
