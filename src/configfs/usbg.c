/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/usbg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <usbg/usbg.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/attribute.h"
#include "configfs/serial.h"
#include "plan/files.h"

void usbg_view_close(struct usbg_view *view)
{
	if (view->state)
		usbg_cleanup(view->state);
	cleanup_close(&view->null);
	cleanup_close(&view->words);
	*view = USBG_VIEW_NONE;
}

/* libusbgx prints from inside; this takes its stderr away around a call. */
static void silence_begin(struct usbg_view *view)
{
	if (view->null < 0)
		view->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (view->words < 0)
		view->words = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (view->null >= 0 && view->words >= 0)
		dup2(view->null, STDERR_FILENO);
	errno = 0;
}

static void silence_end(const struct usbg_view *view)
{
	int e = errno;

	if (view->null >= 0 && view->words >= 0)
		dup2(view->words, STDERR_FILENO);
	errno = e;
}

/* Evaluates a libusbgx call without its words on stderr. */
#define QUIETLY(view, call)                                                                        \
	({                                                                                         \
		int __r;                                                                           \
                                                                                                   \
		silence_begin(view);                                                               \
		__r = (call);                                                                      \
		silence_end(view);                                                                 \
		__r;                                                                               \
	})

/* The library folds errno into few codes; these are the ones that have only one meaning. */
static int errno_of(int code)
{
	switch (code) {
	case USBG_ERROR_NO_MEM:
		return ENOMEM;
	case USBG_ERROR_NO_ACCESS:
		return EACCES;
	case USBG_ERROR_INVALID_PARAM:
	case USBG_ERROR_INVALID_VALUE:
		return EINVAL;
	case USBG_ERROR_NOT_FOUND:
		return ENOENT;
	case USBG_ERROR_NO_DEV:
		return ENODEV;
	case USBG_ERROR_BUSY:
		return EBUSY;
	case USBG_ERROR_NOT_SUPPORTED:
		return ENOTSUP;
	case USBG_ERROR_EXIST:
		return EEXIST;
	default:
		return EIO;
	}
}

/* Turns what a call returned into our result. errno is the failing system call's if there was one.
 */
static int result(const struct step *step, int code, const char *what, struct error *err)
{
	int e = errno;

	if (code == USBG_SUCCESS)
		return 0;
	return error_errno(err, EX_OSERR, e ? e : errno_of(code), step->path, "cannot %s %s", what,
			   step->path);
}

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The path's component that is `up` levels above the last one; the caller frees it. */
static char *component(const char *path, int up)
{
	const char *end = path + strlen(path), *start;

	for (;; end = start - 1) {
		start = end;
		while (start > path && start[-1] != '/')
			start--;
		if (up-- == 0)
			return xstrndup(start, (size_t)(end - start));
	}
}

static int language_of(const char *path)
{
	_cleanup_free_ char *dir = component(path, 1);

	return (int)strtol(dir, NULL, 0);
}

/* NAME.ID, as configfs names a configuration; the name may have dots itself. */
static usbg_config *find_config(const struct usbg_view *view, const char *dir)
{
	const char *dot = strrchr(dir, '.');
	_cleanup_free_ char *name = xstrndup(dir, (size_t)(dot - dir));

	return usbg_get_config(view->gadget, atoi(dot + 1), name);
}

static usbg_function *find_function(const struct usbg_view *view, const char *dir)
{
	const char *dot = strchr(dir, '.');
	_cleanup_free_ char *type = xstrndup(dir, (size_t)(dot - dir));
	int known = usbg_lookup_function_type(type);

	return known < 0 ? NULL : usbg_get_function(view->gadget, known, dot + 1);
}

/* VIEW/usb_gadget and VIEW of a view's path; the caller frees both. */
static bool split_view(const char *path, char **gadgets, char **top)
{
	*gadgets = path_parent(path);
	*top = path_parent(*gadgets);
	return **top != '\0'; /* else in a record that somebody has damaged */
}

static int view_undo(struct step *step, struct error *err)
{
	_cleanup_free_ char *gadgets = NULL, *top = NULL;

	if (step->self)
		usbg_view_close(step->self);
	if (!split_view(step->path, &gadgets, &top))
		return error_set(err, EX_SOFTWARE, EBADMSG, step->path, "%s is no view",
				 step->path);
	if ((unlink(step->path) < 0 && errno != ENOENT) ||
	    (rmdir(gadgets) < 0 && errno != ENOENT) || (rmdir(top) < 0 && errno != ENOENT))
		return error_errno(err, EX_OSERR, errno, top, "cannot remove %s", top);
	return 0;
}

