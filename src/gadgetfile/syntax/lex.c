// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lexer: makes tokens of libconfig 1.5 (libconfig's manual, "Configuration Files") with their
 * positions. It behaves like libconfig in unusual cases, too, because a text must mean the same to
 * every program that uses libconfig.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/lex.h"

/* Advances the cursor over ASCII characters that are not newlines. */
static void advance_ascii(struct cursor *c, size_t length)
{
	c->offset += length;
	c->column += (unsigned int)length;
}

/* Classes of characters. The lexer looks them up in a table, which is fast. */
enum { NAME_START = 1, IN_NAME = 2, BLANK = 4 };

static const unsigned char classes[256] = {
	['A' ... 'Z'] = NAME_START | IN_NAME,
	['a' ... 'z'] = NAME_START | IN_NAME,
	['*'] = NAME_START | IN_NAME,
	['0' ... '9'] = IN_NAME,
	['_'] = IN_NAME,
	['-'] = IN_NAME,
	[' '] = BLANK,
	['\t'] = BLANK,
	['\r'] = BLANK,
	['\f'] = BLANK,
};

static bool char_is_in_class(char c, unsigned int class)
{
	return classes[(unsigned char)c] & class;
}

static size_t digits_length(const char *p)
{
	return strspn(p, "0123456789");
}

static size_t name_length(const char *p)
{
	size_t n = 0;

	while (char_is_in_class(p[n], IN_NAME))
		n++;
	return n;
}

static size_t exponent_length(const char *p)
{
	size_t n = 1;

	if (*p != 'e' && *p != 'E')
		return 0;
	if (p[n] == '+' || p[n] == '-')
		n++;
	return digits_length(p + n) > 0 ? n + digits_length(p + n) : 0;
}

static size_t long_suffix_length(const char *p)
{
	return p[0] != 'L' ? 0 : p[1] != 'L' ? 1 : 2;
}

/* Returns the length of the longest number at `p`; 0: there is no number. */
static size_t number_length(const char *p, enum token_type *type)
{
	size_t sign = *p == '+' || *p == '-', n = digits_length(p + sign), e;
	const char *after = p + sign + n;

	if (*after == '.') {
		after += 1 + digits_length(after + 1);
		*type = TOKEN_FLOAT;
		return (size_t)(after + exponent_length(after) - p);
	}
	if (n == 0)
		return 0;
	e = exponent_length(after);
	if (e > 0) {
		*type = TOKEN_FLOAT;
		return sign + n + e;
	}
	if (sign == 0 && n == 1 && *p == '0' && (p[1] == 'x' || p[1] == 'X') &&
	    isxdigit((unsigned char)p[2]))
		after = p + 2 + strspn(p + 2, "0123456789abcdefABCDEF");
	*type = long_suffix_length(after) > 0 ? TOKEN_INT64 : TOKEN_INT;
	return (size_t)(after + long_suffix_length(after) - p);
}

/* Returns the length of the string at `p` with both quotes; 0: the string has no end. */
static size_t string_length(const char *p)
{
	size_t n = 1;

	for (;;) {
		n += strcspn(p + n, "\"\\");
		if (p[n] == '"')
			return n + 1;
		if (p[n] == '\0')
			return 0;
		n += p[n + 1] == '"' || p[n + 1] == '\\' ? 2 : 1;
	}
}

/*
 * Returns the token type of a punctuation character; TOKEN_END: the character is not punctuation.
 */
static enum token_type punctuation_type(char c)
{
	static const unsigned char tokens[256] = {
		['='] = TOKEN_EQUALS,	   [':'] = TOKEN_EQUALS,     [','] = TOKEN_COMMA,
		[';'] = TOKEN_SEMICOLON,   ['{'] = TOKEN_GROUP_OPEN, ['}'] = TOKEN_GROUP_CLOSE,
		['('] = TOKEN_LIST_OPEN,   [')'] = TOKEN_LIST_CLOSE, ['['] = TOKEN_ARRAY_OPEN,
		[']'] = TOKEN_ARRAY_CLOSE,
	};

	return tokens[(unsigned char)c];
}

