/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes and prints the values of the rows of a report. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "ffsbench/bench.h"

/* A value of a row in JSON and CSV: a sum, median, minimum or maximum of all runs of the row. */
struct row_field {
	const char *name; /* key in JSON, heading in CSV */
	/* Flags of enum command_kind: the commands whose reports have this value in each row. */
	unsigned int shown_for_command_kinds;
	json_t *(*get_value)(const struct result_row *row);
};

extern const struct row_field row_fields[];
extern const size_t row_n_fields;

/* These functions return the median of the runs. */
double row_bytes_per_second(const struct result_row *row);
double row_cpu_seconds_per_gb(const struct result_row *row);
double row_queue_empty_share(const struct result_row *row); /* 0 to 1 */
/* Returns the smallest latency of all runs for LATENCY_MIN, the largest one for LATENCY_MAX. For
   another `which`, such as LATENCY_P99, returns the median of the runs' values. */
double row_latency_seconds(const struct result_row *row, unsigned int which);
/* Returns whether the data rate is limited because the host's queue is often empty. */
bool host_limits_rate_of_row(const struct result_row *row);
/* Writes what the row measures, such as "IN 64K x 8", into `text`. */
void row_label(const struct result_row *row, char *text, size_t size);
json_t *row_json(const struct result_row *row, enum command_kind kind);
void rows_print_csv(FILE *f, const struct report *r);
void rows_print_text(FILE *f, const struct report *r);
