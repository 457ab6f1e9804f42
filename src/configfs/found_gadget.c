/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/found_gadget.h"

#include "base/cleanup.h"
#include "configfs/attributes.h"
#include "configfs/steps.h"

/*
 * Adds steps for the directories in a tree. The undo of these steps ignores directories that the
 * kernel made, because the kernel removes them with their parent directories.
 */
static void add_directories(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	for (size_t i = 0; i < tree->n; i++) {
		const struct configfs_tree *child = &tree->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->type != TREE_DIRECTORY)
			continue;
		plan_add(plan, &attribute_op_directory, xstrdup(path), NULL, NULL, NULL);
		add_directories(plan, child, path);
	}
}

/*
 * Adds steps for the links in a tree, after the steps for all directories: the undo must remove a
 * link before the directory that it leads to. Links inside of a function (uvc) cannot be removed
 * while the function is in a configuration. Their undo comes after that of the links in
 * configurations, because in each gadget `functions` is before `configs`.
 */
static void add_links(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	for (size_t i = 0; i < tree->n; i++) {
		const struct configfs_tree *child = &tree->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->type == TREE_DIRECTORY)
			add_links(plan, child, path);
		else if (child->type == TREE_LINK)
			plan_add(plan, &attribute_op_link, steal_ptr(path), NULL, NULL, NULL);
	}
}

void found_gadget_add_steps(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	plan_add(plan, &configfs_op_gadget, xstrdup(dir), NULL, NULL, NULL);
	add_directories(plan, tree, dir);
	add_links(plan, tree, dir);
}

void found_gadget_add_bind(struct plan *plan, const char *dir)
{
	plan_add(plan, &configfs_op_bind, strf("%s/UDC", dir), NULL, NULL, NULL);
}
