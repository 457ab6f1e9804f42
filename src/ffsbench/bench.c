/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "ffsbench/result_row.h"
#include "ffsbench/timing.h"

static void add_result_row(struct report *r, const struct options *o, enum direction direction,
			   uint64_t size, uint64_t depth)
{
	struct result_row *row = &r->rows[r->n_rows++];

	row->run_parameters = (struct run_parameters){ direction, size, (unsigned int)depth };
	row->runs = xcalloc(o->n_rounds, sizeof(*row->runs));
	row->all_runs_succeeded = true;
}

static bool has_endpoint_for(const struct device *d, enum direction direction)
{
	return (d->in_address || direction == DIRECTION_OUT) &&
	       (d->out_address || direction == DIRECTION_IN);
}

static void make_result_rows(const struct options *o, struct report *r)
{
	static const enum direction all[] = { DIRECTION_IN, DIRECTION_OUT, DIRECTION_BOTH };
	size_t i, size, depth;

	r->rows =
		xcalloc(ARRAY_SIZE(all) * o->sizes.n_values * o->depths.n_values, sizeof(*r->rows));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (!(r->command->directions & all[i]) || !has_endpoint_for(r->device, all[i]))
			continue;
		for (depth = 0; depth < o->depths.n_values; depth++)
			for (size = 0; size < o->sizes.n_values; size++)
				add_result_row(r, o, all[i], o->sizes.values[size],
					       o->depths.values[depth]);
	}
}

static int run_combination(const struct options *o, struct report *r, struct result_row *row,
			   struct progress_bar *p, struct error *err)
{
	int result;

	row_label(row, p->run_parameters_text, sizeof(p->run_parameters_text));
	result = r->command->run(r->device, o, &row->run_parameters, p, &row->runs[row->n_runs],
				 err);
	row->all_runs_succeeded = result >= 0;
	/* A run that failed before its first transfer has no results. */
	row->n_runs += row->all_runs_succeeded || row->runs[row->n_runs].seconds > 0;
	p->run_index++;
	return result;
}

int bench_run_all(const struct options *o, struct report *r, struct error *err)
{
	struct progress_bar p;
	unsigned int round;
	size_t i;
	int result = 0;

	r->n_allocated_runs_per_row = o->n_rounds;
	make_result_rows(o, r);
	progress_bar_init(&p, o->quiet, r->n_rows * o->n_rounds);
	start_periodic_ticks();
	for (round = 0; round < o->n_rounds; round++)
		for (i = 0; i < r->n_rows && result >= 0 && !run_interrupted(); i++)
			result = run_combination(o, r, &r->rows[i], &p, err);
	stop_periodic_ticks();
	progress_bar_end(&p);
	r->interrupted = run_interrupted();
	return result;
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		for (size_t k = 0; k < r->n_allocated_runs_per_row; k++)
			free(r->rows[i].runs[k].memory_warning);
		free(r->rows[i].runs);
	}
	free(r->rows);
}
