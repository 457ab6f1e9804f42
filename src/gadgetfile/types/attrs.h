/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the attributes of kernel functions and converts them to struct configfs_attribute. To add
 * an attribute, add a row to keys/function.c or keys/media.c. To add a function type, add a group
 * of rows, and a row to function_table.
 */
#pragma once

#include "gadgetfile/keys/function.h"
#include "gadgetfile/load.h"

#define ATTRS_MAX 40 /* maximum number of rows in a group */

/*
 * The values of a group, one for each row. They are in the order of the rows, in which the kernel
 * expects the writes.
 */
struct attribute_values {
	const struct key *keys;
	struct node *node; /* the group; NULL: the file does not have it */
	struct attribute_value {
		struct node *node; /* NULL: not in the file */
		enum configfs_attribute_kind kind;
		char *value; /* NULL: nothing is written, or the loader of the function type sets
				the value later */
		size_t size;
	} values[ATTRS_MAX];
};

struct os_descriptor_settings {
	struct placed_str interface;
	struct node *compatible, *sub_compatible;
};

struct function_tree_settings {
	struct node *path, *value, *link;
};

/*
 * Checks the group `attrs` of a function and appends its values to f->configfs_attributes. `attrs`
 * NULL: the function has no such group. `type` NULL: the type is unknown. `function`: the setting
 * of the function.
 */
void load_function_attrs(struct load *l, struct function *f, const struct function_type *type,
			 struct node *function, struct node *attrs);
/* Loads the list `os_descs` of a function. */
void load_function_os_descs(struct load *l, struct function *f, struct node *list);
/*
 * Load the gadget's groups `os_descs` and `webusb`, after the configurations were loaded. `node`
 * may be NULL for `os_descs`: the file has no such group, but functions may need it.
 */
void load_gadget_os_descs(struct load *l, struct node *node);
void load_gadget_webusb(struct load *l, struct node *node);
/*
 * Loads the list `tree` of a function: attributes, directories and links in its configfs directory.
 */
void load_function_configfs_tree(struct load *l, struct function *f, struct node *list);

/* Reads the settings of the group `node` into `d`, with the rows of `group`. */
void load_attr_rows(struct load *l, const struct key_group *group, struct node *node,
		    struct attribute_values *d);
/*
 * Appends the values in `d` to `attributes`, which then owns them. `prefix`: the directory of the
 * attributes, "" or ending with '/'.
 */
void load_add_attributes(struct load *l, struct configfs_attributes *attributes, const char *prefix,
			 struct attribute_values *d);
/* Appends an attribute, directory or link, which then owns `path` and `value` (NULL: no value). */
void load_add_attribute(struct load *l, struct configfs_attributes *attributes,
			enum configfs_attribute_kind kind, char *path, char *value, size_t size,
			const struct node *node);
/* Returns the value of the row with this name. */
struct attribute_value *load_attr(struct attribute_values *d, const char *name);

/*
 * Returns the configfs directory for the group with index `n` of the list `name`; the caller frees
 * it.
 */
char *load_element_directory(const struct attribute_values *d, const char *name, size_t n);
/* Returns the integer of the row with this name; `fallback`: the file has no value. */
long long load_attr_number(struct attribute_values *d, const char *name, long long fallback);
/* Sets the value of a row. `a` then owns `value`. */
void load_set_attr(struct attribute_value *a, char *value, size_t size);
/*
 * For setters: sets the value of the row `k` to `text`. `field` points to the struct
 * attribute_values, which then owns `text`.
 */
void load_attr_text(const struct key *k, struct node *value, void *field, char *text);
/*
 * Checks two rows that are names of the same attribute. False: both are set, and an error was
 * added.
 */
bool load_check_second_name(struct load *l, struct attribute_values *d, const char *name,
			    const char *other);
/*
 * Sets the value of a row unless the file has a value. `node`: the setting that the value comes
 * from.
 */
void load_default_attr(struct attribute_values *d, const char *name, const char *value,
		       struct node *node);

key_setter set_attr_int, set_attr_hex, set_attr_bool, set_attr_string, set_attr_mac,
	set_attr_ifname, set_attr_readonly, set_attr_bytes, set_attr_path, set_attr_report_desc,
	set_attr_bcd, set_attr_url, set_attr_one_line, set_attr_rates, set_attr_node,
	set_attr_device_id, set_configfs_path;

void load_mass_storage(struct load *l, struct function *f, struct attribute_values *d);
void load_hid(struct load *l, struct function *f, struct attribute_values *d);
void load_midi2(struct load *l, struct function *f, struct attribute_values *d);
void load_uac(struct load *l, struct function *f, struct attribute_values *d);
void load_uvc(struct load *l, struct function *f, struct attribute_values *d);
void load_loopback(struct load *l, struct function *f, struct attribute_values *d);
