/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts tokens to values. */
#pragma once

#include "gadgetfile/syntax/lex.h"

/*
 * Returns the joined text of `n` adjacent strings, the first of which is `first`. `size`: the sum
 * of the lengths of their tokens.
 */
const char *value_join_strings(struct scan *s, const struct token *first, size_t n, size_t size);
/* Sets the members type, text, integer and real of the node from a number token. */
void value_set_number(struct scan *s, const struct token *t, struct node *node);
