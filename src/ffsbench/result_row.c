/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/result_row.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/util.h"

#define GB 1e9

/* --- sums --- */

static uint64_t sum_member(const struct result_row *row, size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < row->n_runs; i++)
		total += *(const uint64_t *)((const char *)&row->runs[i] + offset);
	return total;
}
#define SUM(row, member) sum_member(row, offsetof(struct run_result, member))

static double sum_seconds(const struct result_row *row)
{
	double total = 0;

	for (size_t i = 0; i < row->n_runs; i++)
		total += row->runs[i].seconds;
	return total;
}

/* --- medians --- */

static double bytes_per_second_of_run(const struct run_result *m)
{
	return m->seconds > 0 ? (double)m->bytes / m->seconds : 0;
}

static double cpu_seconds_per_gb_of_run(const struct run_result *m)
{
	return m->bytes ? m->cpu_seconds / ((double)m->bytes / GB) : 0;
}

static double host_queue_empty_share_of_run(const struct run_result *m)
{
	return queue_empty_share(&m->host_queue);
}

static double median_of_runs(const struct result_row *row,
			     double (*run_value)(const struct run_result *m))
{
	double *v = xcalloc(row->n_runs + 1, sizeof(*v)), middle;

	for (size_t i = 0; i < row->n_runs; i++)
		v[i] = run_value(&row->runs[i]);
	middle = stats_median(v, row->n_runs);
	free(v);
	return middle;
}

double row_bytes_per_second(const struct result_row *row)
{
	return median_of_runs(row, bytes_per_second_of_run);
}

double row_cpu_seconds_per_gb(const struct result_row *row)
{
	return median_of_runs(row, cpu_seconds_per_gb_of_run);
}

double row_queue_empty_share(const struct result_row *row)
{
	return median_of_runs(row, host_queue_empty_share_of_run);
}

bool host_limits_rate_of_row(const struct result_row *row)
{
	return queue_limits_rate(row_queue_empty_share(row));
}

double row_latency_seconds(const struct result_row *row, unsigned int which)
{
	double *v = xcalloc(row->n_runs + 1, sizeof(*v)), found;

	for (size_t i = 0; i < row->n_runs; i++)
		v[i] = row->runs[i].latency_seconds[which];
	found = stats_median(v, row->n_runs);
	if (row->n_runs && which == LATENCY_MIN)
		found = v[0]; /* stats_median() has sorted the values */
	if (row->n_runs && which == LATENCY_MAX)
		found = v[row->n_runs - 1];
	free(v);
	return found;
}

/* --- fields --- */

static const char *direction_name(enum direction direction)
{
	switch (direction) {
	case DIRECTION_IN:
		return "in";
	case DIRECTION_OUT:
		return "out";
	case DIRECTION_BOTH:
		break;
	}
	return "both";
}

static const char *memory_kind_name(const struct result_row *row)
{
	return row->n_runs && row->runs[0].zero_copy ? "zero-copy" : "ordinary";
}

static uint64_t row_size_rounded_to_packets(const struct result_row *row)
{
	return row->n_runs && row->runs[0].size_rounded_to_packets
		       ? row->runs[0].size_rounded_to_packets
		       : row->run_parameters.size;
}

static json_t *get_direction(const struct result_row *row)
{
	return json_string(direction_name(row->run_parameters.direction));
}

static json_t *get_size(const struct result_row *row)
{
	return json_integer((json_int_t)row_size_rounded_to_packets(row));
}

static json_t *get_depth(const struct result_row *row)
{
	return json_integer(row->run_parameters.depth);
}

static json_t *get_memory_kind(const struct result_row *row)
{
	return json_string(memory_kind_name(row));
}

static json_t *get_n_runs(const struct result_row *row)
{
	return json_integer((json_int_t)row->n_runs);
}

static json_t *get_n_transfers(const struct result_row *row)
{
	return json_integer((json_int_t)SUM(row, transfers));
}

static json_t *get_n_short_transfers(const struct result_row *row)
{
	return json_integer((json_int_t)SUM(row, short_transfers));
}

static json_t *get_n_messages(const struct result_row *row)
{
	return json_integer((json_int_t)SUM(row, messages));
}

static json_t *get_bytes(const struct result_row *row)
{
	return json_integer((json_int_t)SUM(row, bytes));
}

static json_t *get_seconds(const struct result_row *row)
{
	return json_real(sum_seconds(row));
}

