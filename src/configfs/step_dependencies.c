/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/step_dependencies.h"

#include "base/cleanup.h"
#include "configfs/attribute_steps.h"
#include "configfs/items.h"
#include "configfs/steps.h"

static bool makes_directory(const struct step *step)
{
	return step->op == &configfs_op_gadget || step->op == &configfs_op_mkdir ||
	       step->op == &configfs_op_function || step->op == &configfs_op_config ||
	       step->op == &attribute_op_directory;
}

static bool in_same_directory(const struct step *a, const struct step *b)
{
	_cleanup_free_ char *dir_a = path_parent(a->path), *dir_b = path_parent(b->path);

	return streq(dir_a, dir_b);
}

static bool last_path_component_is(const struct step *step, const char *name)
{
	return streq(path_last_component(step->path), name);
}

/*
 * Returns whether the two steps write the attributes `file` and `ro` of the same LUN. `ro` must be
 * written before `file`, because the kernel reads `ro` when it opens the file (storage_common.c).
 */
static bool is_ro_of_same_lun(const struct step *file, const struct step *ro)
{
	return configfs_writable_while_bound(file) && configfs_writable_while_bound(ro) &&
	       last_path_component_is(file, "file") && last_path_component_is(ro, "ro") &&
	       in_same_directory(file, ro);
}

bool configfs_step_depends_on(const struct step *later, const struct step *earlier)
{
	if (makes_directory(earlier)) {
		if (path_is_below(later->path, earlier->path))
			return true;
		if (later->op == &attribute_op_symlink &&
		    (streq(later->value, earlier->path) ||
		     path_is_below(later->value, earlier->path)))
			return true;
	}
	if (later->op == &configfs_op_link) {
		/* The order of a configuration's links is the order of its interfaces. */
		if (earlier->op == &configfs_op_link)
			return in_same_directory(later, earlier);
		return earlier->op == &configfs_op_function &&
		       last_path_component_is(earlier, later->value);
	}
	/*
	 * The order of the configurations matters, because a host chooses the first one that it can
	 * use.
	 */
	if (later->op == &configfs_op_config)
		return earlier->op == &configfs_op_config;
	return is_ro_of_same_lun(later, earlier);
}

bool configfs_earlier_must_be_reapplied_if_later_changes(const struct step *earlier,
							 const struct step *later)
{
	return earlier->op == &configfs_op_function && path_is_below(later->path, earlier->path) &&
	       !configfs_writable_while_bound(later);
}

bool configfs_step_can_replace(const struct step *next, const struct step *last)
{
	return next->op->restore_previous_value && streq(next->path, last->path);
}
