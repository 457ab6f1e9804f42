// SPDX-License-Identifier: GPL-2.0-or-later
/* Collects, sorts and prints diagnostics. */
#include "gadgetfile/syntax/diag.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Bytes. Longer lines are generated, and each message has a copy, so they are not shown. */
#define MAX_SOURCE_LINE 1000
#define MAX_QUOTED 60
#define MAX_TEXT 400

static const char *keep_file(struct diags *d, const char *path)
{
	for (size_t i = 0; i < d->n_files; i++)
		if (streq(d->files[i], path))
			return d->files[i];
	*array_add(d->files, d->n_files) = xstrdup(path);
	return d->files[d->n_files - 1];
}

/*
 * Returns the printable text of the line. Successive messages are often about the same line, so
 * this reuses the last copy if the text is equal.
 */
static const char *keep_line(struct diags *d, const struct text_range *at)
{
	const char *last = d->n_lines > 0 ? d->lines[d->n_lines - 1] : NULL;
	const char *line = at->source->text + at->line_start;
	size_t n = strcspn(line, "\n");

	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (n > MAX_SOURCE_LINE)
		return NULL;
	if (last && strlen(last) == n && memcmp(last, line, n) == 0)
		return last;
	*array_add(d->lines, d->n_lines) = text_printable(line, n);
	return d->lines[d->n_lines - 1];
}

/* Returns printable UTF-8: parts of a message may come from the file. */
__attribute__((format(printf, 1, 0))) static char *message_text(const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = text_vformat(fmt, ap);
	char *shown = text_printable(text, strlen(text));

	text_cut(shown, MAX_TEXT);
	return shown;
}

__attribute__((format(printf, 5, 0))) static void vadd(struct diags *d, enum diag_severity severity,
						       unsigned int order,
						       const struct text_range *at, const char *fmt,
						       va_list ap)
{
	struct diag *diag;

	if (d->n_errors > DIAG_MAX_ERRORS)
		return;
	diag = array_add(d->v, d->n);
	diag->severity = severity;
	diag->order = order;
	if (severity == DIAG_ERROR && ++d->n_errors > DIAG_MAX_ERRORS) {
		diag->text = xstrdup("too many errors: the rest is not shown");
		diag->file = keep_file(d, at->source->path);
		diag->order = UINT_MAX;
		return;
	}
	if (severity == DIAG_WARNING)
		d->n_warnings++;
	diag->text = message_text(fmt, ap);
	diag->file = keep_file(d, at->source->path);
	if (at->line == 0)
		return;
	diag->line = at->line;
	diag->column = at->column;
	diag->end_column = at->end_column;
	diag->source = keep_line(d, at);
}

void diag_add(struct diags *d, enum diag_severity severity, const struct text_range *at,
	      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(d, severity, at->order, at, fmt, ap);
	va_end(ap);
}

void diag_follow(struct diags *d, const struct text_range *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(d, DIAG_NOTE, d->n > 0 ? d->v[d->n - 1].order : at->order, at, fmt, ap);
	va_end(ap);
}

struct sort_item {
	struct diag diag;
	size_t index;
};

static int compare_items(const void *a, const void *b)
{
	const struct sort_item *x = a, *y = b;

	if (x->diag.order != y->diag.order)
		return x->diag.order < y->diag.order ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

void diags_sort(struct diags *d)
{
	_cleanup_free_ struct sort_item *items = xcalloc(d->n, sizeof(*items));

	for (size_t i = 0; i < d->n; i++)
		items[i] = (struct sort_item){ d->v[i], i };
	qsort(items, d->n, sizeof(*items), compare_items);
	for (size_t i = 0; i < d->n; i++)
		d->v[i] = items[i].diag;
}

void diags_free(struct diags *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].text);
	for (size_t i = 0; i < d->n_files; i++)
		free(d->files[i]);
	for (size_t i = 0; i < d->n_lines; i++)
		free(d->lines[i]);
	free(d->v);
	free(d->files);
	free(d->lines);
	*d = (struct diags){ 0 };
}

char *diag_quote(const char *text)
{
	_cleanup_free_ char *shown = NULL;

	shown = text_printable(text, strnlen(text, 4 * MAX_QUOTED));
	text_cut(shown, MAX_QUOTED);
	for (char *p = shown; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return strf("\"%s\"", shown);
}

static const char *const severity_words[] = { "error", "warning", "note" };
static const char *const severity_colors[] = { "\033[1;31m", "\033[1;35m", "\033[1;36m" };

static void print_place(FILE *to, const struct diag *diag)
{
	if (diag->line > 0)
		fprintf(to, "%s:%u:%u: ", diag->file, diag->line, diag->column);
	else
		fprintf(to, "%s: ", diag->file);
}

/* Repeats tabs in the marker line, so that the marker is aligned for any tab width. */
static void print_excerpt(FILE *to, const struct diag *diag, bool color)
{
	unsigned int column = 1;

	fprintf(to, "%5u | %s\n      | ", diag->line, diag->source);
	for (const char *p = diag->source; *p && column < diag->column; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue;
		fputc(*p == '\t' ? '\t' : ' ', to);
		column++;
	}
	for (; column < diag->column; column++)
		fputc(' ', to);
	fputs(color ? "\033[1;32m^" : "^", to);
	for (column++; column < diag->end_column; column++)
		fputc('~', to);
	fputs(color ? "\033[0m\n" : "\n", to);
}

void diags_print(FILE *to, const struct diags *d, enum diag_format format, enum diag_color color)
{
	bool colored = color == DIAG_COLOR && format == DIAG_FORMAT_HUMAN;

	for (size_t i = 0; i < d->n; i++) {
		const struct diag *diag = &d->v[i];

		print_place(to, diag);
		if (colored)
			fprintf(to, "%s%s:\033[0m %s\n", severity_colors[diag->severity],
				severity_words[diag->severity], diag->text);
		else
			fprintf(to, "%s: %s\n", severity_words[diag->severity], diag->text);
		if (format == DIAG_FORMAT_HUMAN && diag->source)
			print_excerpt(to, diag, colored);
	}
}

json_t *diags_to_json(const struct diags *d)
{
	json_t *array = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct diag *diag = &d->v[i];
		_cleanup_free_ char *file = text_valid_utf8(diag->file);
		json_t *o = json_pack("{s:s, s:s, s:s}", "severity", severity_words[diag->severity],
				      "text", diag->text, "file", file);

		if (diag->line > 0) {
			json_object_set_new(o, "line", json_integer(diag->line));
			json_object_set_new(o, "column", json_integer(diag->column));
			json_object_set_new(o, "end_column", json_integer(diag->end_column));
		}
		json_array_append_new(array, o);
	}
	return array;
}
