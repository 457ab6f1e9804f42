/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/plugin_option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/util.h"

static const struct {
	const char *name;
	enum ffsctl_option_type type;
} types[] = {
	{ "string", FFSCTL_OPTION_STRING }, { "bool", FFSCTL_OPTION_BOOL },
	{ "int", FFSCTL_OPTION_INT },	    { "float", FFSCTL_OPTION_FLOAT },
	{ "size", FFSCTL_OPTION_SIZE },
};

const char *option_type_name(enum ffsctl_option_type type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

bool option_type_find(const char *name, enum ffsctl_option_type *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!streq(types[i].name, name))
			continue;
		*type = types[i].type;
		return true;
	}
	return false;
}

static int fail_wrong_type(struct error *err, const struct ffsctl_option *o, const char *wanted)
{
	return error_set(err, EX_DATAERR, EINVAL, NULL, "option '%s' must be %s", o->name, wanted);
}

static int parse_int(const char *s, int64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoll(s, &end, str_has_prefix(s, "0x") ? 16 : 10);
	return errno || end == s || *end ? -EINVAL : 0;
}

static int parse_size(const char *s, int64_t *n)
{
	unsigned int shift;
	char *end;

	errno = 0;
	*n = strtoll(s, &end, 10);
	if (errno || end == s || *n < 0)
		return -EINVAL;
	if (!size_unit_shift(end, &shift) || *n > INT64_MAX >> shift)
		return -EINVAL;
	*n <<= shift;
	return 0;
}

static int check_option_choice(const struct ffsctl_option *o, const char *text, struct error *err)
{
	_cleanup_free_ char *all = NULL;
	const char *const *c;

	if (!o->choices)
		return 0;
	for (c = o->choices; *c; c++)
		if (streq(*c, text))
			return 0;
	error_set(err, EX_DATAERR, EINVAL, NULL, "option '%s' cannot be '%s'", o->name, text);
	for (c = o->choices; *c; c++)
		text_append_word_to_list(&all, *c, !c[1], " or ");
	return error_add_hint(err, "use %s", all);
}

static int check_option_range(const struct ffsctl_option *o, int64_t n, struct error *err)
{
	if ((!o->min && !o->max) || (n >= o->min && n <= o->max))
		return 0;
	return error_set(err, EX_DATAERR, ERANGE, NULL,
			 "option '%s' must be %" PRId64 " to %" PRId64 ", not %" PRId64, o->name,
			 o->min, o->max, n);
}

int option_from_text(struct option_value *v, const char *text)
{
	char *end;

	switch (v->declaration->type) {
	case FFSCTL_OPTION_STRING:
		v->text = xstrdup(text);
		return 0;
	case FFSCTL_OPTION_BOOL:
		v->number = streq(text, "true");
		return v->number || streq(text, "false") ? 0 : -EINVAL;
	case FFSCTL_OPTION_INT:
		return parse_int(text, &v->number);
	case FFSCTL_OPTION_SIZE:
		return parse_size(text, &v->number);
	case FFSCTL_OPTION_FLOAT:
		v->real = strtod(text, &end);
		return end == text || *end ? -EINVAL : 0;
	}
	return -EINVAL;
}

int option_from_json(struct option_value *v, const json_t *j, struct error *err)
{
	const struct ffsctl_option *o = v->declaration;

	switch (o->type) {
	case FFSCTL_OPTION_STRING:
		if (!json_is_string(j))
			return fail_wrong_type(err, o, "a string");
		v->text = xstrdup(json_string_value(j));
		return check_option_choice(o, v->text, err);
	case FFSCTL_OPTION_BOOL:
		if (!json_is_boolean(j))
			return fail_wrong_type(err, o, "true or false");
		v->number = json_is_true(j);
		return 0;
	case FFSCTL_OPTION_INT:
		if (!json_is_integer(j))
			return fail_wrong_type(err, o, "an integer");
		v->number = json_integer_value(j);
		return check_option_range(o, v->number, err);
	case FFSCTL_OPTION_SIZE:
		if (json_is_integer(j) && json_integer_value(j) >= 0)
			v->number = json_integer_value(j);
		else if (!json_is_string(j) || parse_size(json_string_value(j), &v->number) < 0)
			return fail_wrong_type(
				err, o, "a size: an integer, or a text like \"64K\" or \"16M\"");
		return check_option_range(o, v->number, err);
	case FFSCTL_OPTION_FLOAT:
		if (!json_is_number(j))
			return fail_wrong_type(err, o, "a number");
		v->real = json_number_value(j);
		return 0;
	}
	return fail_wrong_type(err, o, "of a type this ffsctl-worker knows");
}
