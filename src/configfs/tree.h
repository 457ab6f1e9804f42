/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a directory of configfs and everything below it into memory. Reads only the values of
 * attributes that can also be written.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum tree_kind { TREE_DIRECTORY, TREE_ATTRIBUTE, TREE_LINK };

/* A directory with everything below it, an attribute, or a link. */
struct configfs_tree {
	enum tree_kind type;
	char *name;
	/*
	 * For an attribute: its contents, followed by a NUL that `size` does not include. NULL: the
	 * attribute is read-only or write-only, or reading it failed with `err`. For a link: its
	 * target, relative to the top directory of configfs: "usb_gadget/echo/functions/acm.a".
	 */
	char *value;
	size_t size;
	int err; /* the errno with which reading failed; 0: none */
	struct configfs_tree *children;
	size_t n; /* number of children, which are in the order in which they were made */
};

/*
 * Reads the directory `path`. `configfs` is the mount point of configfs. Fails with -ENOENT if the
 * directory does not exist.
 */
int configfs_tree_read(const char *configfs, const char *path, struct configfs_tree *top,
		       struct error *err);
void configfs_tree_free(struct configfs_tree *tree);
#define _cleanup_configfs_tree_ _cleanup_(configfs_tree_free)

/* Returns the child of that name; NULL: there is none. */
const struct configfs_tree *configfs_tree_child(const struct configfs_tree *directory,
						const char *name);
/* Returns what is at a path below `directory`, such as "os_desc/use"; NULL: nothing. */
const struct configfs_tree *configfs_tree_find(const struct configfs_tree *directory,
					       const char *path);
