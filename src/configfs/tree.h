/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a directory of configfs and everything below it into memory. Reads only the values of
 * attributes that can also be written.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum tree_kind { TREE_DIRECTORY, TREE_ATTRIBUTE, TREE_SYMLINK };

/* An entry of configfs: a directory with everything below it, an attribute, or a link. */
struct configfs_tree {
	enum tree_kind kind;
	char *name;
	/*
	 * The contents of an attribute, followed by a NUL that `value_size` does not include; NULL:
	 * the attribute is read-only or write-only, or reading it failed with `read_errno`. The
	 * target of a link, relative to the top directory of configfs:
	 * "usb_gadget/echo/functions/acm.a".
	 */
	char *value;
	size_t value_size;
	int read_errno; /* the errno with which reading failed; 0: none */
	struct configfs_tree *children;
	size_t n_children; /* number of children; they are sorted from the oldest to the newest */
};

/*
 * Reads the directory `path`. `configfs` is the mount point of configfs. Fails with -ENOENT if the
 * directory does not exist.
 */
int configfs_tree_read(const char *configfs, const char *path, struct configfs_tree *top,
		       struct error *err);
void configfs_tree_free(struct configfs_tree *tree);
#define _cleanup_configfs_tree_ _cleanup_(configfs_tree_free)

/* Returns the child `name` of a directory; NULL: there is none. */
const struct configfs_tree *configfs_tree_child(const struct configfs_tree *directory,
						const char *name);
/*
 * Returns the entry at a path relative to `directory`, such as "os_desc/use"; NULL: there is none.
 */
const struct configfs_tree *configfs_tree_find(const struct configfs_tree *directory,
					       const char *path);
