/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints tables whose columns are as wide as their longest cells. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 4

/* A table of text cells, which is printed when all rows are known. */
struct table {
	size_t n_columns;
	struct table_row {
		char *cells[TABLE_COLUMNS_MAX]; /* NULL: empty */
		char *note; /* a line below the row, from the second column on; NULL: none */
	} * rows;
	size_t n_rows;
};

/* Adds a row with empty cells, which the caller sets to allocated strings; the table owns them. */
struct table_row *table_add_row(struct table *table);
#define TABLE_WIDTH 80 /* characters of a line that a note is shortened to */
/* Prints the table. Two spaces separate the columns; the last column has any width. */
void table_print(FILE *out, const struct table *table);
void table_free(struct table *table);
#define _cleanup_table_ _cleanup_(table_free)

/* Returns the number of characters of a UTF-8 text. */
size_t table_text_width(const char *text);