enum skipped { SKIPPED_SOME, SKIPPED_NOTHING, SKIPPED_TO_END };

/* Skips one sequence of white space, or one comment. */
static enum skipped skip_blank_or_comment(struct scan *s, struct cursor *c)
{
	const char *p = c->source->text + c->offset, *end;
	struct text_range at;
	size_t n;

	if (*p == '\n') {
		/*
		 * Stops at the start of the next line, because blanks there may belong to an
		 * @include directive.
		 */
		c->offset++;
		c->line++;
		c->column = 1;
		c->line_start_offset = c->offset;
		return SKIPPED_SOME;
	}
	if (char_is_in_class(*p, BLANK)) {
		for (n = 1; char_is_in_class(p[n], BLANK);)
			n++;
		advance_ascii(c, n);
		return SKIPPED_SOME;
	}
	if (p[0] == '\0')
		return SKIPPED_TO_END;
	if (p[0] == '#' || (p[0] == '/' && p[1] == '/')) {
		n = strcspn(p, "\n");
		if (p[n] == '\0') {
			at = cursor_range(s, c, n);
			diag_error(s->diags, &at,
				   "a comment in the last line must end with a newline");
			cursor_advance(c, n);
		} else {
			/* The newline, which is skipped next, resets the column to 1. */
			c->offset += n;
		}
		return SKIPPED_SOME;
	}
	if (p[0] != '/' || p[1] != '*')
		return SKIPPED_NOTHING;
	end = strstr(p + 2, "*/");
	if (!end) {
		at = cursor_range(s, c, 2);
		scan_error_in_valid_libconfig(s, &at, "this comment has no end: '*/' is missing");
		s->unparsable = true;
		return SKIPPED_TO_END;
	}
	cursor_advance(c, (size_t)(end + 2 - p));
	return SKIPPED_SOME;
}

static bool starts_token(const char *p)
{
	enum token_type type;

	return strchr(" \t\n\r\f\"#/", *p) || char_is_in_class(*p, NAME_START) ||
	       punctuation_type(*p) != TOKEN_END || number_length(p, &type) > 0;
}

/*
 * Appends a token to s->tokens. The first allocation is large enough for most files, so that the
 * array is seldom copied.
 */
static struct token *new_token(struct scan *s, const struct gadgetfile_source *source)
{
	if (s->n_tokens == s->token_capacity) {
		s->token_capacity = s->n_tokens ? 2 * s->n_tokens : source->size / 6 + 64;
		s->tokens = xreallocarray(s->tokens, s->token_capacity, sizeof(*s->tokens));
		if (s->n_tokens == 0)
			memory_fault_in(s->tokens, s->token_capacity * sizeof(*s->tokens));
	}
	return &s->tokens[s->n_tokens++];
}

static void add_token(struct scan *s, struct cursor *c, enum token_type type, size_t length)
{
	struct token *t = new_token(s, c->source);

	t->type = type;
	t->text = c->source->text + c->offset;
	t->length = (unsigned int)length;
	t->at = cursor_range(s, c, length);
	cursor_advance(c, length);
}

/* Like add_token, for ASCII characters without newlines. */
static void add_ascii_token(struct scan *s, struct cursor *c, enum token_type type, size_t length)
{
	struct token *t = new_token(s, c->source);

	t->type = type;
	t->text = c->source->text + c->offset;
	t->length = (unsigned int)length;
	t->at = (struct text_range){
		.source = c->source,
		.line = c->line,
		.line_start_offset = (unsigned int)c->line_start_offset,
		.column = c->column,
		.end_column = c->column + (unsigned int)length,
		.order_in_text = ++s->last_order_in_text,
	};
	advance_ascii(c, length);
}

