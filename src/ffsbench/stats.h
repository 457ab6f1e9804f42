/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes medians and percentiles, and how often the host's queue was empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorts `n` values in ascending order. */
void stats_sort(double *v, size_t n);
/* Returns a percentile of `n` sorted values: the value with the nearest rank; 0 if there are no
   values. */
double stats_percentile(const double *sorted, size_t n, double percent);
/* Sorts `n` values and returns their median; 0 if there are no values. */
double stats_median(double *v, size_t n);

/*
 * How often the host's queue of transfers was empty. Each time that ffsbench handles completions,
 * it takes a sample. The queue is empty if no transfer is in flight any more: then the bus is idle
 * until the next submission. If only one transfer is in flight, the queue is empty
 * in every sample.
 */
struct queue_samples {
	/* libusb reports many completions in several batches, which together are one sample. This
	   is the number of completions that are still missing in the current sample; 0: the next
	   batch begins a new sample. */
	unsigned int n_completions_missing_in_sample;
	uint64_t n_samples;
	uint64_t n_empty; /* number of samples with an empty queue */
};

/* Adds one batch of completions: a sample, or a part of one. `n_completed`: how many of the `depth`
   transfers in flight have completed in this batch. */
void queue_samples_add(struct queue_samples *q, unsigned int depth, unsigned int n_completed);
/* Returns n_empty divided by n_samples. */
double queue_empty_share(const struct queue_samples *q);
/* Returns whether the data rate is limited because the host's queue is often empty.
   `empty_share`: result of queue_empty_share(). */
bool queue_limits_rate(double empty_share);
