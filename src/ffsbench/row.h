/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a row of the report says: one table for JSON and CSV, one for people. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "ffsbench/bench.h"

/* A value of a row: sums, medians, extremes of its runs. */
struct field {
	const char *name;
	unsigned int kinds; /* of rows that have it */
	json_t *(*get)(const struct row *row);
};

extern const struct field row_fields[];
extern const size_t row_n_fields;

double row_rate(const struct row *row); /* bytes per second, the median */
double row_cpu(const struct row *row);	/* seconds per GB, the median */
double row_queue_empty(const struct row *row);
double row_latency(const struct row *row, unsigned int which); /* seconds */
/* Whether the host's own queue is what the rate says something about. */
bool row_host_limited(const struct row *row);
/* "IN 64K x 8" */
void row_name(const struct row *row, char *text, size_t size);
json_t *row_json(const struct row *row, enum kind kind);
void rows_csv(FILE *f, const struct report *r);
void template_text(FILE *f, const struct report *r);
