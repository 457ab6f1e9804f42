// SPDX-License-Identifier: GPL-2.0-or-later
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

void load_improve_suggestion(const char *word, const char *candidate, size_t *best_distance,
			     const char **suggestion)
{
	size_t limit = text_max_misspelling(word),
	       distance = text_edit_distance(word, candidate, limit);

	if (distance <= limit && distance < *best_distance) {
		*best_distance = distance;
		*suggestion = candidate;
	}
}
