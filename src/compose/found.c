/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compose/found.h"

#include "base/cleanup.h"
#include "compose/configfs.h"
#include "compose/entries.h"

/* Those that the kernel has made itself are left alone by the undo: they go with what they are of.
 */
static void add_directories(struct plan *plan, const struct live *live, const char *dir)
{
	for (size_t i = 0; i < live->n; i++) {
		const struct live *child = &live->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->kind != LIVE_DIRECTORY)
			continue;
		plan_add(plan, &entry_op_directory, xstrdup(path), NULL, NULL, NULL);
		add_directories(plan, child, path);
	}
}

/*
 * Links inside a function (uvc) lead to others' directories, and what is linked cannot be removed:
 * they all go before the first directory. Those of configurations go before them, as a function
 * keeps its own while it is in a configuration: `functions` is older than `configs` in each gadget.
 */
static void add_links(struct plan *plan, const struct live *live, const char *dir)
{
	for (size_t i = 0; i < live->n; i++) {
		const struct live *child = &live->children[i];
		_cleanup_free_ char *path = strf("%s/%s", dir, child->name);

		if (child->kind == LIVE_DIRECTORY)
			add_links(plan, child, path);
		else if (child->kind == LIVE_LINK)
			plan_add(plan, &entry_op_link, steal_ptr(path), NULL, NULL, NULL);
	}
}

void found_add_gadget(struct plan *plan, const struct live *live, const char *dir)
{
	plan_add(plan, &configfs_op_gadget, xstrdup(dir), NULL, NULL, NULL);
	add_directories(plan, live, dir);
	add_links(plan, live, dir);
}

void found_add_bind(struct plan *plan, const char *dir)
{
	plan_add(plan, &configfs_op_bind, strf("%s/UDC", dir), NULL, NULL, NULL);
}
