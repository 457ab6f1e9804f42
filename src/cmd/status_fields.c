/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#define WORKER "worker."

/* Returns the row with this name in a table of status members; NULL: there is none. */
static const struct json_member *find_member(const struct json_members *members, const char *name)
{
	for (size_t i = 0; i < members->n; i++)
		if (streq(members->list[i].name, name))
			return &members->list[i];
	return NULL;
}

/*
 * Parses one field. The label of the function ends at the last dot: labels of functions that
 * another program made contain dots.
 */
static bool parse_field(struct status_field *field, const char *text)
{
	const char *dot = strrchr(text, '.'), *end = dot;

	if (!dot) {
		field->status_member = find_member(&gadget_fields, text);
		return field->status_member != NULL;
	}
	field->is_of_worker = dot - text >= (ptrdiff_t)strlen("." WORKER) &&
			      str_has_prefix(dot + 1 - strlen("." WORKER), "." WORKER);
	if (field->is_of_worker)
		end = dot + 1 - strlen("." WORKER);
	field->status_member =
		find_member(field->is_of_worker ? &worker_fields : &function_fields, dot + 1);
	field->function_label = xstrndup(text, (size_t)(end - text));
	return field->status_member && *field->function_label;
}

bool status_fields_parse(struct status_fields *fields, const char *text, char **message)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		struct status_field *field = array_add(fields->fields, fields->n_fields);

		if (!parse_field(field, word)) {
			*message = strf("unknown field '%s'", word);
			status_fields_free(fields);
			return false;
		}
		fields->prints_each_function =
			fields->prints_each_function ||
			(field->function_label && streq(field->function_label, "*"));
	}
	return true;
}

void status_fields_free(struct status_fields *fields)
{
	for (size_t i = 0; i < fields->n_fields; i++)
		free(fields->fields[i].function_label);
	free(fields->fields);
	*fields = (struct status_fields){ 0 };
}

/* Prints a text. Prints newlines and tabs as blanks, because they separate lines and columns. */
static void print_text_on_line(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' || *text == '\t' ? ' ' : *text);
}

/* Prints JSON on one line with all control characters escaped. */
static void print_object_on_line(const json_t *value)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);

	printf("%s", text ? text : "-");
}

static void print_value(const json_t *value)
{
	if (json_is_integer(value))
		printf("%lld", (long long)json_integer_value(value));
	else if (json_is_string(value) && *json_string_value(value))
		print_text_on_line(json_string_value(value));
	else if (json_is_object(value))
		print_object_on_line(value);
	else
		putchar('-');
}

static const void *find_status_struct(const struct status_field *field,
				      const struct gadget_status *gadget,
				      const struct function_status *each_function)
{
	const struct function_status *function;

	if (!field->function_label)
		return gadget;
	function = streq(field->function_label, "*")
			   ? each_function
			   : status_find_function(gadget, field->function_label);
	if (!field->is_of_worker)
		return function;
	return function && function->has_worker ? &function->worker : NULL;
}

static void print_fields_line(const struct status_fields *fields,
			      const struct gadget_status *gadget,
			      const struct function_status *each_function)
{
	for (size_t i = 0; i < fields->n_fields; i++) {
		const void *of = find_status_struct(&fields->fields[i], gadget, each_function);
		json_t *value =
			of ? json_member_to_json(fields->fields[i].status_member, of) : NULL;

		if (i > 0)
			putchar('\t');
		print_value(value);
		json_decref(value);
	}
	putchar('\n');
}

void status_fields_print(const struct status_fields *fields, const struct gadget_status *gadget)
{
	if (!fields->prints_each_function)
		print_fields_line(fields, gadget, NULL);
	else
		for (size_t i = 0; i < gadget->n_functions; i++)
			print_fields_line(fields, gadget, &gadget->functions[i]);
}
