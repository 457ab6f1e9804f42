/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8, text that is safe to print on a terminal, and similarity of words. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/util.h"

/* Returns the length in bytes of the UTF-8 sequence at `s` (1 to 4); 0: invalid. */
size_t text_utf8_length(const char *s, size_t n);
bool text_is_utf8(const char *s);
/* Returns a copy with every invalid byte replaced by U+FFFD. The caller frees it. */
char *text_valid_utf8(const char *s);
/*
 * Returns a copy with every invalid byte and every control character except tab replaced by '?', so
 * that each character takes one column. The caller frees it.
 */
char *text_printable(const char *s, size_t n);
/* Does the same as text_printable, but keeps newlines. */
char *text_printable_lines(const char *s, size_t n);
/* Shortens a text to `max` bytes that end in "..."; does not split a character. */
void text_cut(char *text, size_t max);
/* Returns the formatted text, which the caller frees. */
char *text_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/*
 * Returns the edit distance of two words: the number of letters to change, add, remove or swap.
 * Ignores case. Returns `limit` + 1 if the distance is larger than `limit`.
 */
size_t text_distance(const char *a, const char *b, size_t limit);
/* Returns the largest text_distance at which another word may still be a misspelling of `word`. */
size_t text_tolerance(const char *word);
