/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dependencies between steps: those in configfs (configfs/step_dependencies.h), and those of
 * functions and workers. The rules compare only op, path and value: if the old plan was read from
 * a record, its steps have no `context`.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "configfs/attribute_steps.h"
#include "configfs/items.h"
#include "configfs/step_dependencies.h"
#include "configfs/steps.h"
#include "functionfs/mount.h"
#include "plan/directories_and_links.h"
#include "supervisor/reload_plan.h"

static bool is_worker_step(const struct step *step)
{
	return step->op == &function_op_worker || step->op == &function_op_ready;
}

/* Returns whether a reload can undo and apply the step while the gadget is bound. */
static bool can_change_while_bound(const struct step *step)
{
	static const struct step_op *const ops[] = {
		&function_op_worker, &function_op_ready,    &ffs_op_device_link,
		&plan_op_mkdir,	     &plan_op_mkdir_shared,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (step->op == ops[i])
			return true;
	return configfs_writable_while_bound(step);
}

static bool is_function_of_mount(const struct step *function, const struct step *mount)
{
	_cleanup_free_ char *name =
		strf("/functions/ffs.%.*s", (int)strcspn(mount->value, " "), mount->value);

	return function->op == &configfs_op_function && str_has_suffix(function->path, name);
}

static bool step_depends_on(const struct step *later, const struct step *earlier)
{
	if (later->op == &configfs_op_bind)
		return !can_change_while_bound(earlier);
	/*
	 * The undo of a shared directory keeps the directory if it is not empty. So steps in it
	 * need not be undone before this step.
	 */
	if (earlier->op == &plan_op_mkdir_shared)
		return false;
	if (is_worker_step(later))
		return (earlier->op == &ffs_op_mount || earlier->op == &configfs_op_function) &&
		       streq(function_directory_of_worker_step(later), earlier->path);
	if (later->op == &function_op_keeper && earlier->op == &configfs_op_function)
		return streq(later->path, earlier->path);
	if (later->op == &ffs_op_mount && is_function_of_mount(earlier, later))
		return true;
	if (earlier->op == &plan_op_mkdir || earlier->op == &ffs_op_mount)
		return path_is_below(later->path, earlier->path) ||
		       (later->op == &ffs_op_mount && streq(later->path, earlier->path));
	return configfs_step_depends_on(later, earlier);
}

/*
 * If a step below a mount point changes, FunctionFS is unmounted and mounted again, because
 * FunctionFS accepts no other descriptors while ep0 is open.
 */
static bool earlier_must_be_reapplied_if_later_changes(const struct step *earlier,
						       const struct step *later)
{
	if (earlier->op == &ffs_op_mount)
		return !is_worker_step(later) && path_is_below(later->path, earlier->path);
	return configfs_earlier_must_be_reapplied_if_later_changes(earlier, later);
}

static bool step_can_replace_old_step(const struct step *next, const struct step *last)
{
	if (next->op == &function_op_worker)
		return function_steps_name_same_worker(next, last);
	return configfs_step_can_replace(next, last);
}

const struct plan_rules reload_rules = {
	.depends_on = step_depends_on,
	.earlier_must_be_reapplied_if_later_changes = earlier_must_be_reapplied_if_later_changes,
	.can_replace_in_place = step_can_replace_old_step,
};

bool reload_rebinds(const struct difference *d)
{
	for (size_t i = 0; i < d->n_changes; i++)
		if (d->merged_plan->steps[d->changes[i].index_in_merged_plan].op ==
		    &configfs_op_bind)
			return true;
	return false;
}
