/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a directory of configfs into memory, whichever program made it. Only attributes that could
 * be written again are read.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum tree_kind { TREE_DIRECTORY, TREE_ATTRIBUTE, TREE_LINK };

struct configfs_tree {
	enum tree_kind type;
	char *name;
	/*
	 * Attribute: its contents and a NUL that `size` does not count; NULL: it is read-only or
	 * write-only, or reading failed with `err`. Link: its target, relative to the top of
	 * configfs: "usb_gadget/echo/functions/acm.a".
	 */
	char *value;
	size_t size;
	int err; /* errno of reading it; 0: none */
	struct configfs_tree *children;
	size_t n; /* number of children, which are in the order in which they were made */
};

/*
 * Reads the directory `path`, relative to the mount point `configfs`. -ENOENT: it does not exist.
 */
int configfs_tree_read(const char *configfs, const char *path, struct configfs_tree *top,
		       struct error *err);
void configfs_tree_free(struct configfs_tree *tree);
#define _cleanup_configfs_tree_ _cleanup_(configfs_tree_free)

/* Returns the child of that name; NULL: none. */
const struct configfs_tree *configfs_tree_child(const struct configfs_tree *directory,
						const char *name);
/* Returns the entry at a path below `tree`, such as "os_desc/use"; NULL: none. */
const struct configfs_tree *configfs_tree_find(const struct configfs_tree *directory,
					       const char *path);
