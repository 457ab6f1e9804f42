/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/table.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"

struct table_row *table_add_row(struct table *table)
{
	return array_add(table->rows, table->n_rows);
}

size_t table_text_width(const char *text)
{
	size_t n = 0;

	/* The other bytes of a character begin with the bits 10. */
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < table->n_rows; i++) {
		const char *cell = table->rows[i].cells[column];
		size_t n = cell ? table_text_width(cell) : 0;

		width = n > width ? n : width;
	}
	return width;
}

static void print_row(FILE *out, const struct table *table, const struct table_row *row,
		      const size_t *widths)
{
	for (size_t c = 0; c < table->n_columns; c++) {
		const char *cell = row->cells[c] ? row->cells[c] : "";

		fputs(cell, out);
		if (c + 1 < table->n_columns)
			fprintf(out, "%*s", (int)(widths[c] - table_text_width(cell) + 2), "");
	}
	fputc('\n', out);
	if (row->note) {
		_cleanup_free_ char *note = xstrdup(row->note);

		if (isatty(fileno(out)))
			text_shorten(note, widths[0] + 2 < TABLE_WIDTH / 2
						   ? TABLE_WIDTH - widths[0] - 2
						   : TABLE_WIDTH / 2);
		fprintf(out, "%*s%s\n", (int)widths[0] + 2, "", note);
	}
}

void table_print(FILE *out, const struct table *table)
{
	size_t widths[TABLE_COLUMNS_MAX];

	for (size_t c = 0; c < table->n_columns; c++)
		widths[c] = column_width(table, c);
	for (size_t i = 0; i < table->n_rows; i++)
		print_row(out, table, &table->rows[i], widths);
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->n_rows; i++) {
		for (size_t c = 0; c < TABLE_COLUMNS_MAX; c++)
			free(table->rows[i].cells[c]);
		free(table->rows[i].note);
	}
	free(table->rows);
	*table = (struct table){ 0 };
}