static json_t *get_rate(const struct result_row *row)
{
	return json_real(row_bytes_per_second(row));
}

static json_t *get_cpu_seconds_per_gb(const struct result_row *row)
{
	return json_real(row_cpu_seconds_per_gb(row));
}

static json_t *get_queue_empty_share(const struct result_row *row)
{
	return json_real(row_queue_empty_share(row));
}

static json_t *get_host_limited(const struct result_row *row)
{
	return json_boolean(host_limits_rate_of_row(row));
}

static json_t *get_ok(const struct result_row *row)
{
	return json_boolean(row->all_runs_succeeded);
}

#define LATENCY_FIELD(name, which)                                                                 \
	static json_t *get_##name(const struct result_row *row)                                    \
	{                                                                                          \
		return json_real(row_latency_seconds(row, which) * 1e6);                           \
	}
LATENCY_FIELD(min, LATENCY_MIN)
LATENCY_FIELD(median, LATENCY_MEDIAN)
LATENCY_FIELD(p90, LATENCY_P90)
LATENCY_FIELD(p99, LATENCY_P99)
LATENCY_FIELD(p999, LATENCY_P999)
LATENCY_FIELD(max, LATENCY_MAX)

const struct row_field row_fields[] = {
	{ "direction", KIND_STREAM, get_direction },
	{ "size", KIND_ALL, get_size },
	{ "depth", KIND_ALL, get_depth },
	{ "memory", KIND_ALL, get_memory_kind },
	{ "runs", KIND_ALL, get_n_runs },
	{ "transfers", KIND_STREAM, get_n_transfers },
	{ "short_transfers", KIND_STREAM, get_n_short_transfers },
	{ "messages", KIND_MESSAGES | KIND_LATENCY, get_n_messages },
	{ "bytes", KIND_ALL, get_bytes },
	{ "seconds", KIND_ALL, get_seconds },
	{ "bytes_per_second", KIND_STREAM | KIND_MESSAGES, get_rate },
	{ "cpu_seconds_per_gb", KIND_ALL, get_cpu_seconds_per_gb },
	{ "queue_empty", KIND_STREAM, get_queue_empty_share },
	{ "host_limited", KIND_STREAM, get_host_limited },
	{ "min_us", KIND_LATENCY, get_min },
	{ "median_us", KIND_LATENCY, get_median },
	{ "p90_us", KIND_LATENCY, get_p90 },
	{ "p99_us", KIND_LATENCY, get_p99 },
	{ "p999_us", KIND_LATENCY, get_p999 },
	{ "max_us", KIND_LATENCY, get_max },
	{ "ok", KIND_ALL, get_ok },
};
const size_t row_n_fields = ARRAY_SIZE(row_fields);

json_t *row_json(const struct result_row *row, enum command_kind kind)
{
	json_t *object = json_object(), *rates = json_array();
	size_t i;

	for (i = 0; i < row_n_fields; i++)
		if (row_fields[i].shown_for_command_kinds & kind)
			json_object_set_new(object, row_fields[i].name,
					    row_fields[i].get_value(row));
	for (i = 0; i < row->n_runs; i++)
		json_array_append_new(rates, json_real(bytes_per_second_of_run(&row->runs[i])));
	if (kind != KIND_LATENCY)
		json_object_set(object, "rates", rates);
	json_decref(rates);
	return object;
}

static void print_csv_value(FILE *f, json_t *value)
{
	if (json_is_string(value))
		fputs(json_string_value(value), f);
	else if (json_is_integer(value))
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(f, "%.9g", json_real_value(value));
	else
		fputs(json_is_true(value) ? "true" : "false", f);
	json_decref(value);
}

void rows_print_csv(FILE *f, const struct report *r)
{
	enum command_kind kind = r->command->kind;
	size_t i, row;

	fputs("command", f);
	for (i = 0; i < row_n_fields; i++)
		if (row_fields[i].shown_for_command_kinds & kind)
			fprintf(f, ",%s", row_fields[i].name);
	for (row = 0; row < r->n_rows; row++) {
		if (!r->rows[row].n_runs)
			continue;
		fprintf(f, "\n%s", r->command->name);
		for (i = 0; i < row_n_fields; i++) {
			if (!(row_fields[i].shown_for_command_kinds & kind))
				continue;
			fputc(',', f);
			print_csv_value(f, row_fields[i].get_value(&r->rows[row]));
		}
	}
	fputc('\n', f);
}

