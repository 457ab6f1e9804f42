// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generates schemas/gadget.schema.json and the key reference of ffsctl-gadget(5) from the table of
 * keys. Not part of ffsctl: maintainers run it with `make update-reference`, and `make check`
 * compares the results. Usage: gadgetfile-reference schema | man
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"

static const struct {
	enum node_type type;
	const char *schema, *man;
} types[] = {
	{ NODE_BOOL, "boolean", "bool" },  { NODE_INT, "integer", "int" },
	{ NODE_FLOAT, "number", "float" }, { NODE_STRING, "string", "string" },
	{ NODE_GROUP, "object", "group" }, { NODE_LIST, "array", "list" },
};

/* JSON pointer to the schema of a function. */
#define FUNCTION_REF "#/properties/functions/additionalProperties"

static json_t *group_schema(const struct key_group *group);

static json_t *schema_type_names(unsigned int mask)
{
	json_t *names = json_array();

	if (mask & NODE_FLOAT) /* the type "number" of JSON Schema includes integers */
		mask &= ~(unsigned int)NODE_INT;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (mask & types[i].type)
			json_array_append_new(names, json_string(types[i].schema));
	if (json_array_size(names) == 1) {
		json_t *only = json_incref(json_array_get(names, 0));

		json_decref(names);
		return only;
	}
	return names;
}

/* Returns a limit of a number as JSON: as an integer if the limit is a whole number. */
static json_t *limit_to_json(double value)
{
	long long whole = (long long)value;

	return (double)whole == value ? json_integer(whole) : json_real(value);
}

static json_t *string_schema(const struct key *k)
{
	json_t *schema = json_pack("{s:s}", "type", "string");
	json_t *words = json_array();

	for (const struct keyword *w = k->words; w && w->word; w++)
		json_array_append_new(words, json_string(w->word));
	if (json_array_size(words) > 0)
		json_object_set(schema, "enum", words);
	if (k->pattern)
		json_object_set_new(schema, "pattern", json_string(k->pattern));
	if (k->flags & KEY_NOT_EMPTY)
		json_object_set_new(schema, "minLength", json_integer(1));
	json_decref(words);
	return schema;
}

static json_t *number_schema(const struct key *k, unsigned int mask)
{
	json_t *schema =
		json_pack("{s:o}", "type", schema_type_names(mask & (NODE_INT | NODE_FLOAT)));

	if (k->min < k->max && !(k->flags & KEY_ITEM_RANGE)) {
		json_object_set_new(schema, "minimum", limit_to_json(k->min));
		json_object_set_new(schema, "maximum", limit_to_json(k->max));
	} else {
		json_object_set_new(schema, "minimum", json_integer(INT32_MIN));
		json_object_set_new(schema, "maximum", json_integer(UINT32_MAX));
	}
	return schema;
}

static json_t *value_schema(const struct key *k, unsigned int mask);

static json_t *array_schema(const struct key *k)
{
	json_t *schema = json_pack("{s:s}", "type", "array");
	struct key item = *k;

	if (k->item_types) {
		/* These flags apply to the list, not to its elements. */
		item.flags &= ~(unsigned int)(KEY_NOT_EMPTY | KEY_NAMED | KEY_ITEM_RANGE);
		item.item_types = 0;
		json_object_set_new(schema, "items", value_schema(&item, k->item_types));
	}
	if (k->flags & KEY_NOT_EMPTY)
		json_object_set_new(schema, "minItems", json_integer(1));
	return schema;
}

static json_t *value_schema(const struct key *k, unsigned int mask)
{
	json_t *any = json_array(), *only;

	if (mask & NODE_BOOL)
		json_array_append_new(any, json_pack("{s:s}", "type", "boolean"));
	if (mask & (NODE_INT | NODE_FLOAT))
		json_array_append_new(any, number_schema(k, mask));
	if (mask & NODE_STRING)
		json_array_append_new(any, string_schema(k));
	/*
	 * Writes a reference to the schema of a function instead of a copy, because that schema is
	 * very long
	 */
	if ((mask & NODE_GROUP) && k->group == &function_keys && (mask & NODE_STRING))
		json_array_append_new(any, json_pack("{s:s}", "$ref", FUNCTION_REF));
	else if ((mask & NODE_GROUP) && (k->flags & KEY_NAMED))
		json_array_append_new(any, json_pack("{s:s, s:o, s:i}", "type", "object",
						     "additionalProperties", group_schema(k->group),
						     "minProperties", 1));
	else if (mask & NODE_GROUP)
		json_array_append_new(any, k->group ? group_schema(k->group)
						    : json_pack("{s:s}", "type", "object"));
	if (mask & TYPE_LIST)
		json_array_append_new(any, array_schema(k));
	if (json_array_size(any) != 1)
		return json_pack("{s:o}", "anyOf", any);
	only = json_incref(json_array_get(any, 0));
	json_decref(any);
	return only;
}

