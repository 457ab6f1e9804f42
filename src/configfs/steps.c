/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/bind_failure.h"
#include "configfs/configfs.h"
#include "configfs/deactivation.h"
#include "configfs/renew_symlinks.h"
#include "configfs/restore_value.h"
#include "configfs/udc.h"
#include "plan/directories_and_links.h"

#define CONFIGFS_MAGIC 0x62656570 /* fs/configfs/mount.c */

static int explain_no_configfs(const struct configfs *c, struct error *err)
{
	_cleanup_free_ char *gadgets = strf("%s/usb_gadget", c->paths->configfs_mount_point);
	struct statfs fs;

	if (path_exists(gadgets))
		return -err->errno_value;
	err->exit = EX_UNAVAILABLE;
	if (statfs(c->paths->configfs_mount_point, &fs) < 0 || fs.f_type != CONFIGFS_MAGIC) {
		error_add_detail(err, "configfs is not mounted");
		return error_add_hint(err, "mount -t configfs none %s",
				      c->paths->configfs_mount_point);
	}
	error_add_detail(err, "the kernel has not loaded libcomposite");
	return error_add_hint(err, "modprobe libcomposite");
}

int error_gadget_of_other_program(const char *name, const char *dir, struct error *err)
{
	error_set(err, EX_CANTCREAT, EEXIST, dir, "the gadget '%s' was not made by ffsctl", name);
	return error_add_hint(err, "'ffsctl down --force %s' takes it down", name);
}

static int gadget_directory_step_apply(struct step *step, struct error *err)
{
	const char *name = path_last_component(step->path);

	if (mkdir(step->path, 0755) == 0)
		return 0;
	error_errno(err, EX_OSERR, errno, step->path, "cannot make the gadget %s", step->path);
	switch (err->errno_value) {
	case ENOENT:
		return explain_no_configfs(step->context, err);
	case EEXIST:
		return error_gadget_of_other_program(name, step->path, err);
	case EACCES:
	case EPERM:
		err->exit = EX_NOPERM;
		return error_add_root_hint(err);
	default:
		return -err->errno_value;
	}
}

const struct step_op configfs_op_gadget = {
	.name = "gadget",
	.undo_name = "rmdir",
	.apply = gadget_directory_step_apply,
	.undo = plan_undo_mkdir,
};

static int configfs_mkdir_apply(struct step *step, struct error *err)
{
	if (mkdir(step->path, 0755) == 0)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot make %s", step->path);
}

const struct step_op configfs_op_mkdir = {
	.name = "configfs-mkdir",
	.undo_name = "rmdir",
	.apply = configfs_mkdir_apply,
	.undo = plan_undo_mkdir,
};

static int write_apply(struct step *step, struct error *err)
{
	int r;

	configfs_remember_previous_value(step);
	r = file_write(AT_FDCWD, step->path, step->value, strlen(step->value));
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, step->path, "cannot write '%s' to %s",
				   step->value, step->path);
	return 0;
}

const struct step_op configfs_op_write = {
	.name = "write",
	.apply = write_apply,
	.restore_previous_value = configfs_restore_value,
};

int configfs_unbind(const char *udc_attribute_path, struct error *err)
{
	_cleanup_free_ char *udc = NULL;
	int r = file_read_first_line(AT_FDCWD, udc_attribute_path, &udc);

	if (r == -ENOENT || (r == 0 && *udc == '\0'))
		return 0;
	if (r == 0)
		r = file_write(AT_FDCWD, udc_attribute_path, "\n", 1);
	if (r == 0 || r == -ENODEV) /* ENODEV: the kernel has unbound the gadget since its attribute
				       UDC was read */
		return 0;
	return error_errno(err, EX_OSERR, -r, udc_attribute_path, "cannot unbind the gadget (%s)",
			   udc_attribute_path);
}

static int bind_apply(struct step *step, struct error *err)
{
	_cleanup_bind_kernel_log_ struct bind_kernel_log log;
	_cleanup_free_ char *dir = path_parent(step->path);
	struct configfs *c = step->context;
	int r;

	bind_kernel_log_open(&log);
	r = configfs_renew_symlinks(c->gadget, dir, err);
	if (r < 0)
		return r;
	configfs_note_bind(c, step->value);
	r = file_write(AT_FDCWD, step->path, step->value, strlen(step->value));
	if (r == 0)
		r = configfs_bind_again_after_failed_bind(c, step->path, step->value);
	if (r == 0)
		return 0;
	r = explain_bind_failure(c, step, &log, -r, err);
	configfs_handle_failed_bind(c, step->value, err);
	return r;
}

static int bind_undo(struct step *step, struct error *err)
{
	const struct configfs *c = step->context; /* NULL: the plan was read from a record */
	bool ends_note = c && configfs_unbind_ends_note(c, step->value);
	int r = configfs_unbind(step->path, err);

	if (r == 0 && ends_note)
		configfs_remove_note(c, step->value);
	return r;
}

const struct step_op configfs_op_bind = {
	.name = "bind",
	.undo_name = "unbind",
	.apply = bind_apply,
	.undo = bind_undo,
};
