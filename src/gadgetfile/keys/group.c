// SPDX-License-Identifier: GPL-2.0-or-later
/* Validates the settings of a group by the rows of the group in the table of keys. */
#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/load.h"

const struct key *key_find(const struct key_group *group, const char *name)
{
	for (const struct key *k = group->keys; k && k->name; k++)
		if (streq(k->name, name))
			return k;
	return group->user_named_key;
}

const struct keyword *key_find_word(const struct keyword *words, const char *word)
{
	for (const struct keyword *w = words; w->word; w++)
		if (streq(w->word, word))
			return w;
	return NULL;
}

/*
 * Returns how many of `group` and the groups below it have a key with this name. Sets
 * *group_name to the name of the last such group.
 */
static unsigned int count_groups_with_key(const struct key_group *group, const char *name,
					  const char **group_name)
{
	unsigned int n = 0;

	for (const struct key *k = group->keys; k && k->name; k++) {
		if (streq(k->name, name) && *group_name != group->group_name_in_messages) {
			*group_name = group->group_name_in_messages;
			n++;
		}
		if (k->group)
			n += count_groups_with_key(k->group, name, group_name);
	}
	if (group->user_named_key && group->user_named_key->group)
		n += count_groups_with_key(group->user_named_key->group, name, group_name);
	return n;
}

/*
 * Adds the hint that the key belongs into a list of the group, such as the file of a drive into
 * 'luns'; returns false if none of the lists has it.
 */
static bool hint_at_list(struct load *l, const struct key_group *group, const char *name)
{
	for (const struct key *k = group->keys; k && k->name; k++) {
		if (!(k->types & TYPE_LIST) || !k->group || !key_find(k->group, name))
			continue;
		diags_hint(l->diags, "write %s = ( { %s = ...; } )", k->name, name);
		return true;
	}
	return false;
}

static void suggest_key(struct load *l, const struct key_group *group, const struct node *node,
			const struct node *setting)
{
	const char *name = setting->name;
	const char *suggestion = NULL, *group_name = NULL;
	size_t best_distance = SIZE_MAX;

	if (l->function_attr_keys && key_find(l->function_attr_keys, name)) {
		if (node_member(node, "attrs"))
			diags_hint(l->diags, "move it into the function's 'attrs'");
		else
			diags_hint(l->diags, "write attrs : { %s = ...; }", name);
		return;
	}
	for (const struct key *k = group->keys; k && k->name; k++)
		load_improve_suggestion(name, k->name, &best_distance, &suggestion);
	/* An exact name of another group is better than a part of a name of this group. */
	if (best_distance > text_max_misspelling(name) &&
	    count_groups_with_key(l->top_level_keys, name, &group_name) == 1)
		diags_hint(l->diags, "it is a key of %s", group_name);
	else if (suggestion)
		load_add_suggestion_hint(l, suggestion);
	else if (!hint_at_list(l, group, name))
		l->hint_at_attribute(l, group, node, setting);
}

static char *list_words(const struct keyword *words)
{
	char *all = NULL;

	for (const struct keyword *w = words; w->word; w++)
		text_append_word_to_list(&all, w->word, !w[1].word, " or ");
	return all;
}

static void suggest_word(struct load *l, const struct keyword *words, const char *word)
{
	_cleanup_free_ char *all = NULL;
	const char *suggestion = NULL;
	size_t best_distance = SIZE_MAX, n = 0;

	for (const struct keyword *w = words; w->word; w++, n++)
		load_improve_suggestion(word, w->word, &best_distance, &suggestion);
	load_add_suggestion_hint(l, suggestion);
	if (suggestion || n > 6)
		return;
	all = list_words(words);
	diags_hint(l->diags, "use %s", all);
}

static const struct {
	unsigned int types;
	const char *words;
} type_words[] = {
	{ NODE_BOOL, "true or false" },	 { NODE_FLOAT, "a number" },
	{ NODE_INT, "an integer" },	 { NODE_STRING, "a string" },
	{ NODE_GROUP, "a group '{ }'" }, { TYPE_LIST, "a list '( )'" },
};

