/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/stats.h"

#include <math.h>
#include <stdlib.h>

/* libusb handles at most 26 completions in one go (op_handle_events() of linux_usbfs.c). */
#define LIBUSB_BATCH 26
/* Share of samples above which an idle bus is the rule and not an accident of scheduling. */
#define LIMITS_FROM 0.5

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), compare);
}

double stats_percentile(const double *sorted, size_t n, double percent)
{
	/* 99.9 is rounded up in binary, which must not change the rank. */
	double rank = ceil(percent / 100 * (double)n - 1e-9);

	if (n == 0)
		return 0;
	return sorted[rank < 1 ? 0 : rank > (double)n ? n - 1 : (size_t)rank - 1];
}

double stats_median(double *v, size_t n)
{
	if (n == 0)
		return 0;
	stats_sort(v, n);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void queue_sample(struct queue *q, unsigned int depth, unsigned int ended)
{
	unsigned int left = q->left ? q->left : depth;

	if (ended < left && ended >= LIBUSB_BATCH) {
		q->left = left - ended;
		return;
	}
	q->left = 0;
	q->samples++;
	q->empty += ended >= left;
}

double queue_share(const struct queue *q)
{
	return q->samples ? (double)q->empty / (double)q->samples : 0;
}

bool queue_limits(double share)
{
	return share > LIMITS_FROM;
}