static int view_make(struct step *step, struct error *err)
{
	_cleanup_free_ char *gadgets = NULL, *top = NULL;
	struct usbg_view *view = step->self;
	int r;

	split_view(step->path, &gadgets, &top);
	if (mkdir(top, 0700) < 0 || mkdir(gadgets, 0700) < 0 ||
	    symlink(step->value, step->path) < 0)
		return error_errno(err, EX_OSERR, errno, step->path, "cannot make %s", step->path);
	r = result(step, QUIETLY(view, usbg_init(top, &view->state)), "open libusbgx's view", err);
	if (r < 0)
		return r;
	view->gadget = usbg_get_gadget(view->state, base_name(step->path));
	if (!view->gadget)
		return error_set(err, EX_SOFTWARE, ENOENT, step->path,
				 "libusbgx does not see the gadget in its view %s", top);
	return 0;
}

static int view_apply(struct step *step, struct error *err)
{
	_cleanup_error_ struct error ignored = { 0 };
	int r = view_make(step, err);

	if (r < 0)
		view_undo(step, &ignored);
	return r;
}

const struct step_op usbg_op_view = {
	.name = "view",
	.undo_name = "remove-view",
	.apply = view_apply,
	.undo = view_undo,
};

/* --- without the library ---------------------------------------------------------------------- */

static int plain_write(const struct step *step, const char *text, struct error *err)
{
	const char *value = *text ? text : "\n"; /* nothing at all is EFAULT */
	int r = file_write(AT_FDCWD, step->path, value, strlen(value));

	if (r == 0)
		return 0;
	return error_errno(err, EX_OSERR, -r, step->path, "cannot write %s", step->path);
}

static int plain_mkdir(const struct step *step, const char *what, struct error *err)
{
	if (mkdir(step->path, 0755) == 0)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot make the %s %s", what,
			   step->path);
}

static int plain_link(const struct step *step, struct error *err)
{
	_cleanup_free_ char *config = path_parent(step->path), *configs = path_parent(config),
			    *gadget = path_parent(configs),
			    *target = strf("%s/functions/%s", gadget, step->value);

	if (symlink(target, step->path) == 0)
		return 0;
	return error_errno(err, EX_OSERR, errno, step->path, "cannot link the function %s",
			   step->path);
}

/* --- steps -------------------------------------------------------------------------------------
 */

static int attribute_apply(struct step *step, struct error *err)
{
	struct usbg_view *view = step->self;
	int attr = usbg_lookup_gadget_attr(base_name(step->path));

	configfs_keep(step);
	if (!view->gadget)
		return plain_write(step, step->value, err);
	return result(step,
		      QUIETLY(view, usbg_set_gadget_attr(view->gadget, attr,
							 (int)strtol(step->value, NULL, 0))),
		      "write", err);
}

const struct step_op usbg_op_attribute = {
	.name = "write-attribute",
	.apply = attribute_apply,
	.restore = configfs_restore,
};

static int write_string(struct step *step, const char *text, struct error *err)
{
	struct usbg_view *view = step->self;
	int which = usbg_lookup_gadget_str(base_name(step->path));

	configfs_keep(step);
	if (!view->gadget)
		return plain_write(step, text, err);
	return result(step,
		      QUIETLY(view, usbg_set_gadget_str(view->gadget, which,
							language_of(step->path), text)),
		      "write", err);
}

static int string_apply(struct step *step, struct error *err)
{
	return write_string(step, step->value, err);
}

const struct step_op usbg_op_string = {
	.name = "write-string",
	.apply = string_apply,
	.restore = configfs_restore,
};

/* Read when it is needed, so that plans and records, which others may read, do not hold it. */
static int serial_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *serial = NULL;
	int r = serial_read(step->value, &serial, err);

	return r < 0 ? r : write_string(step, serial, err);
}

const struct step_op usbg_op_serial = {
	.name = "write-serial",
	.apply = serial_apply,
	.restore = configfs_restore,
};

/* Where the module is not named after the function. */
static const char *const modules[][2] = {
	{ "ffs", "usb_f_fs" },		 { "gser", "usb_f_serial" },
	{ "geth", "usb_f_ecm_subset" },	 { "Loopback", "usb_f_ss_lb" },
	{ "SourceSink", "usb_f_ss_lb" },
};

static char *module_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (streq(modules[i][0], type))
			return xstrdup(modules[i][1]);
	return strf("usb_f_%s", type);
}

