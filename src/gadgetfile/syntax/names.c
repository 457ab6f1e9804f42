// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages about the names of settings, and about how many a group has. */
#include <ctype.h>

#include "base/cleanup.h"
#include "gadgetfile/syntax/lex.h"

static int compare_names(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
	int r = strcmp(x->name, y->name);

	if (r != 0)
		return r;
	return x->name_at.order_in_text < y->name_at.order_in_text ? -1 : 1;
}

/*
 * Returns whether a group is small and has no duplicate names. Most groups are small, and for them
 * this check is faster than sorting the names.
 */
static bool is_small_without_duplicates(const struct node *group)
{
	if (group->n_children > 8)
		return false;
	node_foreach(child, group)
		for (const struct node *other = child->next; other; other = other->next)
			if (streq(child->name, other->name))
				return false;
	return true;
}

void scan_check_setting_names(struct scan *s, struct node *group)
{
	_cleanup_free_ struct node **sorted = NULL;
	size_t n = 0;

	if (is_small_without_duplicates(group))
		return;
	sorted = xcalloc(group->n_children, sizeof(struct node *));
	node_foreach(child, group)
		sorted[n++] = child;
	qsort(sorted, n, sizeof(struct node *), compare_names);
	for (size_t i = 1; i < n; i++) {
		if (!streq(sorted[i]->name, sorted[i - 1]->name))
			continue;
		sorted[i]->has_error = true;
		diag_error(s->diags, &sorted[i]->name_at, "'%s' is set twice", sorted[i]->name);
		diag_note_to_last(s->diags, &sorted[i - 1]->name_at, "the first one is here");
	}
	if (n > GADGETFILE_MAX_GROUP)
		scan_error_in_valid_libconfig(s, &group->last_child->name_at,
					      "more than %d settings in one group",
					      GADGETFILE_MAX_GROUP);
}

void scan_hint_at_quoted_name(struct scan *s, const struct token *string)
{
	_cleanup_free_ char *name = NULL;
	char *dot;

	if (string->type != TOKEN_STRING || string[1].type != TOKEN_EQUALS)
		return;
	name = xstrndup(string->text + 1, string->length - 2);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return;
	if (!isalpha((unsigned char)*name))
		return;
	dot = strchr(name, '.');
	if (!dot) {
		diags_hint(s->diags, "write %s without quotes", name);
		return;
	}
	*dot = '\0';
	diags_hint(s->diags,
		   "write %s : { type = \"%s\"; instance = \"%s\"; ... }, without quotes and '.'",
		   name, name, dot + 1);
}
