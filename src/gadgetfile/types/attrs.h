/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the attributes of kernel functions and converts them to struct configfs_attribute. To add
 * an attribute, add a key (a row of an array of struct key) to keys/function_types.c or
 * keys/media.c. To add a function type, add such an array, and a row to function_table.
 */
#pragma once

#include "gadgetfile/keys/function_types.h"
#include "gadgetfile/load.h"

#define ATTRS_MAX 40 /* maximum number of keys in a group */

/*
 * The values of the keys in a group of settings. They are in the order of `keys`, in which the
 * kernel expects the writes.
 */
struct attribute_values {
	const struct key *keys;
	struct node *group; /* group in the gadget file; NULL: none */
	struct attribute_value {
		struct node *node; /* setting in the gadget file; NULL: none */
		enum configfs_entry_kind entry_kind;
		char *value; /* the value to write; NULL: nothing is written, or
				function_type.check_and_convert_values sets the value later */
		size_t size; /* bytes of `value` */
	} values[ATTRS_MAX];
};

struct os_descriptor_settings {
	struct positioned_str interface;
	struct node *compatible, *sub_compatible;
};

/* An element of a list `tree`: an attribute, directory or link in configfs. */
struct configfs_entry_settings {
	struct node *path, *value, *symlink_target;
};

/*
 * Checks the group `attrs` of a function and appends its values to f->configfs_attributes. `attrs`
 * is NULL if the function has no such group, `type` is NULL if the type is unknown. `function` is
 * the function's group in the gadget file.
 */
void load_function_attrs(struct load *l, struct function *f, const struct function_type *type,
			 struct node *function, struct node *attrs);
/* Loads the list `os_descs` of a function. */
void load_function_os_descs(struct load *l, struct function *f, struct node *list);
/*
 * Load the gadget's groups `os_descs` and `webusb`. Must be called after load_configs. For
 * `os_descs`, `node` may be NULL: even if the gadget file has no such group, functions may need its
 * defaults.
 */
void load_gadget_os_descs(struct load *l, struct node *node);
void load_gadget_webusb(struct load *l, struct node *node);
/*
 * Load the list `tree` of a function, of the gadget or of a configuration: attributes and
 * directories in its configfs directory, of a function also links. Those of the gadget and of a
 * configuration must not be what ffsctl manages; the gadget's is loaded after all else that is
 * in its directory, a configuration's after its strings and functions.
 */
void load_function_configfs_tree(struct load *l, struct function *f, struct node *list);
void load_gadget_configfs_tree(struct load *l, struct node *list);
void load_config_configfs_tree(struct load *l, struct config *c, struct node *list);

/* Reads the settings of the group `node`, whose keys `group` describes, into `d`. */
void load_attr_group(struct load *l, const struct key_group *group, struct node *node,
		     struct attribute_values *d);
/*
 * Appends the values in `d` to `attributes`, which then owns them. `prefix` is the directory of the
 * attributes; it is empty or ends with '/'.
 */
void load_add_attributes(struct load *l, struct configfs_attributes *attributes, const char *prefix,
			 struct attribute_values *d);
/*
 * Returns what is written to an attribute: the bytes of a list, or any other value as text. NULL:
 * an error was added. The caller frees the value.
 */
char *load_value_to_write(struct load *l, struct node *value, size_t *size);
/* Appends an attribute, directory or link, which then owns `path` and `value` (NULL: no value). */
void load_add_attribute(struct load *l, struct configfs_attributes *attributes,
			enum configfs_entry_kind entry_kind, char *path, char *value, size_t size,
			const struct node *node);
/* Returns the value of the key `name`, which must exist. */
struct attribute_value *load_find_attr(struct attribute_values *d, const char *name);

/*
 * Returns the name of the configfs directory for the element with index `n` of the list `name`; the
 * caller frees it.
 */
char *attr_element_directory(const struct attribute_values *d, const char *name, size_t n);
/*
 * Returns the integer value of the key `name`; returns `fallback` if the gadget file does not set
 * the key.
 */
long long load_attr_integer(struct attribute_values *d, const char *name, long long fallback);
/* Sets the value to write; `a` then owns `value`. */
void load_set_attr_value(struct attribute_value *a, char *value, size_t size);
/*
 * Called by setters of keys (C functions of the type key_setter): sets the value of the key `k` to
 * `text`. `field` points to a struct attribute_values, which then owns `text`.
 */
void load_set_attr_text(const struct key *k, struct node *value, void *field, char *text);
/*
 * Checks two keys that are names of the same attribute: `other` is an alias of `name`. Returns
 * false if both are set, after adding an error.
 */
bool load_check_attr_alias(struct load *l, struct attribute_values *d, const char *name,
			   const char *other);
/*
 * Sets the value of the key `name`, unless the gadget file sets the key. `node` is the setting from
 * which the default follows.
 */
void load_set_attr_default(struct attribute_values *d, const char *name, const char *value,
			   struct node *node);

key_setter set_attr_int, set_attr_hex, set_attr_bool, set_attr_string, set_attr_address,
	set_attr_ifname, ignore_readonly_attr, set_attr_bytes, set_attr_path, set_attr_report_desc,
	set_attr_bcd, set_attr_url, set_attr_string_with_newline, set_attr_rates, set_attr_node,
	set_attr_printer_device_id;

/* Adds errors and warnings about equal Ethernet addresses. Must be called after load_configs. */
void load_check_ethernet_addresses(struct load *l);

void check_and_convert_mass_storage(struct load *l, struct function *f, struct attribute_values *d);
void check_and_convert_hid(struct load *l, struct function *f, struct attribute_values *d);
void check_and_convert_midi2(struct load *l, struct function *f, struct attribute_values *d);
void check_and_convert_uac(struct load *l, struct function *f, struct attribute_values *d);
void check_and_convert_uvc(struct load *l, struct function *f, struct attribute_values *d);
void check_and_convert_loopback(struct load *l, struct function *f, struct attribute_values *d);
