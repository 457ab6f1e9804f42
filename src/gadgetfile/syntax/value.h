/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts tokens to values. */
#pragma once

#include "gadgetfile/syntax/lex.h"

/*
 * Returns the joined text of `n` adjacent strings; `size`: the sum of the lengths of these tokens.
 */
const char *value_strings(struct scan *s, const struct token *first, size_t n, size_t size);
/* Sets type, text, integer and real of the node. */
void value_number(struct scan *s, const struct token *t, struct node *node);
