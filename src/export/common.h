/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are only used in export/. */
#pragma once

#include "export/export.h"
#include "gadgetfile/types/attrs.h"

/* Adds a text to e->omissions, and the same text as a comment to `group`. */
void export_report_omission(struct export *e, json_t *group, const char *fmt, ...) _printf_(3, 4);
/* Keeps only the first `n` texts in e->omissions. */
void export_truncate_omissions(struct export *e, size_t n);
/* Adds a comment to `group`. */
void export_add_comment(json_t *group, const char *fmt, ...) _printf_(2, 3);
/* Sets `key` in `group`, unless the list or group `value` is empty. Takes ownership of `value`. */
void export_set_unless_empty(json_t *group, const char *key, json_t *value);

/*
 * Returns whether a string in a gadget file can contain the text: UTF-8 without NUL bytes, and for
 * EXPORT_ONE_LINE without control characters.
 */
enum export_text { EXPORT_ONE_LINE, EXPORT_LINES };
bool export_is_text(const char *text, size_t size, enum export_text kind);

/* An attribute in the configfs tree, with its directory and the type of its function. */
struct attribute_with_directory {
	const char *function_type;
	const struct configfs_tree *directory, *attribute;
};

/*
 * Returns the value for the key `row`, so that `up` sets the attribute to its current value. NULL:
 * the attribute has no value, or the key cannot have such a value.
 */
json_t *export_key_value(const struct attribute_with_directory *a, const struct key *row);
/*
 * Returns the value for an element of the function's list `tree`, so that `up` sets the attribute
 * to its current value. `tree` contains the attributes for which there is no key. NULL: the
 * attribute has no value.
 */
json_t *export_attribute_value(const struct attribute_with_directory *a);
/*
 * Returns the pattern from which the kernel made the name of a network interface: "lab%d" for
 * "lab0". If `name` is a pattern already, returns a copy. NULL: the pattern is unknown. The caller
 * frees the pattern.
 */
char *export_ifname_pattern(const char *name);

/*
 * Returns the function in the record that has this directory; NULL: none. Sets *label, which the
 * caller frees, if there is one and `label` is not NULL.
 */
const json_t *export_recorded_function(const struct export *e, const char *directory, char **label);
/*
 * Returns what the record has for the function with this directory, but configfs has not: the
 * groups `ffs` and `worker`, and `optional`; empty without such a function. The caller owns the
 * object.
 */
json_t *export_recorded_keys_of_function(const struct export *e, const char *directory);

/*
 * Returns the recorded group { from = ... } of the attribute `key` of the function with this
 * directory. NULL: the record has no such group, or the attribute has another address than the one
 * that is made from the source. The caller owns the group.
 */
json_t *export_address_source(const struct export *e, const char *directory, const char *key,
			      const char *address);
/* The same for a serial number. */
json_t *export_serial_source(const struct export *e, const char *serial);

/*
 * Set the key `tree` in the document, or in the group of a configuration, to the attributes and
 * directories that no other key has. `dir` is the configuration's directory.
 */
void export_other_gadget_entries(struct export *e, json_t *document);
void export_other_config_entries(struct export *e, json_t *group, const struct configfs_tree *dir);

/* Exports all functions: sets the key `functions` of the document, and e->function_labels. */
void export_functions(struct export *e, json_t *document);
