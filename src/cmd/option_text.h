/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the options in the text of --help, which is the only list of a command's options. */
#pragma once

#include <stdbool.h>

/* An option in the text of --help. */
struct option_text {
	char *option_name;	 /* name with dashes: "--udc" */
	bool next_word_is_value; /* the next word is the option's value: "--udc NAME" */
	/* The value follows '=', as in "--color=WHEN"; false for "--wait-udc[=S]". */
	bool value_follows_equals;
	char *description; /* text after the option and its value */
};

/* Calls `fn` for each option in `text` until `fn` returns true. Returns false if it never does. */
bool option_text_each(const char *text, bool (*fn)(const struct option_text *o, void *data),
		      void *data);

enum option_text_kind { OPTION_TEXT_UNKNOWN, OPTION_TEXT_FLAG, OPTION_TEXT_VALUE };
/* Returns whether `text` has the option `option_name`, and whether that option needs a value. */
enum option_text_kind option_text_classify(const char *text, const char *option_name);
