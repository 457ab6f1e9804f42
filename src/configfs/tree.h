/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in configfs now, read into memory: whatever made it, known to us or not. Only attributes
 * that could be written again are read.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum tree_kind { TREE_DIRECTORY, TREE_ATTRIBUTE, TREE_LINK };

struct configfs_tree {
	enum tree_kind kind;
	char *name;
	/*
	 * Of an attribute what was read, with a NUL behind it that does not count, or NULL: it is
	 * read-only, write-only, or `err` says why not. Of a link what it leads to, from configfs'
	 * own top: "usb_gadget/echo/functions/acm.a".
	 */
	char *value;
	size_t size;
	int err; /* errno of the reading; 0 */
	struct configfs_tree *children;
	size_t n; /* in the order in which they were made */
};

/* The directory `path`, which is in the configfs at `configfs`. -ENOENT: there is none. */
int configfs_tree_read(const char *configfs, const char *path, struct configfs_tree *top,
		       struct error *err);
void configfs_tree_free(struct configfs_tree *tree);
#define _cleanup_configfs_tree_ _cleanup_(configfs_tree_free)

/* By its name; NULL: there is none. */
const struct configfs_tree *configfs_tree_child(const struct configfs_tree *directory,
						const char *name);
/* The same for one below others: "os_desc/use". */
const struct configfs_tree *configfs_tree_find(const struct configfs_tree *directory,
					       const char *path);