static char *describe_types(unsigned int types)
{
	char *all = NULL;

	/* A key that accepts floats accepts integers, too: "a number" includes both. */
	if (types & NODE_FLOAT)
		types &= ~(unsigned int)NODE_INT;
	for (size_t i = 0; i < ARRAY_SIZE(type_words); i++) {
		if (!(types & type_words[i].types))
			continue;
		types &= ~type_words[i].types;
		text_append_to_list(&all, types ? ", " : " or ", type_words[i].words);
	}
	return all;
}

static const char *describe_value(const struct node *value)
{
	switch (value->type) {
	case NODE_BOOL:
		return "a boolean";
	case NODE_INT:
		return "an integer";
	case NODE_FLOAT:
		return "a floating-point number";
	case NODE_STRING:
		return "a string";
	case NODE_GROUP:
		return "a group";
	case NODE_LIST:
		return "a list";
	case NODE_ARRAY:
		return "an array";
	case NODE_BAD:
		break;
	}
	return "nothing";
}

/*
 * Returns the name for messages: that of the setting, which the user may have chosen, or that of
 * the key if the value is an element of a list.
 */
static const char *name_in_messages(const struct key *k, const struct node *value)
{
	return value->name ? value->name : k->name;
}

/*
 * Adds the hint how to write a number or a boolean that stands in quotes, or a hexadecimal number
 * that libconfig reads as a decimal one with an exponent: 1e2.
 */
static void hint_at_number(struct load *l, const struct node *value, unsigned int types)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *text = value->text;
	bool has_prefix = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	size_t n = strlen(text + 2 * has_prefix), max = 8, digits = strspn(text, "0123456789");

	if ((types & NODE_INT) && digits > 0 &&
	    streq(text + digits + strspn(text + digits, " "), "mA"))
		diags_hint(l->diags, "write %.*s without unit and quotes", (int)digits, text);
	if (value->type == NODE_STRING && (types & NODE_BOOL) &&
	    (streq(text, "true") || streq(text, "false")))
		diags_hint(l->diags, "write %s without quotes", text);
	if (!(types & NODE_INT) || n == 0 || n > max || strspn(text + 2 * has_prefix, hex) != n)
		return;
	if (value->type == NODE_FLOAT)
		diags_hint(l->diags, "write 0x%s: hexadecimal numbers begin with 0x", text);
	else if (has_prefix || streq(text, "0") ||
		 (text[0] != '0' && strspn(text, "0123456789") == n))
		diags_hint(l->diags, "write %s without quotes", text);
	else
		diags_hint(l->diags, "write 0x%s without quotes", text);
}

static void check_type(struct load *l, const struct key *k, struct node *value, unsigned int types,
		       const char *prefix)
{
	_cleanup_free_ char *expected = describe_types(types);
	const char *extra = "";

	/* Users are likely to write a single element without the brackets of a list. */
	if (types == TYPE_LIST)
		extra = k->item_types == NODE_GROUP ? " of groups '{ }', or one group"
						    : ", even for one element";
	if ((k->flags & KEY_OCTAL) && value->type == NODE_INT)
		load_error(l, value,
			   "'%s' must be a string, \"0%s\": libconfig reads this integer as "
			   "decimal",
			   k->name, value->text + strspn(value->text, "0"));
	else
		load_error(l, value, "%s'%s' must be %s%s, not %s", prefix,
			   name_in_messages(k, value), expected, extra, describe_value(value));
	if (value->type & (NODE_STRING | NODE_FLOAT))
		hint_at_number(l, value, types);
}

static void check_range(struct load *l, const struct key *k, struct node *value)
{
	if (value->type == NODE_FLOAT && !(k->types & NODE_FLOAT))
		return;
	if ((k->flags & KEY_ITEM_RANGE) && value->name)
		return;
	if (k->min >= k->max || (value->real >= k->min && value->real <= k->max))
		return;
	load_error(l, value, "'%s' must be %.15g to %.15g, not %s", name_in_messages(k, value),
		   k->min, k->max, value->text);
}

void load_error_wrong_word(struct load *l, const struct key *k, const struct keyword *words,
			   struct node *value)
{
	_cleanup_free_ char *shown = diag_quote(value->text);

	load_error(l, value, "'%s' cannot be %s", name_in_messages(k, value), shown);
	if (value->type == NODE_STRING)
		hint_at_number(l, value, k->types);
	suggest_word(l, words, value->text);
}

