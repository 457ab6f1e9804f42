// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/items.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "configfs/backend.h"
#include "configfs/restore_value.h"
#include "configfs/serial_number.h"
#include "gadgetfile/keys/function_types.h"
#include "plan/directories_and_links.h"

static int make_item(struct step *step, enum backend_item item, const char *value, const char *verb,
		     struct error *err)
{
	int r = backend_make_item(step->context, item, step->path, value);

	if (r == 0)
		return 0;
	return error_errno(err, EX_OSERR, -r, step->path, "cannot %s %s", verb, step->path);
}

/* --- Values ----------------------------------------------------------------------------------- */

static int write_item_value(struct step *step, enum backend_item item, const char *value,
			    struct error *err)
{
	configfs_remember_previous_value(step);
	return make_item(step, item, value, "write", err);
}

static int write_attribute_apply(struct step *step, struct error *err)
{
	return write_item_value(step, ITEM_ATTRIBUTE, step->value, err);
}

const struct step_op configfs_op_attribute = {
	.name = "write-attribute",
	.apply = write_attribute_apply,
	.restore_previous_value = configfs_restore_value,
};

static int write_string_apply(struct step *step, struct error *err)
{
	return write_item_value(step, ITEM_STRING, step->value, err);
}

const struct step_op configfs_op_string = {
	.name = "write-string",
	.apply = write_string_apply,
	.restore_previous_value = configfs_restore_value,
};

/*
 * Reads the serial number of this system and writes it to the attribute. The plan contains only the
 * source of the serial number, because `up --dry-run` prints the plan.
 */
static int write_serial_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *serial = NULL;
	int r = serial_number_read(step->value, &serial, err);

	return r < 0 ? r : write_item_value(step, ITEM_STRING, serial, err);
}

const struct step_op configfs_op_serial = {
	.name = "write-serial",
	.apply = write_serial_apply,
	.restore_previous_value = configfs_restore_value,
};

static int write_config_attribute_apply(struct step *step, struct error *err)
{
	return write_item_value(step, ITEM_CONFIG_ATTRIBUTE, step->value, err);
}

const struct step_op configfs_op_config_attribute = {
	.name = "write-config-attribute",
	.apply = write_config_attribute_apply,
	.restore_previous_value = configfs_restore_value,
};

static int write_config_string_apply(struct step *step, struct error *err)
{
	return write_item_value(step, ITEM_CONFIG_STRING, step->value, err);
}

const struct step_op configfs_op_config_string = {
	.name = "write-config-string",
	.apply = write_config_string_apply,
	.restore_previous_value = configfs_restore_value,
};

/* --- Directories and links -------------------------------------------------------------------- */

char *function_kernel_module(const char *type)
{
	const struct function_type *known = function_type_find(type);

	return known && known->module ? xstrdup(known->module) : strf("usb_f_%s", type);
}

/* Returns the type of a function from the path of its directory; the caller frees it. */
static char *type_in_path(const char *path)
{
	const char *dir = strrchr(path, '/') + 1;

	return xstrndup(dir, strcspn(dir, "."));
}

static int function_apply(struct step *step, struct error *err)
{
	_cleanup_free_ char *type = type_in_path(step->path), *module = NULL;
	const struct function_type *known = function_type_find(type);
	int r = make_item(step, ITEM_FUNCTION, NULL, "make the function", err);

	if (r == -ENOENT) {
		err->exit = EX_UNAVAILABLE;
		module = function_kernel_module(type);
		error_add_detail(err, "this kernel has no function '%s'", type);
		return error_add_hint(err, "modprobe %s", module);
	}
	if (r == -EBUSY && known && known->busy_when_made)
		return error_add_detail(err, "%s", known->busy_when_made);
	return r;
}

static int function_undo(struct step *step, struct error *err)
{
	_cleanup_free_ char *type = type_in_path(step->path);
	const struct function_type *known = function_type_find(type);
	int r;

	backend_close_before_removal(step->context);
	r = plan_undo_mkdir(step, err);
	if (r != -EBUSY || !known || !known->busy_when_removed)
		return r;
	error_add_detail(err, "%s", known->busy_when_removed);
	return error_add_hint(err, "%s", known->hint_when_removed);
}

const struct step_op configfs_op_function = {
	.name = "function",
	.undo_name = "rmdir",
	.apply = function_apply,
	.undo = function_undo,
};

static int config_apply(struct step *step, struct error *err)
{
	return make_item(step, ITEM_CONFIG, NULL, "make the configuration", err);
}

static int config_undo(struct step *step, struct error *err)
{
	backend_close_before_removal(step->context);
	return plan_undo_mkdir(step, err);
}

const struct step_op configfs_op_config = {
	.name = "config",
	.undo_name = "rmdir",
	.apply = config_apply,
	.undo = config_undo,
};

static int function_symlink_apply(struct step *step, struct error *err)
{
	return make_item(step, ITEM_SYMLINK, step->value, "link the function", err);
}

static int function_symlink_undo(struct step *step, struct error *err)
{
	backend_close_before_removal(step->context);
	return plan_undo_symlink(step, err);
}

const struct step_op configfs_op_link = {
	.name = "link",
	.undo_name = "unlink",
	.apply = function_symlink_apply,
	.undo = function_symlink_undo,
};
