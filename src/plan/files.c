/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/files.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int mkdir_apply(struct step *step, struct error *err)
{
	if (mkdir(step->path, 0755) == 0)
		return 0;
	return error_errno(err, errno == EACCES || errno == EPERM ? EX_NOPERM : EX_OSERR, errno,
			   step->path, "cannot make the directory %s", step->path);
}

int plan_undo_rmdir(struct step *step, struct error *err)
{
	if (rmdir(step->path) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot remove the directory %s",
			   step->path);
}

const struct step_op plan_op_mkdir = {
	.name = "mkdir",
	.undo_name = "rmdir",
	.apply = mkdir_apply,
	.undo = plan_undo_rmdir,
};

static int mkdir_shared_apply(struct step *step, struct error *err)
{
	struct stat st;

	if (stat(step->path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return mkdir_apply(step, err);
}

static int mkdir_shared_undo(struct step *step, struct error *err)
{
	if (rmdir(step->path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EBUSY)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot remove the directory %s",
			   step->path);
}

const struct step_op plan_op_mkdir_shared = {
	.name = "mkdir-shared",
	.undo_name = "rmdir-if-empty",
	.apply = mkdir_shared_apply,
	.undo = mkdir_shared_undo,
};

static int symlink_apply(struct step *step, struct error *err)
{
	if (symlink(step->value, step->path) == 0)
		return 0;
	return error_errno(err, errno == EEXIST ? EX_CANTCREAT : EX_OSERR, errno, step->path,
			   "cannot make the link %s", step->path);
}

int plan_undo_unlink(struct step *step, struct error *err)
{
	if (unlink(step->path) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot remove the link %s",
			   step->path);
}

/* Only the link that says what ours says is ours. */
static int symlink_undo(struct step *step, struct error *err)
{
	char target[4096];
	ssize_t n = readlink(step->path, target, sizeof(target));

	if (n < 0 || (size_t)n != strlen(step->value) ||
	    memcmp(target, step->value, (size_t)n) != 0)
		return 0;
	return plan_undo_unlink(step, err);
}

const struct step_op plan_op_symlink = {
	.name = "symlink",
	.undo_name = "unlink",
	.apply = symlink_apply,
	.undo = symlink_undo,
};
