/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_rates.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/util.h"

/* Seconds. Workers report once a second while data moves: after this time the rate is 0. */
#define SILENCE 2.5

static char *make_key(const json_t *gadget, const json_t *function, const json_t *endpoint)
{
	return strf("%s/%s/%s/%s", json_text(gadget, "name", ""), json_text(function, "label", ""),
		    json_text(endpoint, "file", ""), json_text(endpoint, "direction", ""));
}

static struct rate *find(const struct rates *rates, const char *key)
{
	for (size_t i = 0; i < rates->n; i++)
		if (streq(rates->v[i].key, key))
			return &rates->v[i];
	return NULL;
}

static void sample(struct rates *rates, char *key, json_int_t bytes, double now)
{
	struct rate *r = find(rates, key);

	if (!r) {
		*array_add(rates->v, rates->n) =
			(struct rate){ .key = key, .bytes = bytes, .at = now };
		return;
	}
	free(key);
	if (bytes > r->bytes && now > r->at)
		r->rate = (double)(bytes - r->bytes) / (now - r->at);
	else if (bytes < r->bytes || now >= r->at + SILENCE)
		r->rate = 0; /* another worker, or no report */
	if (bytes != r->bytes)
		r->at = now;
	r->bytes = bytes;
}

void rates_sample(struct rates *rates, const json_t *gadgets, double now)
{
	const json_t *gadget, *function, *endpoint;
	size_t i, k, n;

	json_array_foreach(gadgets, i, gadget)
		json_array_foreach(json_object_get(gadget, "functions"), k, function)
			json_array_foreach(json_object_get(function, "endpoints"), n, endpoint)
				sample(rates, make_key(gadget, function, endpoint),
				       json_integer_value(json_object_get(endpoint, "bytes")), now);
}

double rates_wait(const struct rates *rates, double now)
{
	double wait = -1;

	for (size_t i = 0; i < rates->n; i++) {
		double left = rates->v[i].at + SILENCE - now;

		if (rates->v[i].rate > 0 && (wait < 0 || left < wait))
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

void rates_print(FILE *out, const struct rates *rates, const json_t *gadget, const json_t *function)
{
	const char *between = "\n                 ";
	const json_t *endpoint;
	size_t i;

	json_array_foreach(json_object_get(function, "endpoints"), i, endpoint) {
		_cleanup_free_ char *key = make_key(gadget, function, endpoint);
		const struct rate *r = find(rates, key);

		if (!r || !json_is_integer(json_object_get(endpoint, "bytes")))
			continue;
		fprintf(out, "%s%s %s ", between, json_text(endpoint, "file", "?"),
			json_text(endpoint, "direction", "?"));
		print_rate(out, r->rate);
		between = ", ";
	}
}

void rates_free(struct rates *rates)
{
	for (size_t i = 0; i < rates->n; i++)
		free(rates->v[i].key);
	free(rates->v);
	*rates = (struct rates){ 0 };
}
