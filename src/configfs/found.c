/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/found.h"

#include "base/cleanup.h"
#include "configfs/attributes.h"
#include "configfs/steps.h"

/* The undo leaves directories that the kernel made: they are removed with their parents. */
static void add_directories(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	for (size_t i = 0; i < tree->n; i++) {
		const struct configfs_tree *child = &tree->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->kind != TREE_DIRECTORY)
			continue;
		plan_add(plan, &attribute_op_directory, xstrdup(path), NULL, NULL, NULL);
		add_directories(plan, child, path);
	}
}

/*
 * A directory that a link leads to cannot be removed, and links inside a function (uvc) lead to its
 * other directories: all links are removed before the first directory. Those in configurations come
 * first, as a function keeps its links while it is in a configuration: `functions` is older than
 * `configs` in each gadget.
 */
static void add_links(struct plan *plan, const struct configfs_tree *tree, const char *dir)
{
	for (size_t i = 0; i < tree->n; i++) {
		const struct configfs_tree *child = &tree->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->kind == TREE_DIRECTORY)
			add_links(plan, child, path);
		else if (child->kind == TREE_LINK)
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
