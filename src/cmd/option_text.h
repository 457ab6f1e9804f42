/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options in the text of --help: its lines are the only list of them. */
#pragma once

#include <stdbool.h>

struct option_text {
	char *name;	   /* "--udc" */
	bool needs_value;  /* the next word is its value */
	bool joined;	   /* its value follows '='; false for an optional value, "[=S]" */
	char *description; /* its description */
};

/* Calls `fn` for each option of the text until it returns true; returns whether it did. */
bool option_text_each(const char *text, bool (*fn)(const struct option_text *o, void *data),
		      void *data);

enum option_text_kind { OPTION_TEXT_UNKNOWN, OPTION_TEXT_FLAG, OPTION_TEXT_VALUE };
/* Returns whether the text has the option `word`, and whether that needs a value. */
enum option_text_kind option_text_find(const char *text, const char *word);