/* --- text --- */

void row_label(const struct result_row *row, char *text, size_t size)
{
	char number[24];

	snprintf(text, size, "%s%s x %u",
		 row->run_parameters.direction == DIRECTION_IN	  ? "IN "
		 : row->run_parameters.direction == DIRECTION_OUT ? "OUT "
								  : "",
		 format_size(row->run_parameters.size, number, sizeof(number)),
		 row->run_parameters.depth);
}

static void print_size(char *cell, size_t cell_size, const struct result_row *row)
{
	format_size(row_size_rounded_to_packets(row), cell, cell_size);
}

static void print_direction(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%s", direction_name(row->run_parameters.direction));
}

static void print_depth(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%u", row->run_parameters.depth);
}

static void print_bytes(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%.1f", (double)SUM(row, bytes) / 1e6);
}

static void print_n_messages(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%" PRIu64, SUM(row, messages));
}

static void print_rate(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%.1f", row_bytes_per_second(row) / 1e6);
}

static void print_cpu_seconds_per_gb(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%.3f", row_cpu_seconds_per_gb(row));
}

static void print_queue_empty_share(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%.0f %%%s", row_queue_empty_share(row) * 100,
		 host_limits_rate_of_row(row) ? "*" : " ");
}

static void print_memory_kind(char *cell, size_t cell_size, const struct result_row *row)
{
	snprintf(cell, cell_size, "%s", memory_kind_name(row));
}

#define LATENCY_CELL(name, which)                                                                  \
	static void print_##name(char *cell, size_t cell_size, const struct result_row *row)       \
	{                                                                                          \
		snprintf(cell, cell_size, "%.1f", row_latency_seconds(row, which) * 1e6);          \
	}
LATENCY_CELL(min, LATENCY_MIN)
LATENCY_CELL(median, LATENCY_MEDIAN)
LATENCY_CELL(p90, LATENCY_P90)
LATENCY_CELL(p99, LATENCY_P99)
LATENCY_CELL(p999, LATENCY_P999)
LATENCY_CELL(max, LATENCY_MAX)

static const struct column {
	const char *heading;
	int width;
	unsigned int shown_for_command_kinds; /* flags of enum command_kind */
	void (*print)(char *cell, size_t cell_size, const struct result_row *row);
} columns[] = {
	{ "direction", 9, KIND_STREAM, print_direction },
	{ "size", 7, KIND_ALL, print_size },
	{ "depth", 6, KIND_STREAM | KIND_MESSAGES, print_depth },
	{ "messages", 10, KIND_MESSAGES | KIND_LATENCY, print_n_messages },
	{ "MB", 10, KIND_STREAM | KIND_MESSAGES, print_bytes },
	{ "MB/s", 9, KIND_STREAM | KIND_MESSAGES, print_rate },
	{ "min us", 9, KIND_LATENCY, print_min },
	{ "median", 9, KIND_LATENCY, print_median },
	{ "p90", 9, KIND_LATENCY, print_p90 },
	{ "p99", 9, KIND_LATENCY, print_p99 },
	{ "p99.9", 9, KIND_LATENCY, print_p999 },
	{ "max", 9, KIND_LATENCY, print_max },
	{ "CPU s/GB", 10, KIND_STREAM | KIND_MESSAGES, print_cpu_seconds_per_gb },
	{ "queue empty", 13, KIND_STREAM, print_queue_empty_share },
	{ "memory", 11, KIND_ALL, print_memory_kind },
};

void rows_print_text(FILE *f, const struct report *r)
{
	enum command_kind kind = r->command->kind;
	char cell[64];
	size_t i, row;

	for (i = 0; i < ARRAY_SIZE(columns); i++)
		if (columns[i].shown_for_command_kinds & kind)
			fprintf(f, "%*s", columns[i].width, columns[i].heading);
	for (row = 0; row < r->n_rows; row++) {
		if (!r->rows[row].n_runs || !r->rows[row].all_runs_succeeded)
			continue;
		fputc('\n', f);
		for (i = 0; i < ARRAY_SIZE(columns); i++) {
			if (!(columns[i].shown_for_command_kinds & kind))
				continue;
			columns[i].print(cell, sizeof(cell), &r->rows[row]);
			fprintf(f, "%*s", columns[i].width, cell);
		}
	}
	fputc('\n', f);
}