static void check_keyword(struct load *l, const struct key *k, struct node *value)
{
	if (!key_find_word(k->words, value->text))
		load_error_wrong_word(l, k, k->words, value);
}

static void check_string(struct load *l, const struct key *k, struct node *value)
{
	if (!text_is_utf8(value->text)) {
		load_error(l, value, "'%s' is not valid UTF-8", name_in_messages(k, value));
	} else if ((k->flags & KEY_NOT_EMPTY) && !*value->text) {
		load_error(l, value, "'%s' is empty", name_in_messages(k, value));
	} else if (k->words) {
		check_keyword(l, k, value);
	}
}

/*
 * Warns about a decimal integer of several digits after a zero. libconfig reads 0104 as 104; who
 * writes it means a hexadecimal number.
 */
static void warn_about_leading_zero(struct load *l, const struct node *value)
{
	const char *digits = value->text + strspn(value->text, "0");
	size_t n = strlen(digits);

	if (*value->text != '0' || n < 2 || strspn(digits, "0123456789") != n)
		return;
	diag_warning(l->diags, &value->at, "%s is the decimal number %s", value->text, digits);
	diags_hint(l->diags, "write 0x%s, a hexadecimal number, or %s", value->text, digits);
}

/* Checks a value whose type was checked: the range of a number, or the text of a string. */
static void check_range_or_string(struct load *l, const struct key *k, struct node *value)
{
	if (value->type == NODE_INT)
		warn_about_leading_zero(l, value);
	if (value->type & (NODE_INT | NODE_FLOAT))
		check_range(l, k, value);
	else if (value->type == NODE_STRING)
		check_string(l, k, value);
}

static void check_list(struct load *l, const struct key *k, struct node *list)
{
	if ((k->flags & KEY_NOT_EMPTY) && list->n_children == 0 && !l->has_syntax_error)
		load_error(l, list, "'%s' is empty", k->name);
	if (!k->item_types)
		return;
	node_foreach(item, list) {
		if (item->type == NODE_BAD || item->has_error)
			item->has_error = true;
		else if (!(item->type & k->item_types))
			check_type(l, k, item, k->item_types, "an element of ");
		else
			check_range_or_string(l, k, item);
	}
}

static void check_value(struct load *l, const struct key *k, struct node *value)
{
	if (!value->has_error)
		load_normalize(l, k, value);
	if (value->type == NODE_BAD || value->has_error)
		value->has_error = true;
	else if (!(value->type & k->types))
		check_type(l, k, value, k->types, "");
	else if ((value->type & TYPE_LIST) || (value->type == NODE_GROUP && (k->flags & KEY_NAMED)))
		check_list(l, k, value);
	else if (value->type == NODE_GROUP && (k->flags & KEY_NOT_EMPTY) &&
		 value->n_children == 0 && !l->has_syntax_error)
		load_error(l, value, "'%s' is empty", name_in_messages(k, value));
	else
		check_range_or_string(l, k, value);
}

static void error_unknown_key(struct load *l, const struct key_group *group,
			      const struct node *node, struct node *setting)
{
	setting->has_error = true;
	diag_error(l->diags, &setting->name_at, "unknown key '%s' in %s", setting->name,
		   group->group_name_in_messages);
	suggest_key(l, group, node, setting);
}

static void check_required(struct load *l, const struct key_group *group, struct node *node)
{
	for (const struct key *k = group->keys; k && k->name; k++)
		if ((k->flags & KEY_REQUIRED) && !node_member(node, k->name))
			diag_error(l->diags, node_range_to_mark(node), "%s needs '%s'",
				   group->group_name_in_messages, k->name);
}

void load_group(struct load *l, const struct key_group *group, struct node *node, void *object)
{
	node_foreach(setting, node) {
		const struct key *k = key_find(group, setting->name);

		if (!k) {
			error_unknown_key(l, group, node, setting);
			continue;
		}
		check_value(l, k, setting);
		if (k->set && !setting->has_error)
			k->set(l, k, setting, (char *)object + k->offset);
	}
	if (!l->has_syntax_error)
		check_required(l, group, node);
}
