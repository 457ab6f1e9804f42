/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of keys of the gadget file. The loader validates gadget files and suggests keys by this
 * table; schemas/gadget.schema.json and the key reference in ffsctl-gadget(5) are generated from
 * it. To add a key, add a row, and a setter if no existing setter can store its value.
 */
#pragma once

#include "gadgetfile/syntax/tree.h"

struct load;
struct key;

/* A keyword: one of the allowed values of a string. */
struct keyword {
	const char *word;
	unsigned int value;
};

enum key_flag {
	KEY_SCHEME = 1 << 0,	/* also a key of libusbgx's gadget schemes */
	KEY_REQUIRED = 1 << 1,	/* the key must not be missing from its group */
	KEY_NOT_EMPTY = 1 << 2, /* an empty list or string is an error */
	KEY_BY_TYPE =
		1 << 3, /* a group whose keys depend on the function's 'type' (function_table) */
	KEY_NAMED = 1 << 4,  /* instead of a list of groups, the value may be a group that contains
				these groups, each with a name */
	KEY_ONE_OF = 1 << 5, /* a group with such keys must have at least one of them; the loader
				checks that */
	KEY_ITEM_RANGE = 1 << 6,   /* min and max apply only to the numbers of a list */
	KEY_OCTAL = 1 << 7,	   /* a string of octal digits */
	KEY_SECONDS = 1 << 8,	   /* a number of seconds, or a string with a unit: "500ms" */
	KEY_MILLISECONDS = 1 << 9, /* a number of milliseconds, or a string with a unit */
	KEY_BYTES = 1 << 10, /* a list of bytes, or a string with hexadecimal or binary bytes */
};

#define KEY_TIME (KEY_SECONDS | KEY_MILLISECONDS)
#define TYPE_LIST (NODE_LIST | NODE_ARRAY)
#define TYPE_SECONDS (NODE_INT | NODE_FLOAT)

typedef void key_setter(struct load *l, const struct key *key, struct node *value, void *field);

struct key {
	const char *name;
	unsigned int types;	 /* allowed types of the value: bits of enum node_type */
	unsigned int item_types; /* allowed types of a list's elements: bits of enum node_type */
	unsigned int flags;	 /* bits of enum key_flag */
	double min, max; /* inclusive limits of a number, or of the numbers of a list; no limits
			    unless min < max */
	const struct keyword
		*words;	     /* allowed words of a string or of a list's strings; ends with NULL */
	const char *pattern; /* ECMA regular expression that the schema has for a string, or for the
				strings of a list */
	const struct key_group *group; /* keys in the value if it is a group, or in the groups if it
					  is a list; NULL: any keys are allowed */
	/*
	 * For a list of groups that become directories in configfs: name of the directories without
	 * the index, "lun."
	 */
	const char *configfs_directory_prefix;
	const char *default_text; /* the default as text for the manual; NULL: no default */
	const char *doc;	  /* description for the manual and the schema */
	/*
	 * Of an attribute of a function: the value to write if the gadget file has none, because
	 * the kernel's default is not always the same; NULL: nothing is written.
	 */
	const char *value_if_missing;
	key_setter *set;
	size_t offset; /* offset of the field for the value in the struct that load_group fills */
};

/*
 * Macros for rows. FIELD is the field in which the setter stores the value. The other macros are
 * the limits of integers with 8, 16 and 32 bits.
 */
#define FIELD(type, member) .offset = offsetof(type, member)
#define BYTE .min = 0, .max = 255
#define WORD16 .min = 0, .max = 65535
#define WORD32 .min = 0, .max = 4294967295.0

struct key_group {
	const char *manual_heading;	    /* heading in the manual: "ffs.mount" */
	const char *group_name_in_messages; /* name in messages: "an interface", "'mount'" */
	const struct key *keys;		    /* ends with a NULL name */
	const struct key *user_named_key;   /* key for settings whose names the user chooses; NULL:
					       the group has no such settings */
	const char *doc;
};

extern const struct key_group gadget_keys; /* the top level of the file */

/* Groups of keys that more than one source file uses. */
extern const struct key_group attrs_keys, strings_keys, serial_keys, udc_keys, function_keys,
	ffs_keys, mount_keys, interface_keys, text_keys, endpoint_keys, full_keys, super_keys,
	worker_keys, io_keys, limits_keys, lun_keys, address_keys, midi2_endpoint_keys,
	midi2_block_keys, uvc_format_keys, uvc_frame_keys, uvc_config_keys, os_descs_keys,
	webusb_keys, config_keys, function_os_descs_keys, function_tree_keys, gadget_tree_keys,
	config_tree_keys, os_compat_keys, os_properties_keys, config_attrs_keys,
	config_strings_keys, config_function_keys;

extern const struct keyword class_words[];
/*
 * The value of a class keyword like "vendor": the class in bits 0 to 7, the default subclass in
 * bits 8 to 15.
 */
#define CLASS_WORD(class, subclass) ((class) | (subclass) << 8)

/* The value of an endpoint keyword like "bulk-in". */
#define ENDPOINT_WORD(type, direction) ((type) << 1 | (direction))

const struct key *key_find(const struct key_group *group, const char *name);
const struct keyword *key_find_word(const struct keyword *words, const char *word);
