// SPDX-License-Identifier: GPL-2.0-or-later
/* Generates schemas/gadget.schema.json from the table of keys. See generate_reference.c. */
#include <stdio.h>

#include "gadgetfile/keys/generate_schema.h"
#include "gadgetfile/types/attrs.h"

static const struct {
	enum node_type type;
	const char *name;
} types[] = {
	{ NODE_BOOL, "boolean" },  { NODE_INT, "integer" },  { NODE_FLOAT, "number" },
	{ NODE_STRING, "string" }, { NODE_GROUP, "object" }, { NODE_LIST, "array" },
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
			json_array_append_new(names, json_string(types[i].name));
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

void print_schema(void)
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
