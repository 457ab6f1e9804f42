/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds options in a text of --help, which is the only list of a command's options. */
#pragma once

#include <stdbool.h>

struct option_text {
	char *name;	   /* "--udc" */
	bool needs_value;  /* the next word is the option's value: "--udc NAME" */
	bool joined;	   /* the value follows '=': "--color=WHEN"; false for "--wait-udc[=S]" */
	char *description; /* the text after the option */
};

/* Calls `fn` for each option of the text until `fn` returns true. Returns whether `fn` did. */
bool option_text_each(const char *text, bool (*fn)(const struct option_text *o, void *data),
		      void *data);

enum option_text_kind { OPTION_TEXT_UNKNOWN, OPTION_TEXT_FLAG, OPTION_TEXT_VALUE };
/* Returns whether the text has the option `word`, and whether that option needs a value. */
enum option_text_kind option_text_find(const char *text, const char *word);
