/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what is written to what it means. */
#pragma once

#include "gadgetfile/syntax/lex.h"

/* The text of `n` adjacent strings; `size` is the sum of their tokens' lengths. */
const char *value_strings(struct scan *s, const struct token *first, size_t n, size_t size);
/* Fills type, text, integer and real of the node. */
void value_number(struct scan *s, const struct token *t, struct node *node);
