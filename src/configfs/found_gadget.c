/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/found_gadget.h"

#include "base/cleanup.h"
#include "configfs/attribute_steps.h"
#include "configfs/steps.h"

/*
 * Adds steps for the directories in a tree. The undo of these steps skips directories that the
 * kernel made: the kernel removes them together with their parent directories.
 */
static void add_directory_steps(struct plan *plan, const struct configfs_tree *tree,
				const char *dir)
{
	for (size_t i = 0; i < tree->n_children; i++) {
		const struct configfs_tree *child = &tree->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->kind != TREE_DIRECTORY)
			continue;
		plan_add(plan, &attribute_op_directory, xstrdup(path), NULL, NULL, NULL);
		add_directory_steps(plan, child, path);
	}
}

/*
 * Adds steps for the links in a tree. Called after add_directory_steps, because the undo must
 * remove a link before its target directory. A link in the directory of a function (uvc) cannot be
 * removed while the function is in a configuration. The tree lists `functions` before `configs`,
 * and the undo begins with the last step. So it removes the links of configurations first.
 */
static void add_symlink_steps(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	for (size_t i = 0; i < tree->n_children; i++) {
		const struct configfs_tree *child = &tree->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->kind == TREE_DIRECTORY)
			add_symlink_steps(plan, child, path);
		else if (child->kind == TREE_SYMLINK)
			plan_add(plan, &attribute_op_symlink, steal_ptr(path), NULL, NULL, NULL);
	}
}

void found_gadget_add_steps(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	plan_add(plan, &configfs_op_gadget, xstrdup(dir), NULL, NULL, NULL);
	add_directory_steps(plan, tree, dir);
	add_symlink_steps(plan, tree, dir);
}

void found_gadget_add_bind_step(struct plan *plan, const char *dir)
{
	plan_add(plan, &configfs_op_bind, strf("%s/UDC", dir), NULL, NULL, NULL);
}
