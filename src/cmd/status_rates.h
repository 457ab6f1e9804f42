/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch`: bytes per second, from the byte counts that workers report. */
#pragma once

#include <jansson.h>
#include <stdio.h>

struct rates {
	struct rate {
		char *key; /* gadget, function and endpoint */
		json_int_t bytes;
		double at;   /* now_monotonic() of the last change of `bytes` */
		double rate; /* bytes per second */
	} * v;
	size_t n;
};

/* Updates the rates from the byte counts in the gadgets' objects. */
void rates_sample(struct rates *rates, const json_t *gadgets, double now);
/* Returns the seconds until the first rate becomes 0 without a new report; -1: none. */
double rates_wait(const struct rates *rates, double now);
/* Prints "ep1 out 12.3 MB/s, ep2 in 0 B/s"; nothing for a function without reports. */
void rates_print(FILE *out, const struct rates *rates, const json_t *gadget,
		 const json_t *function);
void rates_free(struct rates *rates);
