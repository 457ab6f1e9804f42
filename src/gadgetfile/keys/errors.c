/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds errors about settings, and hints at what the user may have meant. */
#include <ctype.h>
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/load.h"

void load_error(struct load *l, struct node *value, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	value->has_error = true;
	diag_error(l->diags, &value->at, "%s", text);
}

struct node *load_member_or_node_itself(struct node *node, const char *name)
{
	struct node *value = node->type == NODE_GROUP ? node_member(node, name) : NULL;

	return value ? value : node;
}

void load_add_suggestion_hint(struct load *l, const char *suggestion)
{
	if (suggestion)
		diags_hint(l->diags, "did you mean '%s'?", suggestion);
}

/*
 * Returns whether `word` is the beginning or the end of `candidate`, as "serial" is of
 * "serialnumber". Shorter words than these are parts of too many others.
 */
static bool is_beginning_or_end_of(const char *word, const char *candidate)
{
	return strlen(word) >= 4 &&
	       (str_has_prefix(candidate, word) || str_has_suffix(candidate, word));
}

/*
 * Returns whether both names consist of the same letters and digits, in any order and case:
 * "vendorId", "VendorID" and "vendor_id" are "idVendor" in the styles of other programs.
 */
static bool has_same_letters(const char *word, const char *candidate)
{
	int counts[256] = { 0 };

	for (const char *p = word; *p; p++)
		counts[(unsigned char)(isalnum((unsigned char)*p) ? tolower((unsigned char)*p)
								  : 0)]++;
	for (const char *p = candidate; *p; p++)
		counts[(unsigned char)(isalnum((unsigned char)*p) ? tolower((unsigned char)*p)
								  : 0)]--;
	for (size_t i = 1; i < ARRAY_SIZE(counts); i++)
		if (counts[i] != 0)
			return false;
	return true;
}

/* Returns whether other programs use `word` for what `candidate` is here. */
static bool is_other_name_of(const char *word, const char *candidate)
{
	static const char *const names[][2] = {
		{ "vid", "idVendor" },
		{ "vendor", "idVendor" },
		{ "pid", "idProduct" },
		{ "serial", "serialnumber" },
		{ "serial_number", "serialnumber" },
		{ "command", "exec" },
		{ "program", "exec" },
		{ "args", "exec" },
		{ "pnp", "pnp_string" },
		{ "image", "file" },
		{ "path", "file" },
		{ "readonly", "ro" },
		{ "read_only", "ro" },
		{ "cd", "cdrom" },
		{ "int-in", "interrupt-in" },
		{ "int-out", "interrupt-out" },
		{ "intr-in", "interrupt-in" },
		{ "intr-out", "interrupt-out" },
		{ "isochronous-in", "iso-in" },
		{ "isochronous-out", "iso-out" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(word, names[i][0]) && streq(candidate, names[i][1]))
			return true;
	return strlen(word) >= 3 && has_same_letters(word, candidate);
}

void load_improve_suggestion(const char *word, const char *candidate, size_t *best_distance,
			     const char **suggestion)
{
	size_t limit = text_max_misspelling(word),
	       distance = is_other_name_of(word, candidate)
				  ? 1
				  : text_edit_distance(word, candidate, limit);

	/* A misspelling is better than a part, and a part of a short word than one of a long. */
	if (distance > limit && is_beginning_or_end_of(word, candidate))
		distance = limit + strlen(candidate);
	else if (distance > limit)
		return;
	if (distance < *best_distance) {
		*best_distance = distance;
		*suggestion = candidate;
	}
}
