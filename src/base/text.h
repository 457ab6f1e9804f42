/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text as people and terminals see it. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/util.h"

/* The length of the UTF-8 sequence at `s` (1 to 4), 0 if there is no valid one. */
size_t text_utf8_length(const char *s, size_t n);
bool text_is_utf8(const char *s);
/* A copy in which every byte that is not UTF-8 is U+FFFD. */
char *text_valid_utf8(const char *s);
/* The same, and every control character but tab is '?'; each character stays one column. */
char *text_printable(const char *s, size_t n);
/* The same of several lines, of which the newlines stay. */
char *text_printable_lines(const char *s, size_t n);
/* Cuts what is longer than `max` bytes and ends it with three dots, not in a character's middle. */
void text_cut(char *text, size_t max);
char *text_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/* How many letters to change, add, leave out or swap; case counts nothing. At most `limit` + 1. */
size_t text_distance(const char *a, const char *b, size_t limit);
/* How different a word may be and still be meant. */
size_t text_tolerance(const char *word);
