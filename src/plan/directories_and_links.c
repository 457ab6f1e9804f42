/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/directories_and_links.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Maximum number of tries to make a directory that other commands remove. */
#define SHARED_TRIES 100

/* Makes the directory of a step. Returns 0 or a negative errno. */
static int make_directory(const struct step *step)
{
	_cleanup_free_ char *parent = path_parent(step->path);

	for (int i = 0; i < SHARED_TRIES; i++) {
		if (mkdir(step->path, 0755) == 0)
			return 0;
		if (errno != ENOENT || step->context != PLAN_SHARED_PARENT)
			break;
		/*
		 * An earlier step made the parent directory, but the undo of another gadget's step
		 * has removed it since.
		 */
		if (mkdir(parent, 0755) < 0 && errno != EEXIST)
			break;
	}
	return -errno;
}

static int mkdir_apply(struct step *step, struct error *err)
{
	int r = make_directory(step);

	if (r == 0)
		return 0;
	return error_errno(err, r == -EACCES || r == -EPERM ? EX_NOPERM : EX_OSERR, -r, step->path,
			   "cannot make the directory %s", step->path);
}

int plan_undo_mkdir(struct step *step, struct error *err)
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
	.undo = plan_undo_mkdir,
};

/*
 * Makes a directory that several gadgets use. Other commands may make and remove it between any two
 * system calls of this function.
 */
static int mkdir_shared_apply(struct step *step, struct error *err)
{
	struct stat st;

	for (int i = 0; i < SHARED_TRIES; i++) {
		int r = make_directory(step);

		if (r == 0)
			return 0;
		if (r != -EEXIST)
			break;
		if (stat(step->path, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				return 0;
			break;
		}
		/* Another command has removed the directory since mkdir(2) failed. */
	}
	/* One more try, because mkdir_apply also sets the error message if it fails. */
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

int plan_undo_symlink(struct step *step, struct error *err)
{
	if (unlink(step->path) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot remove the link %s",
			   step->path);
}

/* Does not remove a link that has another target: another program has made it. */
static int symlink_undo(struct step *step, struct error *err)
{
	char target[4096];
	ssize_t n = readlink(step->path, target, sizeof(target));

	if (n < 0 || (size_t)n != strlen(step->value) ||
	    memcmp(target, step->value, (size_t)n) != 0)
		return 0;
	return plan_undo_symlink(step, err);
}

const struct step_op plan_op_symlink = {
	.name = "symlink",
	.undo_name = "unlink",
	.apply = symlink_apply,
	.undo = symlink_undo,
	.needs_value = true,
};