static json_t *key_schema(const struct key *k)
{
	json_t *schema;

	schema = value_schema(k, k->types);
	if (k->types == NODE_GROUP && (k->flags & KEY_NOT_EMPTY))
		json_object_set_new(schema, "minProperties", json_integer(1));
	json_object_set_new(schema, "description", json_string(k->doc));
	return schema;
}

/*
 * Returns a list of JSON Schema conditions, one for each function type: "if" the function has this
 * type, "then" the key `name` ("attrs") has the schema of the type's attributes.
 */
static json_t *attrs_schema_by_type(const char *name)
{
	json_t *all = json_array();

	for (const struct function_type *t = function_table; t->name; t++)
		json_array_append_new(
			all, json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:{s:{s:o}}}", "if", "properties",
				       "type", "const", t->name, "required", "type", "then",
				       "properties", name,
				       t->attr_keys ? group_schema(t->attr_keys)
						    : json_pack("{s:i}", "maxProperties", 0)));
	return all;
}

static json_t *group_schema(const struct key_group *group)
{
	json_t *properties = json_object(), *required = json_array(), *by_type = NULL, *schema;
	json_t *one_of = json_array();

	for (const struct key *k = group->keys; k && k->name; k++) {
		json_object_set_new(properties, k->name, key_schema(k));
		if (k->flags & KEY_REQUIRED)
			json_array_append_new(required, json_string(k->name));
		if (k->flags & KEY_ONE_OF)
			json_array_append_new(one_of, json_pack("{s:[s]}", "required", k->name));
		if (k->flags & KEY_BY_TYPE)
			by_type = attrs_schema_by_type(k->name);
	}
	schema = json_pack("{s:s, s:o*}", "type", "object", "allOf", by_type);
	if (group->keys)
		json_object_set(schema, "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	if (json_array_size(one_of) > 0)
		json_object_set(schema, "anyOf", one_of);
	json_object_set_new(schema, "additionalProperties",
			    group->user_named_key ? key_schema(group->user_named_key)
						  : json_false());
	json_decref(properties);
	json_decref(required);
	json_decref(one_of);
	return schema;
}

static void print_schema(void)
{
	json_t *schema = json_pack(
		"{s:s, s:s, s:s, s:s, s:s}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "$comment",
		"SPDX-License-Identifier: GPL-2.0-or-later", "$id", "gadget.schema.json", "title",
		"ffsctl gadget file", "description",
		"A gadget file as a JSON document, as 'ffsctl check --json' prints it. Generated "
		"from the table of keys in src/gadgetfile/keys: do not edit.");
	json_t *gadget = group_schema(&gadget_keys);

	json_object_update(schema, gadget);
	json_dumpf(schema, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(gadget);
	json_decref(schema);
}

#define MAN_COLUMNS 78

/*
 * Prints a word. mdoc treats '.' or '\'' at the beginning of a line as a request, and a backslash
 * as an escape.
 */
static void print_word(const char *word, size_t n, size_t *column)
{
	if (*column > 0 && *column + 1 + n > MAN_COLUMNS) {
		putchar('\n');
		*column = 0;
	} else if (*column > 0) {
		putchar(' ');
		++*column;
	}
	if (*column == 0 && (*word == '.' || *word == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < n; i++) {
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else
			putchar(word[i]);
	}
	*column += n;
}

/* Prints text in lines of limited length; each sentence begins on a new line. */
static void print_text(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		print_word(text, n, &column);
		if (n > 1 && text[n - 1] == '.' && text[n] == ' ' && text[n - 2] != '.') {
			putchar('\n');
			column = 0;
		}
		text += n + strspn(text + n, " ");
	}
	if (column > 0)
		putchar('\n');
}

static void print_types(unsigned int mask)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!(mask & types[i].type))
			continue;
		printf("%s%s", separator, types[i].man);
		separator = " | ";
	}
}

