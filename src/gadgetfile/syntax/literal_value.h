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
