/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/option_table.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"

#define FIRST_ROW 256 /* what getopt_long returns for the first row */

static const struct option_row no_rows[] = { { 0 } };

static const struct option_row *rows_or_none(const struct option_row *rows)
{
	return rows ? rows : no_rows;
}

static size_t count_rows(const struct option_row *rows)
{
	size_t n = 0;

	while (rows[n].name)
		n++;
	return n;
}

static bool has_two_dashes(const struct option_row *row)
{
	return str_has_prefix(row->name, "--");
}

/* Returns the letter of the option as "-w"; 0: it has only a name with two dashes. */
static char short_name(const struct option_row *row)
{
	return has_two_dashes(row) ? row->letter : row->name[1];
}

static bool value_is_optional(const struct option_row *row)
{
	return row->value && *row->value == '[';
}

bool option_needs_value(const struct option_row *row)
{
	return row->value && !value_is_optional(row);
}

const struct option_row *option_find(const struct option_row *rows, const char *name)
{
	for (const struct option_row *row = rows_or_none(rows); row->name; row++)
		if (streq(row->name, name) ||
		    (name[0] == '-' && name[1] && !name[2] && name[1] == short_name(row)))
			return row;
	return NULL;
}

const char *option_suggest(const struct option_row *rows, const char *name)
{
	const char *word = name + strspn(name, "-"), *found = NULL, *similar = NULL;

	if (strlen(word) < 2)
		return NULL;
	if (text_find_most_similar(word, "help", &similar))
		found = "--help";
	for (const struct option_row *row = rows_or_none(rows); row->name; row++)
		if (has_two_dashes(row) && row->help &&
		    text_find_most_similar(word, row->name + 2, &similar))
			found = row->name;
	return found;
}

/* --- --help --- */

static void print_row(FILE *out, const struct option_row *row, size_t column)
{
	_cleanup_free_ char *letter =
		has_two_dashes(row) && row->letter ? strf("-%c, ", row->letter) : xstrdup("");
	_cleanup_free_ char *name =
		strf("  %s%s%s", letter, row->name, row->value ? row->value : "");
	const char *line = row->help, *end = line + strlen(line), *next;
	const char *before = name; /* of the description, in its first line */

	if (!*line)
		fprintf(out, "%s\n", name);
	for (size_t length; line < end; line = next, before = "") {
		_cleanup_free_ char *text = NULL;

		next = str_skip_line(line, end, &length);
		text = strf("%-*s%s%.*s", (int)column - 1, before,
			    strlen(before) >= column ? "  " : " ", (int)length, line);
		text_print_wrapped(out, text, column);
	}
}

void option_table_print(FILE *out, const struct option_row *rows, size_t column)
{
	for (const struct option_row *row = rows_or_none(rows); row->name; row++)
		if (row->help)
			print_row(out, row, column);
}

/* --- values --- */

static int set_seconds(const struct option_row *row, double *seconds, const char *value,
		       struct error *err)
{
	char *end;

	if (!value) {
		*seconds = row->seconds_without_value;
		return 0;
	}
	errno = 0;
	*seconds = strtod(value, &end);
	if (end != value && !*end && errno == 0 && isfinite(*seconds) && *seconds >= 0)
		return 0;
	return error_set(err, EX_USAGE, EINVAL, NULL, "%s takes a number of seconds, not '%s'",
			 row->name, value);
}

/* Returns the words as "A, B or C". The caller frees the text. */
static char *words_text(const struct option_row *row)
{
	char *text = NULL;

	for (size_t i = 0; i < row->n_words; i++)
		if (row->words[i])
			text_append_to_list(&text, i + 1 < row->n_words ? ", " : " or ",
					    row->words[i]);
	return text;
}

static int set_word(const struct option_row *row, int *index, const char *value, struct error *err)
{
	_cleanup_free_ char *words = NULL;

	for (size_t i = 0; i < row->n_words; i++)
		if (row->words[i] && streq(row->words[i], value)) {
			*index = (int)i;
			return 0;
		}
	words = words_text(row);
	return error_set(err, EX_USAGE, EINVAL, NULL, "%s takes %s, not '%s'", row->name, words,
			 value);
}

