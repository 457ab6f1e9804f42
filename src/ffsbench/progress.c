/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "ffsbench/timing.h"

#define BAR_WIDTH 30
#define REDRAW_MS 100

void progress_bar_init(struct progress_bar *p, bool quiet, size_t n_runs)
{
	*p = (struct progress_bar){ .enabled = !quiet && isatty(STDERR_FILENO), .n_runs = n_runs };
}

void progress_bar_update(struct progress_bar *p, double fraction, uint64_t bytes, double seconds)
{
	char bar[BAR_WIDTH + 1];
	double done;
	int64_t now;

	if (!p->enabled)
		return;
	now = now_ms();
	if (fraction < 1 && now - p->drawn_at_ms < REDRAW_MS)
		return;
	p->drawn_at_ms = now;
	done = ((double)p->run_index + (fraction < 1 ? fraction : 1)) / (double)p->n_runs;
	for (unsigned int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < (unsigned int)(done * BAR_WIDTH) ? '#' : '.';
	bar[BAR_WIDTH] = 0;
	fprintf(stderr, "\r[%s] %3.0f %%  %s  %6.1f MB  %7.1f MB/s\033[K", bar, done * 100,
		p->run_parameters_text, (double)bytes / 1e6,
		seconds > 0 ? (double)bytes / 1e6 / seconds : 0);
}

void progress_bar_end(struct progress_bar *p)
{
	if (p->enabled && p->drawn_at_ms)
		fputc('\n', stderr);
	p->drawn_at_ms = 0;
}
