/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of ffsbench's reports: sums, medians, and the forms they are written in. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "host/row.h"

static struct measure runs[] = {
	{ .size = 65536,
	  .zero_copy = true,
	  .transfers = 10,
	  .bytes = 1000000,
	  .shorts = 1,
	  .seconds = 1,
	  .cpu_seconds = 0.001,
	  .queue = { .looks = 10, .empty = 10 } },
	{ .size = 65536,
	  .zero_copy = true,
	  .transfers = 30,
	  .bytes = 3000000,
	  .seconds = 1,
	  .cpu_seconds = 0.006,
	  .queue = { .looks = 10, .empty = 6 } },
	{ .size = 65536,
	  .zero_copy = true,
	  .transfers = 20,
	  .bytes = 8000000,
	  .seconds = 4,
	  .cpu_seconds = 0.032,
	  .queue = { .looks = 10 } },
};
static struct row rows[] = {
	{ .c = { DIRECTION_IN, 65536, 8 }, .runs = runs, .n = 3, .ok = true },
	{ .c = { DIRECTION_IN, 4096, 8 }, .runs = runs, .n = 0, .ok = true }, /* not run */
};

static const struct command source = { .name = "source", .kind = KIND_STREAM };
static const struct report report = { .command = &source, .rows = rows, .n = 2 };

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
	cr_assert_eq(json_real_value(json_object_get(row, "seconds")), 6.0);
	cr_assert_eq(json_real_value(json_object_get(row, "bytes_per_second")), 2e6);
	cr_assert_float_eq(json_real_value(json_object_get(row, "cpu_seconds_per_gb")), 2, 1e-9);
	cr_assert_eq(json_real_value(json_object_get(row, "queue_empty")), 0.6);
	cr_assert(json_is_true(json_object_get(row, "host_limited")));
	cr_assert_eq(json_array_size(json_object_get(row, "rates")), 3u);
	cr_assert_null(json_object_get(row, "median_us"));
	json_decref(row);
}

Test(rows, csv)
{
	char *text = written(rows_csv);

	cr_assert_str_eq(text, "command,direction,size,depth,memory,runs,transfers,short_transfers,"
			       "bytes,seconds,bytes_per_second,cpu_seconds_per_gb,queue_empty,"
			       "host_limited,ok\n"
			       "source,in,65536,8,zero-copy,3,60,1,12000000,6,2000000,2,0.6,true,"
			       "true\n");
	free(text);
}

Test(rows, text)
{
	char *text = written(rows_text);

	cr_assert_str_eq(
		text,
		"direction   size depth        MB     MB/s  CPU s/GB  queue empty     memory\n"
		"       in    64K     8      12.0      2.0     2.000        60 %*  zero-copy\n");
	free(text);
}

Test(rows, latency_is_the_median_of_percentiles_and_the_extreme_of_extremes)
{
	struct measure trips[] = { { .latency = { 3e-6, 5e-6, 6e-6, 7e-6, 8e-6, 20e-6 } },
				   { .latency = { 1e-6, 4e-6, 6e-6, 7e-6, 8e-6, 10e-6 } },
				   { .latency = { 2e-6, 9e-6, 6e-6, 7e-6, 9e-6, 40e-6 } } };
	const struct row row = { .runs = trips, .n = 3, .ok = true };

	cr_assert_eq(row_latency(&row, LATENCY_MIN), 1e-6);
	cr_assert_eq(row_latency(&row, LATENCY_MEDIAN), 5e-6);
	cr_assert_eq(row_latency(&row, LATENCY_P999), 8e-6);
	cr_assert_eq(row_latency(&row, LATENCY_MAX), 40e-6);
}
