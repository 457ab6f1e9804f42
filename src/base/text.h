/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that check UTF-8, make text safe to print on a terminal, and compare words to find what
   a misspelled word probably means. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/util.h"

/* Returns the number of bytes (1 to 4) of the first character of `s`, a text of `n` bytes; 0: not
 * UTF-8. */
size_t text_utf8_character_size(const char *s, size_t n);
bool text_is_utf8(const char *s);
/* Returns a copy in which U+FFFD replaces each byte that is not UTF-8. The caller frees it. */
char *text_make_valid_utf8(const char *s);
/*
 * Returns a copy of `n` bytes in which '?' replaces each byte that is not UTF-8 and each control
 * character except tab. The caller frees it.
 */
char *text_replace_unprintable(const char *s, size_t n);
/* Does what text_replace_unprintable does, but keeps newlines. */
char *text_replace_unprintable_lines(const char *s, size_t n);
/* Shortens a text that is longer than `max` bytes to at most `max` bytes with "..." at the end.
   Does not split a character. */
void text_shorten(char *text, size_t max);
/*
 * Prints a line of ASCII characters, and a newline. A line of more than 79 characters is broken at
 * spaces into lines of at most 79 characters; the lines after the first one begin with `indent`
 * spaces. A longer word is not broken.
 */
void text_print_wrapped(FILE *out, const char *line, size_t indent);
/*
 * Returns a copy of `pattern` in which {found} and {wanted} are replaced by these numbers,
 * {found:x} and {wanted:x} by their hexadecimal form, {found:s} and {wanted:s} by the "s" of a
 * plural. The caller frees it.
 */
char *text_with_numbers(const char *pattern, int64_t found, int64_t wanted);
/*
 * Appends `text` to *list, a text that the caller frees; NULL: an empty list. The separator stands
 * between two texts of the list.
 */
void text_append_to_list(char **list, const char *separator, const char *text);
/*
 * Appends `word`, in quotes, to a list of the form 'a', 'b' or 'c'. `conjunction` stands before the
 * last word, with spaces around it.
 */
void text_append_word_to_list(char **list, const char *word, bool is_last, const char *conjunction);
/* Returns the formatted text, which the caller frees. */
char *text_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

/*
 * Returns the edit distance of two words: the number of letters to change, add, remove or swap to
 * get one word from the other. Ignores case. Returns `limit` + 1 if the distance is larger than
 * `limit`.
 */
size_t text_edit_distance(const char *a, const char *b, size_t limit);
/* Returns the largest text_edit_distance between `word` and a likely misspelling of `word`. */
size_t text_max_misspelling(const char *word);
/*
 * Sets *most_similar to `candidate` and returns true if `word` is probably a misspelling of it, and
 * more similar to it than to *most_similar. NULL in *most_similar: there was no such candidate yet.
 */
bool text_find_most_similar(const char *word, const char *candidate, const char **most_similar);
