/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/fields.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#define WORKER "worker."

/* The members of schemas/output.schema.json that have a single value. */
const char *const fields_of_gadget[] = { "name",  "file",  "state",	 "udc", "udc_state",
					 "speed", "since", "supervisor", NULL };
const char *const fields_of_function[] = { "label",  "type",   "instance", "mount",
					   "device", "ifname", "keeper",   NULL };
const char *const fields_of_worker[] = { "state",     "pid",	     "engine", "restarts",
					 "last_exit", "ready_since", "stats",  NULL };

/* Returns the word of the table, which outlives `word`; NULL: not in the table. */
static const char *find(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (streq(*words, word))
			return *words;
	return NULL;
}

/* Parses a field. The last dot ends the label, because labels of foreign functions contain dots. */
static bool parse_one(struct field *field, const char *text)
{
	const char *dot = strrchr(text, '.'), *end = dot;

	if (!dot) {
		field->member = find(fields_of_gadget, text);
		return field->member != NULL;
	}
	field->worker = dot - text >= (ptrdiff_t)strlen("." WORKER) &&
			str_has_prefix(dot + 1 - strlen("." WORKER), "." WORKER);
	if (field->worker)
		end = dot + 1 - strlen("." WORKER);
	field->member = find(field->worker ? fields_of_worker : fields_of_function, dot + 1);
	field->function = xstrndup(text, (size_t)(end - text));
	return field->member && *field->function;
}

bool fields_parse(struct fields *fields, const char *text, char **bad)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		struct field *field = array_add(fields->v, fields->n);

		if (!parse_one(field, word)) {
			*bad = strf("unknown field '%s'", word);
			fields_free(fields);
			return false;
		}
		fields->each = fields->each || (field->function && streq(field->function, "*"));
	}
	return true;
}

void fields_free(struct fields *fields)
{
	for (size_t i = 0; i < fields->n; i++)
		free(fields->v[i].function);
	free(fields->v);
	*fields = (struct fields){ 0 };
}

/* Replaces newlines and tabs, which file names may contain, to keep lines and columns. */
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

static const json_t *function_of(const json_t *gadget, const char *label)
{
	const json_t *function;
	size_t i;

	json_array_foreach(json_object_get(gadget, "functions"), i, function)
		if (streq_null(json_string_value(json_object_get(function, "label")), label))
			return function;
	return NULL;
}

static void print_line(const struct fields *fields, const json_t *gadget, const json_t *each)
{
	for (size_t i = 0; i < fields->n; i++) {
		const struct field *field = &fields->v[i];
		const json_t *in = gadget;

		if (field->function)
			in = streq(field->function, "*") ? each
							 : function_of(gadget, field->function);
		if (field->worker)
			in = json_object_get(in, "worker");
		if (i > 0)
			putchar('\t');
		print_value(json_object_get(in, field->member));
	}
	putchar('\n');
}

void fields_print(const struct fields *fields, const json_t *gadget)
{
	const json_t *function;
	size_t i;

	if (!fields->each)
		print_line(fields, gadget, NULL);
	else
		json_array_foreach(json_object_get(gadget, "functions"), i, function)
			print_line(fields, gadget, function);
}
