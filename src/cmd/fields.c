/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#define WORKER "worker."

/* Returns the row of the table with that name; NULL: there is none. */
static const struct member *find(const struct members *members, const char *name)
{
	for (size_t i = 0; i < members->n; i++)
		if (streq(members->v[i].name, name))
			return &members->v[i];
	return NULL;
}

/*
 * Parses one field. The last dot ends the label, because labels of functions that another program
 * made contain dots.
 */
static bool parse_one(struct field *field, const char *text)
{
	const char *dot = strrchr(text, '.'), *end = dot;

	if (!dot) {
		field->member = find(&gadget_fields, text);
		return field->member != NULL;
	}
	field->worker = dot - text >= (ptrdiff_t)strlen("." WORKER) &&
			str_has_prefix(dot + 1 - strlen("." WORKER), "." WORKER);
	if (field->worker)
		end = dot + 1 - strlen("." WORKER);
	field->member = find(field->worker ? &worker_fields : &function_fields, dot + 1);
	field->function = xstrndup(text, (size_t)(end - text));
	return field->member && *field->function;
}

bool fields_parse(struct fields *fields, const char *text, char **bad)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		struct field *field = array_add(fields->list, fields->n);

		if (!parse_one(field, word)) {
			*bad = strf("unknown field '%s'", word);
			fields_free(fields);
			return false;
		}
		fields->has_each =
			fields->has_each || (field->function && streq(field->function, "*"));
	}
	return true;
}

void fields_free(struct fields *fields)
{
	for (size_t i = 0; i < fields->n; i++)
		free(fields->list[i].function);
	free(fields->list);
	*fields = (struct fields){ 0 };
}

/* Prints a text. Replaces newlines and tabs, which separate lines and columns, by blanks. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar(*text == '\n' || *text == '\t' ? ' ' : *text);
}

/* Prints JSON on one line with all control characters escaped. */
static void print_object(const json_t *value)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);

	printf("%s", text ? text : "-");
}

static void print_value(const json_t *value)
{
	if (json_is_integer(value))
		printf("%lld", (long long)json_integer_value(value));
	else if (json_is_string(value) && *json_string_value(value))
		print_text(json_string_value(value));
	else if (json_is_object(value))
		print_object(value);
	else
		putchar('-');
}

static const void *find_status_struct(const struct field *field, const struct gadget_status *gadget,
				      const struct function_status *each)
{
	const struct function_status *function;

	if (!field->function)
		return gadget;
	function =
		streq(field->function, "*") ? each : status_find_function(gadget, field->function);
	if (!field->worker)
		return function;
	return function && function->has_worker ? &function->worker : NULL;
}

static void print_line(const struct fields *fields, const struct gadget_status *gadget,
		       const struct function_status *each)
{
	for (size_t i = 0; i < fields->n; i++) {
		const void *of = find_status_struct(&fields->list[i], gadget, each);
		json_t *value = of ? member_to_json(fields->list[i].member, of) : NULL;

		if (i > 0)
			putchar('\t');
		print_value(value);
		json_decref(value);
	}
	putchar('\n');
}

void fields_print(const struct fields *fields, const struct gadget_status *gadget)
{
	if (!fields->has_each)
		print_line(fields, gadget, NULL);
	else
		for (size_t i = 0; i < gadget->n_functions; i++)
			print_line(fields, gadget, &gadget->functions[i]);
}
