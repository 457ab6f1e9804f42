/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "ffsbench/row.h"
#include "ffsbench/tick.h"

static void add_row(struct report *r, const struct options *o, enum direction direction,
		    uint64_t size, uint64_t depth)
{
	struct row *row = &r->rows[r->n_rows++];

	row->combination = (struct combination){ direction, size, (unsigned int)depth };
	row->runs = xcalloc(o->repeat, sizeof(*row->runs));
	row->succeeded = true;
}

static bool has_endpoint(const struct device *d, enum direction direction)
{
	return (d->in || direction == DIRECTION_OUT) && (d->out || direction == DIRECTION_IN);
}

static void make_rows(const struct options *o, struct report *r)
{
	static const enum direction all[] = { DIRECTION_IN, DIRECTION_OUT, DIRECTION_BOTH };
	size_t i, size, depth;

	r->rows = xcalloc(ARRAY_SIZE(all) * o->sizes.n * o->depths.n, sizeof(*r->rows));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (!(r->command->directions & all[i]) || !has_endpoint(r->device, all[i]))
			continue;
		for (depth = 0; depth < o->depths.n; depth++)
			for (size = 0; size < o->sizes.n; size++)
				add_row(r, o, all[i], o->sizes.value[size], o->depths.value[depth]);
	}
}

static int run_row(const struct options *o, struct report *r, struct row *row, struct progress *p,
		   struct error *err)
{
	int result;

	row_name(row, p->name, sizeof(p->name));
	result = r->command->run(r->device, o, &row->combination, p, &row->runs[row->n_runs], err);
	row->succeeded = result >= 0;
	row->n_runs +=
		row->succeeded || row->runs[row->n_runs].seconds >
					  0; /* a run that failed before its start is not counted */
	p->run++;
	return result;
}

int bench_run(const struct options *o, struct report *r, struct error *err)
{
	struct progress p;
	unsigned int round;
	size_t i;
	int result = 0;

	r->repeat = o->repeat;
	make_rows(o, r);
	progress_init(&p, o->quiet, r->n_rows * o->repeat);
	tick_start();
	for (round = 0; round < o->repeat; round++)
		for (i = 0; i < r->n_rows && result >= 0 && !tick_interrupted(); i++)
			result = run_row(o, r, &r->rows[i], &p, err);
	tick_stop();
	progress_end(&p);
	r->interrupted = tick_interrupted();
	return result;
}

void bench_free(struct report *r)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		for (size_t k = 0; k < r->repeat; k++)
			free(r->rows[i].runs[k].remark);
		free(r->rows[i].runs);
	}
	free(r->rows);
}
