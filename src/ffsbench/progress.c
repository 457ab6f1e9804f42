/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "ffsbench/tick.h"

#define BAR_WIDTH 30
#define REDRAW_MS 100

void progress_init(struct progress *p, bool quiet, size_t runs)
{
	*p = (struct progress){ .enabled = !quiet && isatty(STDERR_FILENO), .runs = runs };
}

void progress_show(struct progress *p, double part, uint64_t bytes, double seconds)
{
	char bar[BAR_WIDTH + 1];
	double done;
	int64_t now;

	if (!p->enabled)
		return;
	now = now_ms();
	if (part < 1 && now - p->drawn < REDRAW_MS)
		return;
	p->drawn = now;
	done = ((double)p->run + (part < 1 ? part : 1)) / (double)p->runs;
	for (unsigned int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < (unsigned int)(done * BAR_WIDTH) ? '#' : '.';
	bar[BAR_WIDTH] = 0;
	fprintf(stderr, "\r[%s] %3.0f %%  %s  %6.1f MB  %7.1f MB/s\033[K", bar, done * 100, p->name,
		(double)bytes / 1e6, seconds > 0 ? (double)bytes / 1e6 / seconds : 0);
}

void progress_end(struct progress *p)
{
	if (p->enabled && p->drawn)
		fputc('\n', stderr);
	p->drawn = 0;
}
