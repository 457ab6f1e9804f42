/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_rates.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * The data rate is 0 if the byte count has not changed for this time. Workers that transfer data
 * report their byte counts once a second.
 */
#define STALE_RATE_SECONDS 2.5

static char *make_endpoint_id(const struct gadget_status *gadget,
			      const struct function_status *function,
			      const struct endpoint_status *endpoint)
{
	return strf("%s/%s/%s/%s", gadget->name, function->label, endpoint->file,
		    endpoint->direction);
}

static struct data_rate *find_rate(const struct data_rates *rates, const char *id)
{
	for (size_t i = 0; i < rates->n_endpoints; i++)
		if (streq(rates->endpoints[i].endpoint_id, id))
			return &rates->endpoints[i];
	return NULL;
}

static void update_rate(struct data_rates *rates, char *id, int64_t bytes, double now)
{
	struct data_rate *r = find_rate(rates, id);

	if (!r) {
		*array_add(rates->endpoints, rates->n_endpoints) = (struct data_rate){
			.endpoint_id = id, .last_reported_bytes = bytes, .last_changed_at = now
		};
		return;
	}
	free(id);
	if (bytes > r->last_reported_bytes && now > r->last_changed_at)
		r->bytes_per_second =
			(double)(bytes - r->last_reported_bytes) / (now - r->last_changed_at);
	else if (bytes < r->last_reported_bytes || now >= r->last_changed_at + STALE_RATE_SECONDS)
		r->bytes_per_second =
			0; /* a new worker counts from 0, or no bytes were transferred */
	if (bytes != r->last_reported_bytes)
		r->last_changed_at = now;
	r->last_reported_bytes = bytes;
}

static void update_rates_of_function(struct data_rates *rates, const struct gadget_status *gadget,
				     const struct function_status *function, double now)
{
	for (size_t i = 0; i < function->n_endpoints; i++) {
		const struct endpoint_status *endpoint = &function->endpoints[i];

		update_rate(rates, make_endpoint_id(gadget, function, endpoint),
			    endpoint->bytes > 0 ? endpoint->bytes : 0, now);
	}
}

void rates_update(struct data_rates *rates, const struct gadget_statuses *gadgets, double now)
{
	for (size_t i = 0; i < gadgets->n; i++)
		for (size_t k = 0; k < gadgets->list[i].n_functions; k++)
			update_rates_of_function(rates, &gadgets->list[i],
						 &gadgets->list[i].functions[k], now);
}

double rates_seconds_until_stale(const struct data_rates *rates, double now)
{
	double wait = -1;

	for (size_t i = 0; i < rates->n_endpoints; i++) {
		double left = rates->endpoints[i].last_changed_at + STALE_RATE_SECONDS - now;

		if (rates->endpoints[i].bytes_per_second > 0 && (wait < 0 || left < wait))
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

void rates_print(FILE *out, const struct data_rates *rates, const struct gadget_status *gadget,
		 const struct function_status *function, int indent)
{
	_cleanup_free_ char *line_start = strf("\n%*s", indent, "");
	const char *between = line_start;

	for (size_t i = 0; i < function->n_endpoints; i++) {
		const struct endpoint_status *endpoint = &function->endpoints[i];
		_cleanup_free_ char *id = make_endpoint_id(gadget, function, endpoint);
		const struct data_rate *r = find_rate(rates, id);

		if (!r || endpoint->bytes < 0)
			continue;
		fprintf(out, "%s%s %s ", between, endpoint->file, endpoint->direction);
		print_rate(out, r->bytes_per_second);
		between = ", ";
	}
}

void rates_free(struct data_rates *rates)
{
	for (size_t i = 0; i < rates->n_endpoints; i++)
		free(rates->endpoints[i].endpoint_id);
	free(rates->endpoints);
	*rates = (struct data_rates){ 0 };
}
