/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From many numbers a few. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorts. */
void stats_sort(double *v, size_t n);
/* Of sorted values: the smallest that at least `percent` of them do not exceed (nearest rank). */
double stats_percentile(const double *sorted, size_t n, double percent);
/* Sorts; of an even number the mean of the two in the middle. 0 of none. */
double stats_median(double *v, size_t n);

/*
 * How often the host's queue was found empty: when ffsbench came for what had ended, all that had
 * been in flight had ended, so that the bus had nothing to do until the next submission. With one
 * transfer in flight it is always so.
 */
struct queue {
	unsigned int left; /* of a look that libusb has cut in pieces: in flight at its beginning */
	uint64_t looks, empty;
};

/* `ended` transfers of `depth` in flight were collected at once. */
void queue_look(struct queue *q, unsigned int depth, unsigned int ended);
/* 0 to 1. */
double queue_share(const struct queue *q);
/* Whether the rate says more about the host's queue than about the device. */
bool queue_limits(double share);
