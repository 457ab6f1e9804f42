/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions for struct cursor, the lexer's position in a source. */
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/lex.h"

struct text_range cursor_range(struct scan *s, const struct cursor *c, size_t length)
{
	const char *p = c->source->text + c->offset;
	struct text_range at = {
		.source = c->source,
		.line = c->line,
		.line_start_offset = (unsigned int)c->line_start_offset,
		.column = c->column,
		.end_column = c->column,
		.order_in_text = ++s->last_order_in_text,
	};

	for (size_t i = 0; i < length && p[i] && p[i] != '\n'; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			at.end_column++;
	if (at.end_column == at.column)
		at.end_column++;
	return at;
}

void cursor_advance(struct cursor *c, size_t length)
{
	const char *p = c->source->text + c->offset;

	c->offset += length;
	for (size_t i = 0; i < length; i++) {
		if (p[i] == '\n') {
			c->line++;
			c->column = 1;
			c->line_start_offset = (size_t)(p + i + 1 - c->source->text);
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			c->column++;
		}
	}
}

void scan_error_in_valid_libconfig(struct scan *s, const struct text_range *at, const char *fmt,
				   ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	s->has_error_in_valid_libconfig = true;
	diag_error(s->diags, at, "%s", text);
}
