/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/stats.h"

#include <math.h>
#include <stdlib.h>

/* Largest number of completions that libusb handles in one batch (op_handle_events() in
   linux_usbfs.c). */
#define LIBUSB_BATCH 26
/* If the host's queue was empty in more than this share of the samples, the host limits the data
   rate. A lower share may be caused by the scheduling of processes. */
#define HOST_LIMITED_SHARE 0.5

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), compare_doubles);
}

double stats_percentile(const double *sorted, size_t n, double percent)
{
	/* The double for 99.9 is a little larger than 99.9. Without the subtraction, ceil() would
	   return the next rank for this reason. */
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

void queue_samples_add(struct queue_samples *q, unsigned int depth, unsigned int n_completed)
{
	unsigned int left =
		q->n_completions_missing_in_sample ? q->n_completions_missing_in_sample : depth;

	if (n_completed < left && n_completed >= LIBUSB_BATCH) {
		q->n_completions_missing_in_sample = left - n_completed;
		return;
	}
	q->n_completions_missing_in_sample = 0;
	q->n_samples++;
	q->n_empty += n_completed >= left;
}

double queue_empty_share(const struct queue_samples *q)
{
	return q->n_samples ? (double)q->n_empty / (double)q->n_samples : 0;
}

bool queue_limits_rate(double empty_share)
{
	return empty_share > HOST_LIMITED_SHARE;
}
