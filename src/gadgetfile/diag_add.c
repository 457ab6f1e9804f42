// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages that come after the gadget was loaded, when the tree with its places is gone. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "gadgetfile/syntax/diag.h"

/* The line as the file has it now; empty when it has none any more. */
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

/* Behind the string, number or name that begins at the column. */
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

/* What `at` belongs in front of. */
static size_t find_place(const struct diags *d, const struct position *at)
{
	size_t i = 0;

	while (i < d->n) {
		const struct diag *other = &d->v[i];

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
	const struct text_range place = { .source = &(struct gadgetfile_source){
						  .path = (char *)at->file } };
	size_t i = find_place(d, at), n = d->n;
	_cleanup_free_ char *text = NULL;
	struct diag diag;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	diag_add(d, severity, &place, "%s", text);
	if (d->n == n)
		return; /* too many already */
	diag = d->v[n];
	diag.order = i > 0 ? d->v[i - 1].order : 0;
	if (at->line > 0) {
		diag.source = *array_add(d->lines, d->n_lines) = read_line(at);
		diag.line = at->line;
		diag.column = at->column;
		diag.end_column = token_end(diag.source, at->column);
	}
	memmove(&d->v[i + 1], &d->v[i], (n - i) * sizeof(diag));
	d->v[i] = diag;
}
