// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converts tokens to values. libconfig's values of numbers are not used, because libconfig 1.5
 * wraps 2147483648 to a negative number without an error.
 */
#include "gadgetfile/syntax/literal_value.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "base/cleanup.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Appends the character that the escape at `p` stands for, and returns the length of the escape.
 * For an unknown escape, appends its backslash.
 */
static size_t append_decoded_escape(const char *p, char **out)
{
	static const char letters[] = "nrtf\\\"", meanings[] = "\n\r\t\f\\\"";
	const char *letter = strchr(letters, p[1]);
	int high, low;

	if (letter) {
		*(*out)++ = meanings[letter - letters];
		return 2;
	}
	if ((p[1] == 'x' || p[1] == 'X') && (high = hex_digit(p[2])) >= 0 &&
	    (low = hex_digit(p[3])) >= 0) {
		*(*out)++ = (char)(high << 4 | low);
		return 4;
	}
	*(*out)++ = '\\';
	return 1;
}

void value_set_string(struct scan *s, const struct token *first, size_t n, size_t size,
		      struct node *node)
{
	char *text = arena_alloc(&s->arena, size + 1), *out = text;

	for (const struct token *t = first; t < first + n; t++) {
		const char *p = t->text + 1, *end = t->text + t->length - 1;

		while (p < end) {
			if (*p == '\\')
				p += append_decoded_escape(p, &out);
			else
				*out++ = *p++;
		}
	}
	*out = '\0';
	node->type = NODE_STRING;
	node->text = text;
	node->text_size = (size_t)(out - text);
}

/* Converts a decimal number. Ignores the locale, unlike strtod. */
static double parse_decimal(const char *text)
{
	static locale_t c_locale;

	if (!c_locale)
		c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return strtod_l(text, NULL, c_locale);
}

static void set_float(struct scan *s, const struct token *t, struct node *node)
{
	node->type = NODE_FLOAT;
	node->real = parse_decimal(node->text);
	if (!strpbrk(node->text, "0123456789"))
		scan_error_in_valid_libconfig(s, &t->at, "'%s' is not a number", node->text);
	else if (!isfinite(node->real))
		scan_error_in_valid_libconfig(s, &t->at, "this number is too large");
}

void value_set_number(struct scan *s, const struct token *t, struct node *node)
{
	char *text = arena_alloc(&s->arena, t->length + 1), *end;
	bool hex, negative, wide;
	unsigned long long magnitude;

	memcpy(text, t->text, t->length);
	node->text = text;
	if (t->type == TOKEN_FLOAT) {
		set_float(s, t, node);
		return;
	}
	node->type = NODE_INT;
	hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	negative = text[0] == '-';
	errno = 0;
	magnitude = strtoull(text + (negative || text[0] == '+'), &end, hex ? 16 : 10);
	wide = errno == ERANGE ||
	       magnitude > (negative ? (unsigned long long)INT32_MAX + 1 : UINT32_MAX);
	if (wide) {
		scan_error_in_valid_libconfig(s, &t->at, "%s does not fit into 32 bits", text);
		node->has_error = true;
		magnitude = 0;
	}
	node->integer = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	node->real = (double)node->integer;
}

char *value_guess_hexadecimal(const char *text, size_t n)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	n -= n > 1 && (text[n - 1] == 'h' || text[n - 1] == 'H');
	if (strspn(text, digits) < n ||
	    (n > 2 && text[0] == '0' && text[1] == 'b' && strspn(text + 2, "01") >= n - 2))
		return NULL;
	return strf("0x%.*s", (int)n, text);
}

void value_hint_about_word(struct scan *s, const struct token *word)
{
	_cleanup_free_ char *number = NULL;
	const int n = (int)word->length;

	if (word->type != TOKEN_NAME)
		return;
	number = value_guess_hexadecimal(word->text, word->length);
	if (!number)
		diags_hint(s->diags, "strings need double quotes");
	else if (n <= 2 || strcspn(word->text, "0123456789") < (size_t)n)
		diags_hint(s->diags, "write %s, a hexadecimal number, or \"%.*s\", a string",
			   number, n, word->text);
	else
		diags_hint(s->diags,
			   "strings need double quotes: write \"%.*s\", or %s for a hexadecimal "
			   "number",
			   n, word->text, number);
}
