/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a command, in a table. The parser, --help, the suggestions for misspelled options
 * and the shell completion read the table; there is no other list of the options. Every command
 * also has the option --help (-h), which has no row.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

/* What the parser stores for an option, and where. */
enum option_type {
	OPTION_FLAG,	 /* bool: true. The option has no value */
	OPTION_CONSTANT, /* int: `constant`. The option has no value */
	OPTION_TEXT,	 /* const char *: the value, not copied */
	OPTION_SECONDS,	 /* double: the value, which must not be negative */
	OPTION_WORD,	 /* int: index of the value in `words` */
	OPTION_SET,	 /* what set() stores */
};

struct option_row {
	const char *name; /* with dashes: "--udc", "-w"; NULL: the end of the table */
	/*
	 * What follows the name in --help. NULL: the option has no value. " NAME": it needs a
	 * value, in the same word after '=' or in the next word. "=WHEN": the same, and the shell
	 * completion adds the '='. "[=S]": the value is optional and must follow '='.
	 */
	const char *value;
	const char *help; /* the description in --help, maybe of several lines; NULL: the option is
			     only for programs, and not in --help */
	enum option_type type;
	size_t offset; /* of the member of the struct of values */
	char letter;   /* short name of an option with two dashes, which --help lists; 0: none */
	int constant;
	double seconds_without_value; /* if the value is optional */
	const char *const *words;     /* the values, for OPTION_WORD and the shell completion;
					 NULL elements are ignored */
	size_t n_words;
	/* `value` is NULL if the option has none. Returns 0, or a negative errno with `err` set. */
	int (*set)(void *values, const char *value, struct error *err);
	unsigned int tag; /* for the owner of the table */
};

struct option_parser {
	const struct option_row *rows; /* NULL: none */
	void *values;		       /* a struct with the members of the rows */
	bool *given;		/* per row: set to true if the option was given; NULL: none */
	bool stops_at_argument; /* options after the first argument are not parsed */
};

enum option_result {
	OPTIONS_PARSED, /* argv[optind] is the first argument */
	OPTIONS_HELP,	/* --help was given */
};

/*
 * Parses the options of argv[1] and later. Moves the arguments, which are no options, behind the
 * options, unless `stops_at_argument`. Returns an enum option_result, or a negative errno:
 * -ENOENT if there is no such option, with `err` not set (option_rejected_name has the name);
 * another errno for a value that is missing, superfluous or wrong, with `err` set.
 */
int option_table_parse(const struct option_parser *parser, int argc, char **argv,
		       struct error *err);
/* Returns the name of the option that was rejected last, with dashes. The caller frees it. */
char *option_rejected_name(char *const *argv);
/* Returns the row of this name; NULL: there is none. `rows` may be NULL. */
const struct option_row *option_find(const struct option_row *rows, const char *name);
/* Returns whether the option needs a value. */
bool option_needs_value(const struct option_row *row);
/* Returns the name of the option that is most similar to `name`; NULL: none is similar. */
const char *option_suggest(const struct option_row *rows, const char *name);
/* Prints the options as --help has them, the descriptions in the column `column`. */
void option_table_print(FILE *out, const struct option_row *rows, size_t column);
