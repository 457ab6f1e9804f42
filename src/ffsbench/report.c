/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsbench/result_row.h"

#define MB 1e6

/* --- warnings --- */

static size_t count_host_limited_rows(const struct report *r, size_t *measured)
{
	size_t limited = 0;

	*measured = 0;
	for (size_t i = 0; i < r->n_rows; i++) {
		*measured += r->rows[i].n_runs > 0;
		limited += r->rows[i].n_runs && host_limits_rate_of_row(&r->rows[i]);
	}
	return limited;
}

static void add_host_limited_warning(json_t *list, const struct report *r)
{
	_cleanup_free_ char *text = NULL;
	size_t measured, limited;

	if (r->command->kind != KIND_STREAM)
		return;
	limited = count_host_limited_rows(r, &measured);
	if (!limited)
		return;
	text = strf("the host's queue limits the rate in %zu of %zu combinations: most of the time "
		    "all transfers had completed and the bus was idle; increase --depth or --size",
		    limited, measured);
	json_array_append_new(list, json_string(text));
}

static bool list_has_text(const json_t *list, const char *text)
{
	const json_t *seen;
	size_t i;

	json_array_foreach(list, i, seen)
		if (streq(json_string_value(seen), text))
			return true;
	return false;
}

/* Returns an array of all warnings, without duplicates. */
static json_t *warnings_json(const struct report *r)
{
	json_t *list = json_array();

	add_host_limited_warning(list, r);
	for (size_t i = 0; i < r->n_rows; i++)
		for (size_t k = 0; k < r->rows[i].n_runs; k++) {
			const char *remark = r->rows[i].runs[k].memory_warning;

			if (remark && !list_has_text(list, remark))
				json_array_append_new(list, json_string(remark));
		}
	return list;
}

/* Prints the warnings, unless there was an error: warnings and error may have the same cause. */
static void print_warnings(const struct report *r, const struct error *err)
{
	json_t *list = warnings_json(r);
	size_t i;

	for (i = 0; !err->exit && i < json_array_size(list); i++)
		fprintf(stderr, "ffsbench: %s\n", json_string_value(json_array_get(list, i)));
	if (r->interrupted)
		fprintf(stderr, "ffsbench: interrupted: the result is partial\n");
	json_decref(list);
}

/* Sums over all rows, for the commands that send messages. */

static struct run_result sum_of_all_runs(const struct report *r)
{
	struct run_result sum = { 0 };

	for (size_t i = 0; i < r->n_rows; i++)
		for (size_t k = 0; k < r->rows[i].n_runs; k++) {
			const struct run_result *m = &r->rows[i].runs[k];

			sum.messages += m->messages;
			sum.bytes += m->bytes;
			sum.seconds += m->seconds;
			sum.n_recovered_stalls += m->n_recovered_stalls;
		}
	return sum;
}

/* --- text --- */

static void print_device(const struct report *r)
{
	const struct device *d = r->device;

	printf("%s: %04x:%04x at %u/%u, %s speed, interface %d\n", r->command->name, d->vendor_id,
	       d->product_id, d->bus_number, d->device_address, device_speed_name(d->speed),
	       d->interface_number);
}

static void print_message_totals(const struct report *r)
{
	struct run_result sum = sum_of_all_runs(r);
	_cleanup_free_ char *restarts = NULL;

	if (sum.n_recovered_stalls)
		restarts = strf("; recovered from %u stall%s", sum.n_recovered_stalls,
				sum.n_recovered_stalls == 1 ? "" : "s");
	printf("%.1f MB in %" PRIu64
	       " message%s echoed in %.2f s: %.1f MB/s in each direction, every byte compared%s\n",
	       (double)sum.bytes / MB, sum.messages, sum.messages == 1 ? "" : "s", sum.seconds,
	       sum.seconds > 0 ? (double)sum.bytes / MB / sum.seconds : 0,
	       restarts ? restarts : "");
}

static bool any_row_succeeded(const struct report *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		if (r->rows[i].n_runs && r->rows[i].all_runs_succeeded)
			return true;
	return false;
}

void report_print_text(const struct report *r, const struct options *o, const struct error *err)
{
	bool messages = r->command->kind == KIND_MESSAGES;

	if (any_row_succeeded(r) && (!messages || r->n_rows > 1)) {
		print_device(r);
		rows_print_text(stdout, r);
	}
	if (!err->exit && messages)
		print_message_totals(r);
	if (!err->exit && r->command->run == run_verify_command)
		printf("every byte matches pattern %u\n", o->usbtest_pattern);
	fflush(stdout);
	print_warnings(r, err);
}

void report_print_csv(const struct report *r, const struct error *err)
{
	rows_print_csv(stdout, r);
	fflush(stdout);
	print_warnings(r, err);
}

/* --- JSON --- */

static json_t *endpoint_address_json(uint8_t address)
{
	return address ? json_integer(address) : json_null();
}

static json_t *device_json(const struct device *d)
{
	_cleanup_free_ char *id = NULL;

	if (!d->handle)
		return json_null();
	id = strf("%04x:%04x", d->vendor_id, d->product_id);
	return json_pack("{s:i, s:i, s:s, s:s?, s:s, s:i, s:o, s:o, s:i}", "bus",
			 (int)d->bus_number, "address", (int)d->device_address, "id", id, "serial",
			 d->serial_number, "speed", device_speed_name(d->speed), "interface",
			 d->interface_number, "out", endpoint_address_json(d->out_address), "in",
			 endpoint_address_json(d->in_address), "packet",
			 (int)(d->out_address ? d->out_packet_size : d->in_packet_size));
}

static json_t *errors_json(const struct error *err)
{
	json_t *list = json_array();

	if (err->exit) {
		_cleanup_free_ char *text = error_text(err);

		json_array_append_new(list,
				      json_pack("{s:s, s:i}", "text", text, "exit", err->exit));
	}
	return list;
}

static json_t *rows_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_rows; i++)
		if (r->rows[i].n_runs)
			json_array_append_new(list, row_json(&r->rows[i], r->command->kind));
	return list;
}

static void add_totals_json(json_t *result, const struct report *r)
{
	struct run_result sum = sum_of_all_runs(r);

	json_object_set_new(result, "messages", json_integer((json_int_t)sum.messages));
	json_object_set_new(result, "bytes", json_integer((json_int_t)sum.bytes));
	json_object_set_new(result, "seconds", json_real(sum.seconds));
	json_object_set_new(result, "bytes_per_second",
			    json_real(sum.seconds > 0 ? (double)sum.bytes / sum.seconds : 0));
	json_object_set_new(result, "recoveries", json_integer(sum.n_recovered_stalls));
}

void report_print_json(const struct report *r, const struct options *o, const struct error *err)
{
	json_t *result = json_pack("{s:o, s:b, s:b, s:o, s:o}", "device", device_json(r->device),
				   "ok", !err->exit, "interrupted", r->interrupted, "warnings",
				   warnings_json(r), "rows", rows_json(r));
	json_t *doc;

	if (r->command->kind == KIND_MESSAGES)
		add_totals_json(result, r);
	if (r->command->run == run_verify_command)
		json_object_set_new(result, "pattern", json_integer(o->usbtest_pattern));
	doc = json_pack("{s:{s:i, s:s}, s:o, s:o}", "ffsctl", "schema", 1, "version",
			PACKAGE_VERSION, r->command->name, result, "errors", errors_json(err));
	json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(doc);
}
