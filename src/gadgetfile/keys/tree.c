// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys: the lists `tree`. */
#include "gadgetfile/types/attrs.h"

#define BELOW_PATTERN "^[^/]+(/[^/]+)*$"

#define VALUE_ROW(more)                                                                            \
	{                                                                                          \
		"value", NODE_BOOL | NODE_INT | NODE_STRING | TYPE_LIST, NODE_INT, KEY_ITEM_RANGE, \
			BYTE,                                                                      \
			.doc = "Value to write to the attribute: true is written as 1, false as "  \
			       "0, and a list as its bytes." more,                                 \
			.set = set_node, FIELD(struct configfs_entry_settings, value)              \
	}

static const struct key function_tree_rows[] = {
	{ "path", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY, .pattern = BELOW_PATTERN,
	  .doc = "Path of an attribute, a directory or a link, relative to the function's "
		 "directory. Missing directories in the path are created.",
	  .set = set_node, FIELD(struct configfs_entry_settings, path) },
	VALUE_ROW(""),
	{ "link", NODE_STRING, .flags = KEY_NOT_EMPTY, .pattern = BELOW_PATTERN,
	  .doc = "Target of a link, also relative to the function's directory. Without 'value' and "
		 "'link', the entry is a directory.",
	  .set = set_node, FIELD(struct configfs_entry_settings, symlink_target) },
	{ 0 },
};
const struct key_group function_tree_keys = { "functions.LABEL.tree", "an entry of 'tree'",
					      function_tree_rows, NULL,
					      "One attribute, directory or link." };

#define OR_DIRECTORY " Without 'value', the entry is a directory."
static const struct key config_tree_rows[] = {
	{ "path", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY, .pattern = BELOW_PATTERN,
	  .doc = "Path of an attribute or a directory, relative to the configuration's directory. "
		 "Missing directories in the path are created.",
	  .set = set_node, FIELD(struct configfs_entry_settings, path) },
	VALUE_ROW(OR_DIRECTORY),
	{ 0 },
};
const struct key_group config_tree_keys = { "configs.tree",
					    "an entry of the configuration's 'tree'",
					    config_tree_rows, NULL, "One attribute or directory." };

static const struct key gadget_tree_rows[] = {
	{ "path", NODE_STRING, .flags = KEY_REQUIRED | KEY_NOT_EMPTY, .pattern = BELOW_PATTERN,
	  .doc = "Path of an attribute or a directory, relative to the gadget's directory. Missing "
		 "directories in the path are created.",
	  .set = set_node, FIELD(struct configfs_entry_settings, path) },
	VALUE_ROW(OR_DIRECTORY),
	{ 0 },
};
const struct key_group gadget_tree_keys = { "tree", "an entry of the gadget's 'tree'",
					    gadget_tree_rows, NULL, "One attribute or directory." };
