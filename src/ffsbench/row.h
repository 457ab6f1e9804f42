/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes and prints the values of a row of the report. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "ffsbench/bench.h"

/* A value of a row, which is the sum, median, minimum or maximum of its runs. */
struct field {
	const char *name;
	unsigned int kinds; /* flags of enum kind: the kinds of commands that have this value */
	json_t *(*get)(const struct row *row);
};

extern const struct field row_fields[];
extern const size_t row_n_fields;

double row_rate(const struct row *row);			       /* median, bytes per second */
double row_cpu(const struct row *row);			       /* median, seconds per GB */
double row_queue_empty(const struct row *row);		       /* median, 0 to 1 */
double row_latency(const struct row *row, unsigned int which); /* seconds */
/* Returns whether the host's queue limits the rate. */
bool row_host_limited(const struct row *row);
/* Writes the row's name, such as "IN 64K x 8". */
void row_name(const struct row *row, char *text, size_t size);
json_t *row_json(const struct row *row, enum kind kind);
void rows_csv(FILE *f, const struct report *r);
void rows_text(FILE *f, const struct report *r);
