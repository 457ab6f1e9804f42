/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the curves of a chart from the rows of a report. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsbench/plot.h"
#include "ffsbench/report.h"
#include "ffsbench/result_row.h"

static double rate_mb_per_s(const struct result_row *row)
{
	return row_bytes_per_second(row) / 1e6;
}

static double median_latency_us(const struct result_row *row)
{
	return row_latency_seconds(row, LATENCY_MEDIAN) * 1e6;
}

static double p99_latency_us(const struct result_row *row)
{
	return row_latency_seconds(row, LATENCY_P99) * 1e6;
}

/* The kinds of curves. A chart has a curve of each kind for each pair of direction and depth. */
static const struct curve_kind {
	unsigned int shown_for_command_kinds; /* flags of enum command_kind */
	const char *legend_name;	      /* name in the legend; NULL: direction and depth */
	double (*row_value)(const struct result_row *row);
} curve_kinds[] = {
	{ KIND_STREAM | KIND_MESSAGES, NULL, rate_mb_per_s },
	{ KIND_LATENCY, "median", median_latency_us },
	{ KIND_LATENCY, "99th percentile", p99_latency_us },
};

static char *direction_and_depth(const struct run_parameters *c)
{
	static const char *const names[] = {
		[DIRECTION_IN] = "IN, ", [DIRECTION_OUT] = "OUT, ", [DIRECTION_BOTH] = ""
	};

	return strf("%sdepth %u", names[c->direction], c->depth);
}

static bool on_same_curve(const struct result_row *a, const struct result_row *b)
{
	return a->run_parameters.direction == b->run_parameters.direction &&
	       a->run_parameters.depth == b->run_parameters.depth;
}

/* Adds one curve: a point for the row with the index `first` and for each of the following rows
   that differs from it only in size. Returns the index of the first row after them. */
static size_t add_curve(struct plot *p, const struct report *r, size_t first,
			const struct curve_kind *kind)
{
	struct plot_series *s = &p->series[p->n_series++];
	const struct result_row *row;
	size_t i;

	*s = (struct plot_series){ .legend_name = kind->legend_name
							  ? xstrdup(kind->legend_name)
							  : direction_and_depth(
								    &r->rows[first].run_parameters),
				   .sizes = xcalloc(r->n_rows, sizeof(double)),
				   .values = xcalloc(r->n_rows, sizeof(double)) };
	for (i = first; i < r->n_rows && on_same_curve(&r->rows[i], &r->rows[first]); i++) {
		row = &r->rows[i];
		if (!row->n_runs || !row->all_runs_succeeded)
			continue;
		s->sizes[s->n_points] = (double)row->runs[0].size_rounded_to_packets;
		s->values[s->n_points++] = kind->row_value(row);
	}
	return i;
}

void report_write_chart(FILE *f, const struct report *r)
{
	const struct device *d = r->device;
	_cleanup_free_ char *title = strf("ffsbench %s: %04x:%04x, %s speed", r->command->name,
					  d->vendor_id, d->product_id, device_speed_name(d->speed));
	struct plot p = { .title = title,
			  .y_label = r->command->kind == KIND_LATENCY ? "microseconds" : "MB/s" };
	size_t i, k;

	p.series = xcalloc(r->n_rows * ARRAY_SIZE(curve_kinds) + 1, sizeof(*p.series));
	for (k = 0; k < ARRAY_SIZE(curve_kinds); k++)
		for (i = 0;
		     curve_kinds[k].shown_for_command_kinds & r->command->kind && i < r->n_rows;)
			i = add_curve(&p, r, i, &curve_kinds[k]);
	plot_write(f, &p);
	for (i = 0; i < p.n_series; i++) {
		free(p.series[i].legend_name);
		free(p.series[i].sizes);
		free(p.series[i].values);
	}
	free(p.series);
}
