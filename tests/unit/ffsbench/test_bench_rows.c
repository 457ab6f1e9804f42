/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of ffsbench's reports: sums, medians, the forms they are written in, and their order in
 * time. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/report.h"
#include "ffsbench/result_row.h"

static struct run_result runs[] = {
	{ .size_rounded_to_packets = 65536,
	  .zero_copy = true,
	  .transfers = 10,
	  .bytes = 1000000,
	  .short_transfers = 1,
	  .seconds = 1,
	  .cpu_seconds = 0.001,
	  .host_queue = { .n_samples = 10, .n_empty = 10 } },
	{ .size_rounded_to_packets = 65536,
	  .zero_copy = true,
	  .transfers = 30,
	  .bytes = 3000000,
	  .seconds = 1,
	  .cpu_seconds = 0.006,
	  .host_queue = { .n_samples = 10, .n_empty = 6 } },
	{ .size_rounded_to_packets = 65536,
	  .zero_copy = true,
	  .transfers = 20,
	  .bytes = 8000000,
	  .seconds = 4,
	  .cpu_seconds = 0.032,
	  .host_queue = { .n_samples = 10 } },
};
static struct result_row rows[] = {
	{ .run_parameters = { DIRECTION_IN, 65536, 8 },
	  .runs = runs,
	  .n_runs = 3,
	  .all_runs_succeeded = true },
	{ .run_parameters = { DIRECTION_IN, 4096, 8 },
	  .runs = runs,
	  .n_runs = 0,
	  .all_runs_succeeded = true }, /* not run */
};

static const struct command source = { .name = "source", .kind = KIND_STREAM };
static const struct report report = { .command = &source, .rows = rows, .n_rows = 2 };

static char *written(void (*write)(FILE *f, const struct report *r))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	write(f, &report);
	fclose(f);
	return text;
}

Test(rows, sums_and_medians)
{
	json_t *row = row_json(&rows[0], KIND_STREAM);

	cr_assert_eq(json_integer_value(json_object_get(row, "bytes")), 12000000);
	cr_assert_eq(json_integer_value(json_object_get(row, "transfers")), 60);
	cr_assert_eq(json_integer_value(json_object_get(row, "runs")), 3);
	cr_assert_float_eq(json_real_value(json_object_get(row, "seconds")), 6, 1e-9);
	cr_assert_float_eq(json_real_value(json_object_get(row, "bytes_per_second")), 2e6, 1e-3);
	cr_assert_float_eq(json_real_value(json_object_get(row, "cpu_seconds_per_gb")), 2, 1e-9);
	cr_assert_float_eq(json_real_value(json_object_get(row, "queue_empty")), 0.6, 1e-9);
	cr_assert(json_is_true(json_object_get(row, "host_limited")));
	cr_assert_eq(json_array_size(json_object_get(row, "rates")), 3u);
	cr_assert_null(json_object_get(row, "median_us"));
	json_decref(row);
}

Test(rows, csv)
{
	char *text = written(rows_print_csv);

	cr_assert_str_eq(text, "command,direction,size,depth,memory,runs,transfers,short_transfers,"
			       "bytes,seconds,bytes_per_second,cpu_seconds_per_gb,queue_empty,"
			       "host_limited,ok\n"
			       "source,in,65536,8,zero-copy,3,60,1,12000000,6,2000000,2,0.6,true,"
			       "true\n");
	free(text);
}

Test(rows, text)
{
	char *text = written(rows_print_text);

	cr_assert_str_eq(
		text,
		"direction   size depth        MB     MB/s  CPU s/GB  queue empty     memory\n"
		"       in    64K     8      12.0      2.0     2.000        60 %*  zero-copy\n");
	free(text);
}

Test(rows, latency_is_the_median_of_percentiles_and_the_extreme_of_extremes)
{
	struct run_result trips[] = {
		{ .latency_seconds = { 3e-6, 5e-6, 6e-6, 7e-6, 8e-6, 20e-6 } },
		{ .latency_seconds = { 1e-6, 4e-6, 6e-6, 7e-6, 8e-6, 10e-6 } },
		{ .latency_seconds = { 2e-6, 9e-6, 6e-6, 7e-6, 9e-6, 40e-6 } }
	};
	const struct result_row row = { .runs = trips, .n_runs = 3, .all_runs_succeeded = true };

	cr_assert_float_eq(row_latency_seconds(&row, LATENCY_MIN), 1e-6, 1e-12);
	cr_assert_float_eq(row_latency_seconds(&row, LATENCY_MEDIAN), 5e-6, 1e-12);
	cr_assert_float_eq(row_latency_seconds(&row, LATENCY_P999), 8e-6, 1e-12);
	cr_assert_float_eq(row_latency_seconds(&row, LATENCY_MAX), 40e-6, 1e-12);
}

Test(rows, a_chart_of_latency_has_the_median_and_the_99th_percentile)
{
	struct run_result trips = { .size_rounded_to_packets = 64,
				    .latency_seconds = { 50e-6, 100e-6, 200e-6, 400e-6, 800e-6,
							 1e-3 } };
	struct result_row row = { .run_parameters = { DIRECTION_BOTH, 64, 1 },
				  .runs = &trips,
				  .n_runs = 1,
				  .all_runs_succeeded = true };
	const struct command latency = { .name = "latency", .kind = KIND_LATENCY };
	const struct device none = { 0 };
	const struct report one = { .command = &latency,
				    .device = &none,
				    .rows = &row,
				    .n_rows = 1,
				    .n_allocated_runs_per_row = 1 };
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	report_write_chart(f, &one);
	fclose(f);
	/* The axis ends at the largest value, 400 microseconds; 100 is a quarter of it. */
	cr_assert(strstr(text, ">median<") && strstr(text, ">99th percentile<"), "%s", text);
	cr_assert(strstr(text, ">400<") && !strstr(text, ">450<"), "%s", text);
	cr_assert_not_null(strstr(text, "points=\"360.0,320.0\""), "%s", text);
	cr_assert_not_null(strstr(text, "points=\"360.0,50.0\""), "%s", text);
	free(text);
}

/* The sizes that were run, in order: "4096 8192 ..." */
static char run_order[256];

static int note_run(const struct device *d, const struct options *o, const struct run_parameters *c,
		    struct progress_bar *p, struct run_result *m, struct error *err)
{
	size_t n = strlen(run_order);

	(void)d;
	(void)o;
	(void)p;
	(void)err;
	snprintf(run_order + n, sizeof(run_order) - n, "%s%llux%u", n ? " " : "",
		 (unsigned long long)c->size, c->depth);
	m->seconds = 1;
	return 0;
}

/* An interrupted measurement then has a run of most combinations. */
Test(rows, all_combinations_are_run_once_before_any_is_run_twice)
{
	const struct command sink = {
		.name = "sink", .kind = KIND_STREAM, .directions = DIRECTION_OUT, .run = note_run
	};
	const struct options o = { .sizes = { .values = { 1, 2 }, .n_values = 2 },
				   .depths = { .values = { 4, 8 }, .n_values = 2 },
				   .n_rounds = 2,
				   .quiet = true };
	const struct device d = { .out_address = 1 };
	struct report r = { .command = &sink, .device = &d };
	struct error err = { 0 };

	cr_assert_eq(bench_run_all(&o, &r, &err), 0);
	cr_assert_str_eq(run_order, "1x4 2x4 1x8 2x8 1x4 2x4 1x8 2x8");
	cr_assert_eq(r.n_rows, 4u);
	for (size_t i = 0; i < r.n_rows; i++)
		cr_assert_eq(r.rows[i].n_runs, 2u);
	report_free(&r);
}
