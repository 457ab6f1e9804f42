// SPDX-License-Identifier: GPL-2.0-or-later

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>

#include "base/cleanup.h"

#define WRAPPED_WIDTH 79 /* the last column of a terminal of 80 columns stays free */
#define REPLACEMENT "\xef\xbf\xbd"

size_t text_utf8_character_size(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		len = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		len = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	/* Rejects overlong forms, surrogates and characters above U+10FFFF (RFC 3629, 4). */
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return len;
}

bool text_is_utf8(const char *s)
{
	size_t n = strlen(s), len;

	for (; n > 0; s += len, n -= len) {
		len = text_utf8_character_size(s, n);
		if (len == 0)
			return false;
	}
	return true;
}

/*
 * Returns the number of printable ASCII characters at the start of a text. make_printable() is
 * faster for these characters.
 */
static size_t printable_ascii_length(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= 0x20 && s[i] < 0x7f)
		i++;
	return i;
}

/* Returns a copy in which `replacement` replaces each byte that is not UTF-8, and, unless
   `keep_controls` is true, '?' replaces each control character except tab. */
static char *make_printable(const char *s, size_t n, const char *replacement, bool keep_controls)
{
	char *out = xcalloc(n * strlen(replacement) + 1, 1), *p = out;

	while (n > 0) {
		size_t plain = printable_ascii_length(s, n),
		       len = plain ? plain : text_utf8_character_size(s, n);
		unsigned char c = (unsigned char)*s;

		if (len == 0) {
			/*
			 * Drops a continuation byte without a first byte, because a terminal does
			 * not show it.
			 */
			if (keep_controls || (c & 0xc0) != 0x80)
				p = stpcpy(p, replacement);
			len = 1;
		} else if (!keep_controls &&
			   ((c < 0x20 && c != '\t') || c == 0x7f ||
			    (len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0))) {
			*p++ = '?';
		} else {
			p = mempcpy(p, s, len);
		}
		s += len;
		n -= len;
	}
	*p = '\0';
	return out;
}

char *text_make_valid_utf8(const char *s)
{
	return make_printable(s, strlen(s), REPLACEMENT, true);
}

char *text_replace_unprintable(const char *s, size_t n)
{
	return make_printable(s, n, "?", false);
}

char *text_replace_unprintable_lines(const char *s, size_t n)
{
	const char *end = s + n, *next;
	char *out = xcalloc(n + 1, 1), *to = out;

	for (size_t length; s < end; s = next) {
		_cleanup_free_ char *line = NULL;

		next = str_skip_line(s, end, &length);
		line = text_replace_unprintable(s, length);
		to = stpcpy(to, line);
		if (next[-1] == '\n')
			*to++ = '\n';
	}
	return out;
}

void text_shorten(char *text, size_t max)
{
	size_t n = max;

	if (strlen(text) <= max)
		return;
	for (n -= strlen("..."); n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
		;
	strcpy(text + n, "...");
}

void text_print_wrapped(FILE *out, const char *line, size_t indent)
{
	size_t room = WRAPPED_WIDTH;

	while (strlen(line) > room) {
		const char *space = memrchr(line, ' ', room + 1);

		if (!space)
			break;
		fprintf(out, "%.*s\n%*s", (int)(space - line), line, (int)indent, "");
		line = space + 1;
		room = WRAPPED_WIDTH - indent;
	}
	fprintf(out, "%s\n", line);
}

char *text_vformat(const char *fmt, va_list ap)
{
	char *s;

	return vasprintf(&s, fmt, ap) < 0 ? xstrdup(fmt) : s;
}

static bool same_letter_ignoring_case(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t text_edit_distance(const char *a, const char *b, size_t limit)
{
	enum { MAX = 48 };
	size_t rows[3][MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t na = strlen(a), nb = strlen(b), least_before = 0;

	if (na > MAX || nb > MAX || (na > nb ? na - nb : nb - na) > limit)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *spare = before, least = i;

		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min_size(last[j - 1] +
						  !same_letter_ignoring_case(a[i - 1], b[j - 1]),
					  min_size(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && same_letter_ignoring_case(a[i - 1], b[j - 2]) &&
			    same_letter_ignoring_case(a[i - 2], b[j - 1]))
				now[j] = min_size(now[j], before[j - 2] + 1);
			least = min_size(least, now[j]);
		}
		/*
		 * Each distance in the next row is at least the least distance in this row and the
		 * row before, from which it is computed. So if all distances in both rows exceed
		 * the limit, the result exceeds it, too.
		 */
		if (least > limit && least_before > limit)
			return limit + 1;
		least_before = least;
		before = last;
		last = now;
		now = spare;
	}
	return min_size(last[nb], limit + 1);
}

size_t text_max_misspelling(const char *word)
{
	size_t n = strlen(word);

	return n <= 3 ? 1 : n <= 6 ? 2 : 3;
}

bool text_find_most_similar(const char *word, const char *candidate, const char **most_similar)
{
	size_t max = text_max_misspelling(word),
	       best = *most_similar ? text_edit_distance(word, *most_similar, max) : max + 1;

	if (best == 0 || text_edit_distance(word, candidate, best - 1) >= best)
		return false;
	*most_similar = candidate;
	return true;
}

void text_append_to_list(char **list, const char *separator, const char *text)
{
	char *old = *list;

	*list = old ? strf("%s%s%s", old, separator, text) : xstrdup(text);
	free(old);
}

void text_append_word_to_list(char **list, const char *word, bool is_last, const char *conjunction)
{
	_cleanup_free_ char *quoted = strf("'%s'", word);

	text_append_to_list(list, is_last ? conjunction : ", ", quoted);
}

static const struct placeholder {
	const char *name;
	bool is_wanted;
	enum { DECIMAL, HEXADECIMAL, PLURAL } form;
} placeholders[] = {
	{ "{found}", false, DECIMAL },	     { "{found:x}", false, HEXADECIMAL },
	{ "{found:s}", false, PLURAL },	     { "{wanted}", true, DECIMAL },
	{ "{wanted:x}", true, HEXADECIMAL }, { "{wanted:s}", true, PLURAL },
};

static void print_number(FILE *to, const struct placeholder *p, int64_t value)
{
	switch (p->form) {
	case DECIMAL:
		fprintf(to, "%lld", (long long)value);
		break;
	case HEXADECIMAL:
		fprintf(to, "0x%llx", (unsigned long long)value);
		break;
	case PLURAL:
		fputs(value == 1 ? "" : "s", to);
		break;
	}
}

/* Prints the placeholder at the start of `text`. Returns its length, or 0 if none is there. */
static size_t print_placeholder(FILE *to, const char *text, int64_t found, int64_t wanted)
{
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++) {
		const struct placeholder *p = &placeholders[i];

		if (!str_has_prefix(text, p->name))
			continue;
		print_number(to, p, p->is_wanted ? wanted : found);
		return strlen(p->name);
	}
	return 0;
}

char *text_with_numbers(const char *pattern, int64_t found, int64_t wanted)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	while (*pattern) {
		size_t n = print_placeholder(to, pattern, found, wanted);

		if (n == 0)
			fputc(*pattern, to);
		pattern += n ? n : 1;
	}
	fclose(to);
	return text;
}
