/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts tokens to values. */
#pragma once

#include "gadgetfile/syntax/lex.h"

/*
 * Sets the members type, text and size of the node from `n` adjacent strings, the first of which is
 * `first`. `size`: the sum of the lengths of their tokens.
 */
void value_set_string(struct scan *s, const struct token *first, size_t n, size_t size,
		      struct node *node);
/* Sets the members type, text, integer and real of the node from a number token. */
void value_set_number(struct scan *s, const struct token *t, struct node *node);
/*
 * Returns the hexadecimal number that the text may be meant as, "0xe0" for "e0" and "e0h"; NULL: it
 * has other characters than hexadecimal digits, or looks like a binary number. The caller frees it.
 */
char *value_guess_hexadecimal(const char *text, size_t n);
/*
 * Adds to the last message the hint what a word without quotes, in place of a value, may be: a
 * string or a number. Does nothing if the token is no name.
 */
void value_hint_about_word(struct scan *s, const struct token *word);
