/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/option_table.h"
#include "base/util.h"

enum color { RED, GREEN, BLUE, COLORS };

struct values {
	bool all;
	int mode;
	const char *file;
	double wait, limit;
	enum color color;
	int n_only;
};

static int add_only(void *values, const char *value, struct error *err)
{
	if (*value == '-')
		return error_set(err, EX_USAGE, ENOENT, NULL, "there is no '%s'", value);
	((struct values *)values)->n_only++;
	return 0;
}

#define AT(member) .offset = offsetof(struct values, member)

static const struct option_row rows[] = {
	{ "--all", NULL, "everything", OPTION_FLAG, AT(all), .letter = 'a' },
	{ "--raw", NULL, "as it is", OPTION_CONSTANT, AT(mode), .constant = 7 },
	{ "-w", " FILE", "the file\nto write", OPTION_TEXT, AT(file) },
	{ "--wait", "[=S]", "seconds", OPTION_SECONDS, AT(wait), .seconds_without_value = 30 },
	{ "--limit", " S", "seconds", OPTION_SECONDS, AT(limit) },
	{ "--color", "=WHEN", "red, green or blue", OPTION_WORD, AT(color),
	  .words = (const char *const[]){ "red", "green", "blue" }, .n_words = COLORS },
	{ "--only", " NAME", "only NAME", OPTION_SET, .set = add_only },
	{ "--words", NULL, NULL, OPTION_FLAG, AT(all) },
	{ 0 },
};

/* Parses the words after the command's name; the last is NULL. */
static int parse(char **argv, struct values *v, bool stops, struct error *err)
{
	const struct option_parser parser = { rows, v, NULL, stops };
	int argc = 0;

	while (argv[argc])
		argc++;
	*v = (struct values){ 0 };
	return option_table_parse(&parser, argc, argv, err);
}

#define WORDS(...) ((char *[]){ "command", __VA_ARGS__, NULL })

Test(option_table, stores_each_type_of_value)
{
	char **argv = WORDS("--all", "x", "--raw", "-w", "out", "--wait", "--limit=2.5", "--color",
			    "blue", "--only", "a", "--only=b", "--", "--all");
	_cleanup_error_ struct error err = { 0 };
	struct values v;

	cr_assert_eq(parse(argv, &v, false, &err), OPTIONS_PARSED);
	cr_assert(v.all && v.mode == 7 && v.color == BLUE && v.n_only == 2);
	cr_assert_str_eq(v.file, "out");
	cr_assert(v.wait > 29 && v.wait < 31 && v.limit > 2 && v.limit < 3);
	cr_assert_str_eq(argv[optind], "x");
	cr_assert_str_eq(argv[optind + 1], "--all");
}

Test(option_table, letters_and_the_first_argument)
{
	char **argv = WORDS("-awout", "x", "--raw");
	_cleanup_error_ struct error err = { 0 };
	struct values v;

	cr_assert_eq(parse(argv, &v, true, &err), OPTIONS_PARSED);
	cr_assert(v.all && v.mode == 0);
	cr_assert_str_eq(v.file, "out");
	cr_assert_str_eq(argv[optind], "x");
	cr_assert_eq(parse(WORDS("-h"), &v, true, &err), OPTIONS_HELP);
	cr_assert_eq(parse(WORDS("--he"), &v, true, &err), OPTIONS_HELP);
}

Test(option_table, wrong_values)
{
	static const struct {
		const char *word, *text;
	} wrong[] = {
		{ "--limit=-1", "--limit takes a number of seconds, not '-1'" },
		{ "--limit=", "--limit takes a number of seconds, not ''" },
		{ "--wait=inf", "--wait takes a number of seconds, not 'inf'" },
		{ "--color=rot", "--color takes red, green or blue, not 'rot'" },
		{ "--only=-", "there is no '-'" },
		{ "--raw=1", "option '--raw' takes no value" },
		{ "--limit", "option '--limit' needs a value" },
		{ "-w", "option '-w' needs a value" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_error_ struct error err = { 0 };
		_cleanup_free_ char *word = xstrdup(wrong[i].word);
		struct values v;

		cr_assert_lt(parse(WORDS(word), &v, false, &err), 0, "%s", word);
		cr_assert_str_eq(err.text, wrong[i].text);
	}
}

Test(option_table, unknown_options)
{
	static const struct {
		const char *word, *name, *suggestion;
	} unknown[] = {
		{ "--colour=red", "--colour", "--color" },
		{ "--hlep", "--hlep", "--help" },
		{ "--wrods", "--wrods", NULL },
		{ "-x", "-x", NULL },
		{ "-ax", "-x", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		_cleanup_free_ char *word = xstrdup(unknown[i].word), *name = NULL;
		_cleanup_error_ struct error err = { 0 };
		char **argv = WORDS("x", word);
		const char *suggestion;
		struct values v;

		cr_assert_eq(parse(argv, &v, false, &err), -ENOENT);
		cr_assert_eq(err.exit, 0);
		name = option_rejected_name(argv);
		cr_assert_str_eq(name, unknown[i].name);
		suggestion = option_suggest(rows, name);
		cr_assert(unknown[i].suggestion ? streq_null(suggestion, unknown[i].suggestion)
						: !suggestion,
			  "%s", word);
	}
	cr_assert_null(option_find(NULL, "--all"));
	cr_assert_eq(option_find(rows, "-a"), &rows[0]);
	cr_assert_not(option_needs_value(option_find(rows, "--wait")));
	cr_assert(option_needs_value(option_find(rows, "--color")));
}

Test(option_table, help_has_each_option_but_those_of_programs)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	option_table_print(out, rows, 14);
	fclose(out);
	cr_assert_str_eq(text, "  -a, --all   everything\n"
			       "  --raw       as it is\n"
			       "  -w FILE     the file\n"
			       "              to write\n"
			       "  --wait[=S]  seconds\n"
			       "  --limit S   seconds\n"
			       "  --color=WHEN  red, green or blue\n"
			       "  --only NAME only NAME\n");
}
