/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/stats.h"

#include <math.h>
#include <stdlib.h>

/* Completions that libusb handles together, at most (op_handle_events() in linux_usbfs.c). */
#define LIBUSB_BATCH 26
/* Share of samples with an empty queue above which the host's queue limits the rate. A lower share
   can be an accident of scheduling. */
#define HOST_LIMITED_SHARE 0.5

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
	/* The binary value of 99.9 is a little too large, which must not change the rank. */
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

void queue_samples_add(struct queue_samples *q, unsigned int depth, unsigned int ended)
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

double queue_empty_share(const struct queue_samples *q)
{
	return q->samples ? (double)q->empty / (double)q->samples : 0;
}

bool queue_is_limit(double share)
{
	return share > HOST_LIMITED_SHARE;
}
