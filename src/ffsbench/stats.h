/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics. */
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
 * How often the host's queue was empty: when ffsbench handled completions, all transfers in flight
 * had completed, so that the bus was idle until the next submission. At depth 1 this is always so.
 */
struct queue {
	unsigned int left; /* transfers still to handle of a sample that libusb has split */
	uint64_t samples, empty;
};

/* Adds a sample: `ended` of `depth` transfers in flight were handled together. */
void queue_sample(struct queue *q, unsigned int depth, unsigned int ended);
/* Returns the share of samples with an empty queue, 0 to 1. */
double queue_share(const struct queue *q);
/* Returns whether the host's queue limits the rate. */
bool queue_limits(double share);
