/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_rates.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * Seconds without a change of the byte count after which the rate is 0. While data is transferred,
 * workers report once a second.
 */
#define SILENCE 2.5

static char *make_rate_key(const struct gadget_status *gadget,
			   const struct function_status *function,
			   const struct endpoint_status *endpoint)
{
	return strf("%s/%s/%s/%s", gadget->name, function->label, endpoint->file,
		    endpoint->direction);
}

static struct rate *find(const struct rates *rates, const char *key)
{
	for (size_t i = 0; i < rates->n; i++)
		if (streq(rates->values[i].key, key))
			return &rates->values[i];
	return NULL;
}

static void sample(struct rates *rates, char *key, int64_t bytes, double now)
{
	struct rate *r = find(rates, key);

	if (!r) {
		*array_add(rates->values, rates->n) =
			(struct rate){ .key = key, .bytes = bytes, .changed_at = now };
		return;
	}
	free(key);
	if (bytes > r->bytes && now > r->changed_at)
		r->rate = (double)(bytes - r->bytes) / (now - r->changed_at);
	else if (bytes < r->bytes || now >= r->changed_at + SILENCE)
		r->rate = 0; /* a new worker counts from 0, or nothing was reported */
	if (bytes != r->bytes)
		r->changed_at = now;
	r->bytes = bytes;
}

static void sample_function(struct rates *rates, const struct gadget_status *gadget,
			    const struct function_status *function, double now)
{
	for (size_t i = 0; i < function->n_endpoints; i++) {
		const struct endpoint_status *endpoint = &function->endpoints[i];

		sample(rates, make_rate_key(gadget, function, endpoint),
		       endpoint->bytes > 0 ? endpoint->bytes : 0, now);
	}
}

void rates_sample(struct rates *rates, const struct gadget_statuses *gadgets, double now)
{
	for (size_t i = 0; i < gadgets->n; i++)
		for (size_t k = 0; k < gadgets->v[i].n_functions; k++)
			sample_function(rates, &gadgets->v[i], &gadgets->v[i].functions[k], now);
}

double rates_wait(const struct rates *rates, double now)
{
	double wait = -1;

	for (size_t i = 0; i < rates->n; i++) {
		double left = rates->values[i].changed_at + SILENCE - now;

		if (rates->values[i].rate > 0 && (wait < 0 || left < wait))
			wait = left > 0 ? left : 0;
	}
	return wait;
}

static void print_rate(FILE *out, double rate)
{
	static const char *const units[] = { "B/s", "kB/s", "MB/s", "GB/s" };
	size_t i = 0;

	while (rate >= 999.5 && i + 1 < ARRAY_SIZE(units)) {
		rate /= 1000;
		i++;
	}
	fprintf(out, "%.*f %s", rate < 99.95 && i > 0 ? 1 : 0, rate, units[i]);
}

void rates_print(FILE *out, const struct rates *rates, const struct gadget_status *gadget,
		 const struct function_status *function)
{
	const char *between = "\n                 ";

	for (size_t i = 0; i < function->n_endpoints; i++) {
		const struct endpoint_status *endpoint = &function->endpoints[i];
		_cleanup_free_ char *key = make_rate_key(gadget, function, endpoint);
		const struct rate *r = find(rates, key);

		if (!r || endpoint->bytes < 0)
			continue;
		fprintf(out, "%s%s %s ", between, endpoint->file, endpoint->direction);
		print_rate(out, r->rate);
		between = ", ";
	}
}

void rates_free(struct rates *rates)
{
	for (size_t i = 0; i < rates->n; i++)
		free(rates->values[i].key);
	free(rates->values);
	*rates = (struct rates){ 0 };
}
