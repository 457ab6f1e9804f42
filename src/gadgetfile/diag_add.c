// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds messages about a gadget that was loaded before. The syntax tree with its positions is
 * already freed then.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/diag.h"

/* Returns the current text of the line; empty if the file no longer has it. The caller frees it. */
static char *read_line(const struct position *at)
{
	_cleanup_fclose_ FILE *f = fopen(at->file, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n = -1;

	for (unsigned int i = 0; f && i < at->line; i++)
		n = getline(&line, &size, f);
	if (n < 0)
		return xstrdup("");
	line[strcspn(line, "\r\n")] = '\0';
	return text_printable(line, strlen(line));
}

/* Returns the end column of the string, number or name that begins at `column`. */
static unsigned int token_end(const char *line, unsigned int column)
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
static size_t find_index(const struct diags *d, const struct position *at)
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

void diags_add(struct diags *d, enum diag_severity severity, const struct position *at,
	       const char *fmt, ...)
{
	const struct text_range range = { .source = &(struct gadgetfile_source){
						  .path = (char *)at->file } };
	size_t i = find_index(d, at), n = d->n;
	_cleanup_free_ char *text = NULL;
	struct diag diag;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	diag_add(d, severity, &range, "%s", text);
	if (d->n == n)
		return; /* DIAG_MAX_ERRORS reached */
	diag = d->list[n];
	diag.order = i > 0 ? d->list[i - 1].order : 0;
	if (at->line > 0) {
		diag.source = *array_add(d->lines, d->n_lines) = read_line(at);
		diag.line = at->line;
		diag.column = at->column;
		diag.end_column = token_end(diag.source, at->column);
	}
	memmove(&d->list[i + 1], &d->list[i], (n - i) * sizeof(diag));
	d->list[i] = diag;
	if (d->last_added > 0)
		d->last_added = i + 1;
}
