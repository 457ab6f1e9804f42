/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes percentiles, and how often the host's queue was empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorts in ascending order. */
void stats_sort(double *v, size_t n);
/* Returns a percentile of sorted values (nearest rank). */
double stats_percentile(const double *sorted, size_t n, double percent);
/* Sorts the values and returns their median; 0 if there are none. */
double stats_median(double *v, size_t n);

/*
 * Samples of the host's queue, one each time that ffsbench handles completions. The queue is empty
 * if all transfers in flight have completed: the bus is idle until the next submission. At depth 1
 * the queue is always empty.
 */
struct queue_samples {
	unsigned int left; /* transfers that still belong to a sample that libusb has split */
	uint64_t samples, empty;
};

/* Adds a sample. `ended`: how many of the `depth` transfers in flight were handled together. */
void queue_samples_add(struct queue_samples *q, unsigned int depth, unsigned int ended);
/* Returns the share of samples with an empty queue, 0 to 1. */
double queue_empty_share(const struct queue_samples *q);
/* Returns whether the host's queue limits the rate. `share`: share of samples with an empty queue.
 */
bool queue_is_limit(double share);
