/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations that the files of export/ share. */
#pragma once

#include "export/export.h"
#include "gadgetfile/types/attrs.h"

/* Adds a sentence to e->lost and as a comment to `group`. */
void export_report_lost(struct export *e, json_t *group, const char *fmt, ...) _printf_(3, 4);
/* Removes all but the first `n` from e->lost. */
void export_forget(struct export *e, size_t n);
void export_comment(json_t *group, const char *fmt, ...) _printf_(2, 3);
/* Sets the group or list unless it is empty. Takes over `value`. */
void export_set_if_any(json_t *group, const char *key, json_t *value);

/*
 * Returns whether the text can be a string of the gadget file: UTF-8 without NULs and, for
 * EXPORT_ONE_LINE, without control characters.
 */
enum export_text { EXPORT_ONE_LINE, EXPORT_LINES };
bool export_is_text(const char *text, size_t size, enum export_text kind);

/* An attribute, and its directory in configfs, on which its meaning depends. */
struct export_attribute {
	const char *type; /* the function's type */
	const struct configfs_tree *directory, *attribute;
};

/* Returns the value as the key of its row expects it; NULL: the attribute does not exist or needs
 * no value.
 */
json_t *export_row_value(const struct export_attribute *a, const struct key *row);
/* Returns the value as the list `tree` expects it; NULL: the attribute needs no value. */
json_t *export_tree_value(const struct export_attribute *a);
/* Returns "lab%d" for "lab0", a pattern as it is; NULL: unknown. The caller frees it. */
char *export_ifname(const char *name);

/* Returns the label that the function of that directory has in the record; NULL: none. */
const char *export_record_label(const struct export *e, const char *directory);
/* Returns the function's groups `ffs` and `worker` in the record; the caller owns the object. */
json_t *export_record_groups(const struct export *e, const char *label);

/* Sets `functions` in the document, and e->labels. */
void export_functions(struct export *e, json_t *document);