static int function_apply(struct step *step, struct error *err)
{
	struct usbg_view *view = step->self;
	const char *dir = base_name(step->path), *dot = strchr(dir, '.');
	_cleanup_free_ char *type = xstrndup(dir, (size_t)(dot - dir)), *module = NULL;
	int known = usbg_lookup_function_type(type), r;
	usbg_function *function;

	/* Of a type that the library does not know the directory is all there is to make. */
	if (known >= 0 && view->gadget)
		r = result(step,
			   QUIETLY(view, usbg_create_function(view->gadget, known, dot + 1, NULL,
							      &function)),
			   "make the function", err);
	else
		r = plain_mkdir(step, "function", err);
	if (r == -ENOENT) {
		err->exit = EX_UNAVAILABLE;
		module = module_of(type);
		return error_hint(err, "this kernel has no function '%s': modprobe %s", type,
				  module);
	}
	if (r == -EBUSY && streq(type, "ffs"))
		return error_hint(err,
				  "another gadget on this machine has an instance of that name");
	if (r == -EBUSY) /* u_serial.h, MAX_U_SERIAL_PORTS */
		return error_hint(err,
				  "the kernel has 8 serial ports for acm, gser and obex of all "
				  "gadgets together");
	return r;
}

static int function_undo(struct step *step, struct error *err)
{
	int r = plan_undo_rmdir(step, err);

	if (r == -EBUSY && str_has_prefix(base_name(step->path), "tcm."))
		return error_hint(err, "its target is still there: remove that, which is below "
				       "target/usb_gadget in configfs, first");
	return r;
}

const struct step_op usbg_op_function = {
	.name = "function",
	.undo_name = "rmdir",
	.apply = function_apply,
	.undo = function_undo,
};

static int config_apply(struct step *step, struct error *err)
{
	struct usbg_view *view = step->self;
	const char *dir = base_name(step->path), *dot = strrchr(dir, '.');
	_cleanup_free_ char *name = xstrndup(dir, (size_t)(dot - dir));
	usbg_config *config;

	if (!view->gadget)
		return plain_mkdir(step, "configuration", err);
	return result(step,
		      QUIETLY(view, usbg_create_config(view->gadget, atoi(dot + 1), name, NULL,
						       NULL, &config)),
		      "make the configuration", err);
}

const struct step_op usbg_op_config = {
	.name = "config",
	.undo_name = "rmdir",
	.apply = config_apply,
	.undo = plan_undo_rmdir,
};

static int config_attribute_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *dir = component(step->path, 1);
	struct usbg_view *view = step->self;
	int value = (int)strtol(step->value, NULL, 0);
	usbg_config *config;
	int r;

	configfs_keep(step);
	if (!view->gadget)
		return plain_write(step, step->value, err);
	config = find_config(view, dir);
	/* Not the attrs struct: its bMaxPower is 8 bits, and the kernel's unit is mA. */
	if (streq(base_name(step->path), "MaxPower"))
		r = QUIETLY(view, usbg_set_config_max_power(config, value));
	else
		r = QUIETLY(view, usbg_set_config_bm_attrs(config, value));
	return result(step, r, "write", err);
}

const struct step_op usbg_op_config_attribute = {
	.name = "write-config-attribute",
	.apply = config_attribute_apply,
	.restore = configfs_restore,
};

static int config_string_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *dir = component(step->path, 3);
	struct usbg_view *view = step->self;
	usbg_config *config;

	configfs_keep(step);
	if (!view->gadget)
		return plain_write(step, step->value, err);
	config = find_config(view, dir);
	return result(
		step,
		QUIETLY(view, usbg_set_config_string(config, language_of(step->path), step->value)),
		"write", err);
}

const struct step_op usbg_op_config_string = {
	.name = "write-config-string",
	.apply = config_string_apply,
	.restore = configfs_restore,
};

static int binding_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *dir = component(step->path, 1);
	struct usbg_view *view = step->self;
	usbg_function *function = view->gadget ? find_function(view, step->value) : NULL;
	usbg_config *config;

	/* Or the library has not made it. */
	if (!function)
		return plain_link(step, err);
	config = find_config(view, dir);
	return result(
		step,
		QUIETLY(view, usbg_add_config_function(config, base_name(step->path), function)),
		"link the function", err);
}

const struct step_op usbg_op_binding = {
	.name = "link",
	.undo_name = "unlink",
	.apply = binding_apply,
	.undo = plan_undo_unlink,
};
