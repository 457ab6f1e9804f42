/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/found.h"

#include "base/cleanup.h"
#include "configfs/attributes.h"
#include "configfs/steps.h"

/*
 * Adds steps for the directories in a tree. Their undo does not remove directories that the kernel
 * made: those are removed with their parents.
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
 * Adds steps for the links in a tree. A directory that a link leads to cannot be removed, and links
 * in a function (uvc) lead to its other directories, so all links are removed before the first
 * directory. Links in configurations are removed first, because a function keeps its links while it
 * is in a configuration: each gadget has `functions` before `configs`.
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

void found_add_gadget(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	plan_add(plan, &configfs_op_gadget, xstrdup(dir), NULL, NULL, NULL);
	add_directories(plan, tree, dir);
	add_links(plan, tree, dir);
}

void found_add_bind(struct plan *plan, const char *dir)
{
	plan_add(plan, &configfs_op_bind, strf("%s/UDC", dir), NULL, NULL, NULL);
}
