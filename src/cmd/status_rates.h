/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch`: computes data rates from the byte counts that workers report. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "rundir/status.h"

struct rates {
	struct rate {
		char *key;	   /* text that identifies gadget, function and endpoint */
		int64_t bytes;	   /* last reported byte count */
		double changed_at; /* now_monotonic() of the last change of `bytes` */
		double rate;	   /* bytes per second */
	} * values;
	size_t n;
};

/* Updates the rates from the byte counts of the gadgets. */
void rates_sample(struct rates *rates, const struct gadget_statuses *gadgets, double now);
/*
 * Returns the seconds until the first rate becomes 0 if its worker reports nothing more; -1: all
 * rates are 0.
 */
double rates_wait(const struct rates *rates, double now);
/*
 * Prints the data rates of a function: "ep1 out 12.3 MB/s, ep2 in 0 B/s". Prints nothing if its
 * worker has reported no byte counts.
 */
void rates_print(FILE *out, const struct rates *rates, const struct gadget_status *gadget,
		 const struct function_status *function);
void rates_free(struct rates *rates);
