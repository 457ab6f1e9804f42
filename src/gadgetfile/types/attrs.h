/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the attributes of kernel functions and converts them to entries of struct function. A new
 * attribute is a row of keys/function.c or keys/media.c, a new type a group of rows and a line of
 * function_table.
 */
#pragma once

#include "gadgetfile/keys/function.h"
#include "gadgetfile/load.h"

#define ATTRS_MAX 40 /* maximum of rows in a group */

/*
 * One value for each row, in the order of the table, which is the order in which they must be
 * written.
 */
struct attribute_values {
	const struct key *keys;
	struct node *node; /* the group; NULL: not in the file */
	struct attribute_value {
		struct node *node; /* NULL: not in the file */
		enum entry_kind kind;
		char *value; /* NULL: not written, or set later by the type's loader */
		size_t size;
	} values[ATTRS_MAX];
};

struct os_descriptor_settings {
	struct placed_str interface;
	struct node *compatible, *sub_compatible;
};

struct tree_settings {
	struct node *path, *value, *link;
};

/*
 * Checks the `attrs` group (NULL: none) of a function of that type and appends its values to
 * f->entries.
 */
void load_function_attrs(struct load *l, struct function *f, const struct function_type *type,
			 struct node *function, struct node *attrs);
/* Loads the list `os_descs` of a function. */
void load_function_os_descs(struct load *l, struct function *f, struct node *list);
/*
 * Load the gadget's groups `os_descs` (NULL: none, but functions may need it) and `webusb`. Must be
 * called after the configurations are loaded.
 */
void load_gadget_os_descs(struct load *l, struct node *node);
void load_gadget_webusb(struct load *l, struct node *node);
/* Loads the list `tree` of a function. */
void load_function_tree(struct load *l, struct function *f, struct node *list);

/* Reads `node` by the rows of `group` into `d`. */
void load_attr_rows(struct load *l, const struct key_group *group, struct node *node,
		    struct attribute_values *d);
/* Appends the values in `d` to `entries` and frees the draft; `prefix` is "" or ends with '/'. */
void load_attr_entries(struct load *l, struct entries *entries, const char *prefix,
		       struct attribute_values *d);
/* Appends an entry, which then owns `path` and `value` (NULL: none). */
void load_add_entry(struct load *l, struct entries *entries, enum entry_kind kind, char *path,
		    char *value, size_t size, const struct node *node);
/* Returns the value of the row of that name. */
struct attribute_value *load_attr(struct attribute_values *d, const char *name);

/* Returns the directory in configfs of the n-th group of the list `name`; the caller frees it. */
char *load_element_directory(const struct attribute_values *d, const char *name, size_t n);
/* Returns the integer of the row of that name. */
long long load_attr_number(struct attribute_values *d, const char *name, long long fallback);
/* Sets the value of a row, which then owns it. */
void load_set_attr(struct attribute_value *a, char *value, size_t size);
/* Sets the value of a row in a setter, whose `field` is the draft. */
void load_attr_text(const struct key *k, struct node *value, void *field, char *text);
/* Returns false and adds an error if both rows are set, which are two names of one attribute. */
bool load_check_second_name(struct load *l, struct attribute_values *d, const char *name,
			    const char *other);
/* Sets a value unless the file has one; `node` is the setting that causes it. */
void load_default_attr(struct attribute_values *d, const char *name, const char *value,
		       struct node *node);

key_setter set_attr_int, set_attr_hex, set_attr_bool, set_attr_string, set_attr_mac,
	set_attr_ifname, set_attr_readonly, set_attr_bytes, set_attr_path, set_attr_report_desc,
	set_attr_bcd, set_attr_url, set_attr_one_line, set_attr_rates, set_attr_node,
	set_attr_device_id, set_tree_path;

void load_mass_storage(struct load *l, struct function *f, struct attribute_values *d);
void load_hid(struct load *l, struct function *f, struct attribute_values *d);
void load_midi2(struct load *l, struct function *f, struct attribute_values *d);
void load_uac(struct load *l, struct function *f, struct attribute_values *d);
void load_uvc(struct load *l, struct function *f, struct attribute_values *d);
void load_loopback(struct load *l, struct function *f, struct attribute_values *d);
