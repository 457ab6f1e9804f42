/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch`: computes data rates from the byte counts that workers report. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "rundir/status.h"

/* The data rates of all endpoints. */
struct data_rates {
	struct data_rate {
		char *endpoint_id; /* text that identifies gadget, function and endpoint */
		int64_t last_reported_bytes; /* byte count that the worker reported last */
		/* Time when last_reported_bytes changed last, from now_monotonic(). */
		double last_changed_at;
		double bytes_per_second;
	} * endpoints;
	size_t n_endpoints;
};

/* Updates the rates from the byte counts of the gadgets. */
void rates_update(struct data_rates *rates, const struct gadget_statuses *gadgets, double now);
/*
 * Returns the time until the first data rate becomes 0 if no worker reports a new byte count, in
 * seconds; -1: all data rates are 0.
 */
double rates_seconds_until_stale(const struct data_rates *rates, double now);
/*
 * Prints the data rates of a function's endpoints: "ep1 out 12.3 MB/s, ep2 in 0 B/s". Prints
 * nothing if the function's worker has reported no byte counts. `indent` is the number of spaces
 * before them.
 */
void rates_print(FILE *out, const struct data_rates *rates, const struct gadget_status *gadget,
		 const struct function_status *function, int indent);
void rates_free(struct data_rates *rates);
