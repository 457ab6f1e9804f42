/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the export: attributes (export_value.c), functions, the rest of the gadget. */
#pragma once

#include "export/export.h"
#include "gadgetfile/types/attrs.h"

/* A sentence for the user, which becomes a comment of `group` as well. */
void export_lose(struct export *e, json_t *group, const char *fmt, ...) _printf_(3, 4);
/* Takes back all but the first `n`. */
void export_forget(struct export *e, size_t n);
void export_comment(json_t *group, const char *fmt, ...) _printf_(2, 3);

/* A string of the file: UTF-8 without NULs and, unless `lines`, without control characters. */
enum export_text { EXPORT_ONE_LINE, EXPORT_LINES };
bool export_is_text(const char *text, size_t size, enum export_text kind);

/* Where an attribute stands: what it is may depend on that. */
struct export_attribute {
	const char *type; /* of the function */
	const struct configfs_tree *directory, *attribute;
};

/* As its row of the table of keys has it; NULL: it need not, or cannot, be written there. */
json_t *export_row_value(const struct export_attribute *a, const struct key *row);
/* As `tree` has it; NULL: there is nothing to write. */
json_t *export_tree_value(const struct export_attribute *a);
/* "lab%d" of "lab0", or as it is if it is a pattern; NULL: not known. The caller frees it. */
char *export_ifname(const char *name);

/* What the file that the gadget came of calls the function of that directory; NULL: it did not. */
const char *export_record_label(const struct export *e, const char *directory);
/* Its groups `ffs` and `worker`, as far as it had them; the caller owns it. */
json_t *export_record_groups(const struct export *e, const char *label);

/* Sets `functions` in the form, and e->labels. */
void export_functions(struct export *e, json_t *form);
