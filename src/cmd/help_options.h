/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the options in the text of --help, which is the only list of a command's options. */
#pragma once

#include <stdbool.h>

/* An option in the text of --help. */
struct help_option {
	char *option_name;	 /* name with dashes: "--udc" */
	bool next_word_is_value; /* the next word is the option's value: "--udc NAME" */
	/*
	 * The option needs a value, which follows '=': "--color=WHEN". False for "--wait-udc[=S]",
	 * whose value is optional.
	 */
	bool value_follows_equals;
	char *description; /* text after the option and its value */
};

/* Calls `fn` for each option in `text` until `fn` returns true. Returns false if it never does. */
bool help_option_each(const char *text, bool (*fn)(const struct help_option *o, void *data),
		      void *data);

enum help_option_match { OPTION_NOT_FOUND, OPTION_NEEDS_NO_VALUE, OPTION_NEEDS_VALUE };
/* Returns whether `text` has the option `option_name`, and whether that option needs a value. */
enum help_option_match help_find_option(const char *text, const char *option_name);
