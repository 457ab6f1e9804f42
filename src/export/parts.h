/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that several files of export/ use, but no other directory. */
#pragma once

#include "export/export.h"
#include "gadgetfile/types/attrs.h"

/* Adds a sentence to e->lost, and the same sentence as a comment to `group`. */
void export_report_lost(struct export *e, json_t *group, const char *fmt, ...) _printf_(3, 4);
/* Removes all sentences from e->lost except the first `n`. */
void export_forget_lost(struct export *e, size_t n);
/* Adds a comment to `group`. */
void export_comment(json_t *group, const char *fmt, ...) _printf_(2, 3);
/* Sets `key` in `group` to the group or list `value`, unless that is empty. Takes ownership. */
void export_set_if_any(json_t *group, const char *key, json_t *value);

/*
 * Returns whether the text can be a string of the gadget file: UTF-8 without NULs and, for
 * EXPORT_ONE_LINE, without control characters.
 */
enum export_text { EXPORT_ONE_LINE, EXPORT_LINES };
bool export_is_text(const char *text, size_t size, enum export_text kind);

/* An attribute of a function, with its directory in configfs. */
struct export_attribute {
	const char *type; /* type of the function */
	const struct configfs_tree *directory, *attribute;
};

/*
 * Returns the value that the key `row` of a gadget file must have for this attribute; NULL: the
 * attribute has no value, or the key cannot have that value.
 */
json_t *export_row_value(const struct export_attribute *a, const struct key *row);
/*
 * Returns the value that an element of the function's key `tree` must have for this attribute.
 * `tree` is the list of attributes that have no key of their own. NULL: the attribute has no value.
 */
json_t *export_tree_value(const struct export_attribute *a);
/*
 * Returns the pattern from which the kernel made the name of a network interface: "lab%d" for
 * "lab0". Returns a pattern unchanged. NULL: the pattern is unknown. The caller frees it.
 */
char *export_ifname(const char *name);

/* Returns the recorded label of the function whose directory is `directory`; NULL: none. */
const char *export_record_label(const struct export *e, const char *directory);
/* Returns the function's recorded groups `ffs` and `worker`; the caller owns the object. */
json_t *export_record_groups(const struct export *e, const char *label);

/* Sets the key `functions` of the document, and e->labels. */
void export_functions(struct export *e, json_t *document);
