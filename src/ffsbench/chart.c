/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Converts the rows of a report to the curves of a chart. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsbench/plot.h"
#include "ffsbench/report.h"
#include "ffsbench/row.h"

static double rate(const struct row *row)
{
	return row_rate(row) / 1e6;
}

static double median_us(const struct row *row)
{
	return row_latency(row, LATENCY_MEDIAN) * 1e6;
}

static double p99_us(const struct row *row)
{
	return row_latency(row, LATENCY_P99) * 1e6;
}

/* The curves that a chart has for each combination of direction and depth. */
static const struct curve {
	unsigned int kinds;
	const char *name; /* name in the legend; NULL: direction and depth */
	double (*value)(const struct row *row);
} curves[] = {
	{ KIND_STREAM | KIND_MESSAGES, NULL, rate },
	{ KIND_LATENCY, "median", median_us },
	{ KIND_LATENCY, "99th percentile", p99_us },
};

static char *combination_name(const struct combination *c)
{
	static const char *const names[] = {
		[DIRECTION_IN] = "IN, ", [DIRECTION_OUT] = "OUT, ", [DIRECTION_BOTH] = ""
	};

	return strf("%sdepth %u", names[c->direction], c->depth);
}

static bool same_curve(const struct row *a, const struct row *b)
{
	return a->combination.direction == b->combination.direction &&
	       a->combination.depth == b->combination.depth;
}

/* Adds a curve of the rows that begin at index `first` and differ only in size. Returns the index
   of the next row. */
static size_t add_curve(struct plot *p, const struct report *r, size_t first,
			const struct curve *curve)
{
	struct plot_series *s = &p->series[p->n++];
	const struct row *row;
	size_t i;

	*s = (struct plot_series){ .name = curve->name
						   ? xstrdup(curve->name)
						   : combination_name(&r->rows[first].combination),
				   .size = xcalloc(r->n_rows, sizeof(double)),
				   .value = xcalloc(r->n_rows, sizeof(double)) };
	for (i = first; i < r->n_rows && same_curve(&r->rows[i], &r->rows[first]); i++) {
		row = &r->rows[i];
		if (!row->n_runs || !row->succeeded)
			continue;
		s->size[s->n] = (double)row->runs[0].size;
		s->value[s->n++] = curve->value(row);
	}
	return i;
}

void report_plot(FILE *f, const struct report *r)
{
	const struct device *d = r->device;
	_cleanup_free_ char *title = strf("ffsbench %s: %04x:%04x, %s speed", r->command->name,
					  d->vendor, d->product, device_speed_name(d->speed));
	struct plot p = { .title = title,
			  .y_label = r->command->kind == KIND_LATENCY ? "microseconds" : "MB/s" };
	size_t i, k;

	p.series = xcalloc(r->n_rows * ARRAY_SIZE(curves) + 1, sizeof(*p.series));
	for (k = 0; k < ARRAY_SIZE(curves); k++)
		for (i = 0; curves[k].kinds & r->command->kind && i < r->n_rows;)
			i = add_curve(&p, r, i, &curves[k]);
	plot_write(f, &p);
	for (i = 0; i < p.n; i++) {
		free(p.series[i].name);
		free(p.series[i].size);
		free(p.series[i].value);
	}
	free(p.series);
}
