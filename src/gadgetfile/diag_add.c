// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds messages after a gadget was loaded, when the syntax tree and its text ranges are already
 * freed.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/diag.h"

/*
 * Reads the line of the position from its file; empty if the file no longer has this line. The
 * caller frees it.
 */
static char *read_line(const struct position *at)
{
	_cleanup_fclose_ FILE *f =
		fopen(streq(at->file, GADGETFILE_STDIN) ? GADGETFILE_STDIN_PATH : at->file, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n = -1;

	for (unsigned int i = 0; f && i < at->line; i++)
		n = getline(&line, &size, f);
	if (n < 0)
		return xstrdup("");
	line[strcspn(line, "\r\n")] = '\0';
	return text_replace_unprintable(line, strlen(line));
}

/* Returns the end column of the string, number or name that begins at `column`. */
static unsigned int token_end_column(const char *line, unsigned int column)
{
	unsigned int at = 1, end = column + 1;
	const char *p = line;

	for (; *p && at < column; p++)
		if (((unsigned char)p[1] & 0xc0) != 0x80)
			at++;
	if (*p == '"') {
		for (p++; *p && *p != '"'; p++)
			if (((unsigned char)*p & 0xc0) != 0x80)
				end++;
		return end + (*p == '"');
	}
	while (*p && (isalnum((unsigned char)p[1]) || strchr("_-*.", p[1])) && p[1]) {
		p++;
		end++;
	}
	return end;
}

/* Returns the index of the first message after the position `at`. */
static size_t first_index_after(const struct diags *d, const struct position *at)
{
	size_t i = 0;

	while (i < d->n) {
		const struct diag *other = &d->list[i];

		if (at->file && streq(other->file, at->file) &&
		    (other->line > at->line ||
		     (other->line == at->line && other->column > at->column)))
			break;
		i++;
	}
	return i;
}

void diags_add_at_position(struct diags *d, enum diag_severity severity, const struct position *at,
			   const char *fmt, ...)
{
	const struct text_range range = { .source = &(struct gadgetfile_source){
						  .path = (char *)at->file } };
	size_t i = first_index_after(d, at), n = d->n;
	_cleanup_free_ char *text = NULL;
	struct diag diag;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	diag_add(d, severity, &range, "%s", text);
	if (d->n == n)
		return; /* there are DIAG_MAX_ERRORS errors already */
	diag = d->list[n];
	diag.order_in_text = i > 0 ? d->list[i - 1].order_in_text : 0;
	if (at->line > 0) {
		diag.quoted_line = *array_add(d->quoted_lines, d->n_quoted_lines) = read_line(at);
		diag.line = at->line;
		diag.column = at->column;
		diag.end_column = token_end_column(diag.quoted_line, at->column);
	}
	memmove(&d->list[i + 1], &d->list[i], (n - i) * sizeof(diag));
	d->list[i] = diag;
	if (d->last_added_plus_1 > 0)
		d->last_added_plus_1 = i + 1;
}
