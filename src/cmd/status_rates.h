/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status --watch: bytes a second, from what workers say they have moved on each endpoint. */
#pragma once

#include <jansson.h>
#include <stdio.h>

struct rates {
	struct rate {
		char *key; /* gadget, function and endpoint */
		json_int_t bytes;
		double at; /* monotonic: when that was new */
		double rate;
	} * v;
	size_t n;
};

/* Takes note of what the gadgets say at that moment. */
void rates_sample(struct rates *rates, const json_t *gadgets, double now);
/* Seconds until some rate is known to have become 0 unless there is news; -1: none will. */
double rates_wait(const struct rates *rates, double now);
/* "ep1 out 12.3 MB/s, ep2 in 0 B/s"; nothing for a function that says nothing. */
void rates_print(FILE *out, const struct rates *rates, const json_t *gadget,
		 const json_t *function);
void rates_free(struct rates *rates);
