/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compose/configfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "compose/compose.h"
#include "compose/udc.h"
#include "plan/files.h"

#define KERNEL_ENOTSUPP 524 /* what usb_ep_autoconfig's failure becomes (f_fs.c) */

static int explain_no_configfs(const struct compose *c, struct error *err)
{
	_cleanup_free_ char *gadgets = strf("%s/usb_gadget", c->world->configfs);

	if (path_exists(gadgets))
		return -err->err;
	err->exit = EX_UNAVAILABLE;
	if (path_exists("/sys/module/libcomposite"))
		return error_hint(err, "configfs is not mounted: mount -t configfs none %s",
				  c->world->configfs);
	return error_hint(err,
			  "there is no %s: modprobe libcomposite, and see that configfs is "
			  "mounted (mount -t configfs none %s)",
			  gadgets, c->world->configfs);
}

static int gadget_apply(struct step *step, struct error *err)
{
	if (mkdir(step->path, 0755) == 0)
		return 0;
	error_errno(err, EX_OSERR, errno, step->path, "cannot make the gadget %s", step->path);
	switch (err->err) {
	case ENOENT:
		return explain_no_configfs(step->self, err);
	case EEXIST:
		err->exit = EX_CANTCREAT;
		return error_hint(err,
				  "somebody else has made a gadget of that name; use --name, or "
				  "'down --force' to take it down");
	case EACCES:
	case EPERM:
		err->exit = EX_NOPERM;
		return error_hint(err, "this needs root");
	default:
		return -err->err;
	}
}

const struct step_op configfs_op_gadget = {
	.name = "gadget",
	.undo_name = "rmdir",
	.apply = gadget_apply,
	.undo = plan_undo_rmdir,
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
	.undo = plan_undo_rmdir,
};

static int write_apply(struct step *step, struct error *err)
{
	int r = file_write(AT_FDCWD, step->path, step->value, strlen(step->value));

	if (r < 0)
		return error_errno(err, EX_OSERR, -r, step->path, "cannot write '%s' to %s",
				   step->value, step->path);
	return 0;
}

const struct step_op configfs_op_write = { .name = "write", .apply = write_apply };

int configfs_unbind(const char *path, struct error *err)
{
	_cleanup_free_ char *udc = NULL;
	int r = file_read_line(AT_FDCWD, path, &udc);

	if (r == -ENOENT || (r == 0 && *udc == '\0'))
		return 0;
	if (r == 0)
		r = file_write(AT_FDCWD, path, "\n", 1);
	if (r == 0 || r == -ENODEV) /* ENODEV: the kernel has unbound it meanwhile */
		return 0;
	return error_errno(err, EX_OSERR, -r, path, "cannot take the gadget off its UDC (%s)",
			   path);
}

/* What one function wants of a UDC, for the message about one that has too little. */
static size_t endpoints_wanted(const struct gadget *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_functions; i++)
		for (size_t k = 0; g->functions[i].ffs && k < g->functions[i].ffs->n_interfaces;
		     k++)
			n += g->functions[i].ffs->interfaces[k].n_endpoints;
	return n;
}

static int explain_bind(const struct compose *c, const struct step *step, struct error *err)
{
	_cleanup_free_ char *holder = NULL, *sysfs = strf(UDC_CLASS_DIR "/%s", step->value);

	switch (err->err) {
	case EBUSY:
		err->exit = EX_UNAVAILABLE;
		holder = udc_holder(c->world, step->value);
		return error_hint(err, "it is held by %s",
				  holder ? holder : "a driver that does not show itself");
	case ENODEV:
		err->exit = EX_UNAVAILABLE;
		if (!path_exists(sysfs))
			return error_hint(err, "the UDC has gone");
		return error_hint(err, "a function found no endpoint that fits, or is not ready");
	case KERNEL_ENOTSUPP:
		err->exit = EX_UNAVAILABLE;
		return error_hint(err,
				  "the gadget needs %zu endpoints besides ep0, of types that this "
				  "UDC does not have",
				  endpoints_wanted(c->gadget));
	default:
		return -err->err;
	}
}

static int bind_apply(struct step *step, struct error *err)
{
	int r = file_write(AT_FDCWD, step->path, step->value, strlen(step->value));

	if (r == 0)
		return 0;
	error_errno(err, EX_OSERR, -r, step->path, "cannot bind the gadget to the UDC %s",
		    step->value);
	return explain_bind(step->self, step, err);
}

static int bind_undo(struct step *step, struct error *err)
{
	return configfs_unbind(step->path, err);
}

const struct step_op configfs_op_bind = {
	.name = "bind",
	.undo_name = "unbind",
	.apply = bind_apply,
	.undo = bind_undo,
};