static bool is_ascii_without_newline(const char *p, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (p[i] == '\n' || (unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

static void read_invalid_text(struct scan *s, struct cursor *c)
{
	const char *p = c->source->text + c->offset;
	size_t n = 1;
	struct text_range at;

	while (p[n] && !starts_token(p + n))
		n++;
	at = cursor_range(s, c, n);
	if (str_has_prefix(p, "@include")) {
		n = strlen("@include");
		at.end_column = at.column + (unsigned int)n;
		diag_error(s->diags, &at,
			   "'@include' must be at the start of a line, followed by a file name in "
			   "quotes");
	} else if (*p == '\'') {
		n = strcspn(p + 1, "'\n") + 1;
		if (p[n] == '\'') {
			at = cursor_range(s, c, n + 1);
			diag_error(s->diags, &at, "strings need double quotes");
			add_token(s, c, TOKEN_STRING, n + 1);
			return;
		}
		n = 1;
		diag_error(s->diags, &at, "strings need double quotes");
	} else {
		_cleanup_free_ char *shown = text_replace_unprintable(p, n);

		diag_error(s->diags, &at, "unexpected '%s'", shown);
	}
	cursor_advance(c, n);
}

/*
 * Reports an unterminated string. A string may contain newlines. So after a missing quote, the
 * lexer reads the text between two strings as a string, and each string as text outside of strings,
 * up to the end of the file. The quote is most likely missing in the first string that contains a
 * newline.
 */
static void report_unterminated_string(struct scan *s, const struct cursor *c)
{
	struct text_range at = cursor_range(s, c, 1);

	/* libconfig ignores an unterminated string where no string is expected. */
	scan_error_in_valid_libconfig(s, &at, "this string has no end: a '\"' is missing");
	s->unparsable = true;
	for (size_t i = 0; i < s->n_tokens; i++) {
		const struct token *t = &s->tokens[i];

		if (t->type == TOKEN_STRING && memchr(t->text, '\n', t->length)) {
			diag_note_to_last(s->diags, &t->at,
					  "this string does not end on its line: the '\"' may be "
					  "missing here");
			return;
		}
	}
}

static void read_token(struct scan *s, struct cursor *c)
{
	const char *p = c->source->text + c->offset;
	enum token_type type = punctuation_type(*p);
	size_t n = 1;

	if (type != TOKEN_END) {
		add_ascii_token(s, c, type, 1);
	} else if (char_is_in_class(*p, NAME_START)) {
		n = name_length(p);
		type = (n == 4 && strncasecmp(p, "true", n) == 0) ||
				       (n == 5 && strncasecmp(p, "false", n) == 0)
			       ? TOKEN_BOOL
			       : TOKEN_NAME;
		add_ascii_token(s, c, type, n);
	} else if (*p == '"') {
		n = string_length(p);
		if (n == 0)
			report_unterminated_string(s, c);
		else if (is_ascii_without_newline(p, n))
			add_ascii_token(s, c, TOKEN_STRING, n);
		else
			add_token(s, c, TOKEN_STRING, n);
	} else {
		n = number_length(p, &type);
		if (n == 0)
			read_invalid_text(s, c);
		else
			add_ascii_token(s, c, type, n);
	}
}

void lex_source(struct scan *s, const struct gadgetfile_source *source,
		const struct cursor *includer)
{
	struct cursor c = {
		.source = source,
		.line = 1,
		.column = 1,
		.include_depth = includer ? includer->include_depth + 1 : 0,
		.includer = includer,
	};
	size_t copied = 0;

	while (!s->unparsable) {
		size_t directive =
			c.offset == c.line_start_offset ? include_length_before_quote(&c) : 0;
		enum skipped skipped;

		if (directive > 0) {
			const struct gadgetfile_source *included =
				include_process(s, &c, directive, &copied);

			if (included)
				lex_source(s, included, &c);
			continue;
		}
		skipped = skip_blank_or_comment(s, &c);
		if (skipped == SKIPPED_TO_END)
			break;
		if (skipped == SKIPPED_NOTHING)
			read_token(s, &c);
		if (s->n_tokens > GADGETFILE_MAX_TOKENS) {
			struct text_range at = cursor_range(s, &c, 1);

			scan_error_in_valid_libconfig(s, &at, "the file has more than %d tokens",
						      GADGETFILE_MAX_TOKENS);
			s->unparsable = true;
		}
	}
	text_with_includes_append(s, source, copied, source->size, c.line);
	if (!includer)
		add_token(s, &c, TOKEN_END, 0);
}