static void print_words(const struct keyword *words)
{
	_cleanup_free_ char *all = NULL;

	for (const struct keyword *w = words; w && w->word; w++) {
		char *longer;

		longer = all ? strf("%s, %s", all, w->word) : strf("One of %s", w->word);
		free(all);
		all = longer;
	}
	if (all) {
		char *sentence = strf("%s.", all);

		print_text(sentence);
		free(sentence);
	}
}

static void print_limits(const struct key *k)
{
	if (k->min >= k->max)
		return;
	if (k->types == NODE_STRING)
		printf("At most %.15g bytes.\n", k->max);
	else
		printf("%s %.15g to %.15g.\n",
		       k->flags & KEY_ITEM_RANGE ? "Numbers of the list from" : "From", k->min,
		       k->max);
}

static void print_key(const struct key *k)
{
	printf(".It Cm %s Pq ", k->name);
	print_types(k->types);
	if (k->item_types) {
		fputs(" of ", stdout);
		print_types(k->item_types);
	}
	putchar('\n');
	print_text(k->doc);
	print_words(k->words);
	print_limits(k);
	if (k->flags & KEY_REQUIRED)
		puts("Required.");
	if (k->default_text)
		printf("Default: %s.\n", k->default_text);
}

#define MAX_GROUPS 128

/*
 * Returns true on the first call for a group. Several keys may have the same group: for example
 * 'full' and 'high', or functions in 'functions' and in 'configs'. Such a group must be printed
 * only once.
 */
static bool is_not_printed(const struct key_group *group)
{
	static const struct key_group *printed[MAX_GROUPS];
	size_t n = 0;

	while (n < MAX_GROUPS && printed[n]) {
		if (printed[n++] == group)
			return false;
	}
	if (n == MAX_GROUPS) {
		fputs("gadgetfile-reference: more groups than expected\n", stderr);
		exit(EX_SOFTWARE);
	}
	printed[n] = group;
	return true;
}

static void print_keys(const struct key_group *group)
{
	if (!group->user_named_key && !(group->keys && group->keys->name))
		return;
	puts(".Bl -tag -width Ds");
	for (const struct key *k = group->keys; k && k->name; k++)
		print_key(k);
	if (group->user_named_key)
		print_key(group->user_named_key);
	puts(".El");
}

static void print_heading(const struct key_group *group)
{
	printf(".Ss %s\n", *group->manual_heading ? group->manual_heading : "The file");
	print_text(group->doc);
}

static void print_group(const struct key_group *group);

/*
 * Prints the attributes of a type of function. If an earlier type has the same array of rows, as
 * ecm, eem and geth do, prints a reference to that type.
 */
static void print_attributes(const struct function_type *type)
{
	const struct key_group *group = type->attr_keys;
	const struct function_type *first = function_table;

	while (!first->attr_keys || first->attr_keys->keys != group->keys)
		first++;
	if (first == type || !group->keys->name) {
		print_group(group);
	} else {
		print_heading(group);
		printf("It has the attributes of %s.\n", first->name);
	}
}

static void print_group(const struct key_group *group)
{
	if (!is_not_printed(group))
		return;
	print_heading(group);
	print_keys(group);
	for (const struct key *k = group->keys; k && k->name; k++) {
		if (k->group)
			print_group(k->group);
		for (const struct function_type *t = function_table;
		     (k->flags & KEY_BY_TYPE) && t->name; t++)
			if (t->attr_keys)
				print_attributes(t);
	}
	if (group->user_named_key && group->user_named_key->group)
		print_group(group->user_named_key->group);
}

int main(int argc, char **argv)
{
	if (argc == 2 && streq(argv[1], "schema")) {
		print_schema();
	} else if (argc == 2 && streq(argv[1], "man")) {
		print_group(&gadget_keys);
	} else {
		fputs("usage: gadgetfile-reference schema | man\n", stderr);
		return EX_USAGE;
	}
	return 0;
}
