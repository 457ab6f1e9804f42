/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds errors about settings, and hints at what the user may have meant. */
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

void load_improve_suggestion(const char *word, const char *candidate, size_t *best_distance,
			     const char **suggestion)
{
	size_t limit = text_max_misspelling(word),
	       distance = text_edit_distance(word, candidate, limit);

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