static int store(const struct option_row *row, void *values, const char *value, struct error *err)
{
	void *member = (char *)values + row->offset;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_CONSTANT:
		*(int *)member = row->constant;
		return 0;
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_SECONDS:
		return set_seconds(row, member, value, err);
	case OPTION_WORD:
		return set_word(row, member, value, err);
	case OPTION_SET:
		break;
	}
	return row->set(values, value, err);
}

/* --- parsing --- */

/* The table in the form of getopt_long. */
struct getopt_table {
	struct option *names;
	char *letters;
};

static void getopt_table_free(struct getopt_table *table)
{
	free(table->names);
	free(table->letters);
}

static int kind_of_value(const struct option_row *row)
{
	if (!row->value)
		return no_argument;
	return value_is_optional(row) ? optional_argument : required_argument;
}

static void getopt_table_fill(struct getopt_table *table, const struct option_parser *parser)
{
	const struct option_row *rows = rows_or_none(parser->rows);
	size_t n = count_rows(rows), n_names = 0;
	char *letter;

	table->names = xcalloc(n + 2, sizeof(*table->names));
	table->letters = letter = xcalloc(2 * n + sizeof("+h"), 1);
	if (parser->stops_at_argument)
		*letter++ = '+';
	*letter++ = 'h';
	table->names[n_names++] = (struct option){ "help", no_argument, NULL, 'h' };
	for (size_t i = 0; i < n; i++) {
		if (has_two_dashes(&rows[i]))
			table->names[n_names++] =
				(struct option){ rows[i].name + 2, kind_of_value(&rows[i]), NULL,
						 FIRST_ROW + (int)i };
		if (!short_name(&rows[i]))
			continue;
		*letter++ = short_name(&rows[i]);
		if (rows[i].value)
			*letter++ = ':';
	}
}

/* Returns whether the word is a group of short options, such as "-nf", that contains `letter`. */
static bool has_short_option(const char *word, int letter)
{
	return word && word[0] == '-' && word[1] != '-' && letter && strchr(word + 1, letter);
}

char *option_rejected_name(char *const *argv)
{
	/*
	 * argv[optind] is the word after the option, or after the word with the option's value; or
	 * a group of short options that getopt_long has not finished.
	 */
	int end = optind;
	const char *word;

	/* Where a value is missing behind the last word, musl sets optind beyond argv. */
	if (!argv[end - 1])
		end--;
	word = argv[has_short_option(argv[end], optopt) ? end : end - 1];
	if (has_short_option(word, optopt) && word[1] != optopt)
		return strf("-%c", optopt);
	if (*word != '-')
		word = argv[end - 2];
	return xstrndup(word, strcspn(word, "="));
}

/* Sets the error for an option that getopt_long has rejected, if the table has this option. */
static int error_rejected(const struct option_row *rows, char *const *argv, struct error *err)
{
	_cleanup_free_ char *name = option_rejected_name(argv);
	const struct option_row *row = option_find(rows, name);

	if (!row)
		return -ENOENT;
	return error_set(err, EX_USAGE, EINVAL, NULL,
			 option_needs_value(row) ? "option '%s' needs a value"
						 : "option '%s' takes no value",
			 name);
}

static const struct option_row *row_of_getopt(const struct option_row *rows, int option)
{
	if (option >= FIRST_ROW)
		return &rows[option - FIRST_ROW];
	return option_find(rows, (const char[]){ '-', (char)option, '\0' });
}

int option_table_parse(const struct option_parser *parser, int argc, char **argv, struct error *err)
{
	_cleanup_(getopt_table_free) struct getopt_table table;
	const struct option_row *rows = rows_or_none(parser->rows);
	int option, r = 0;

	getopt_table_fill(&table, parser);
	opterr = 0;
	optind = 0; /* resets getopt in glibc and musl */
	while (r == 0 &&
	       (option = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1) {
		const struct option_row *row;

		if (option == 'h')
			return OPTIONS_HELP;
		if (option == '?')
			return error_rejected(rows, argv, err);
		row = row_of_getopt(rows, option);
		if (parser->given)
			parser->given[row - rows] = true;
		r = store(row, parser->values, optarg, err);
	}
	return r;
}
