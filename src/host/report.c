/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "config.h"

#define BAR 30
#define REDRAW_MS 100
#define MIB (1024.0 * 1024.0)

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_init(struct progress *p, bool quiet)
{
	*p = (struct progress){ .on = !quiet && isatty(STDERR_FILENO) };
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, int64_t elapsed_ms)
{
	char bar[BAR + 1];
	unsigned int filled, i;
	int64_t now;

	if (!p->on)
		return;
	now = now_ms();
	if (done < total && now - p->drawn < REDRAW_MS)
		return;
	p->drawn = now;
	filled = total ? (unsigned int)(done * BAR / total) : BAR;
	for (i = 0; i < BAR; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR] = 0;
	fprintf(stderr, "\r[%s] %3u %%  %6.1f MiB  %7.1f MiB/s", bar,
		total ? (unsigned int)(done * 100 / total) : 100, (double)done / MIB,
		elapsed_ms ? (double)done / MIB * 1000 / (double)elapsed_ms : 0);
}

void progress_end(struct progress *p)
{
	if (p->on && p->drawn)
		fputc('\n', stderr);
}

void report_text(const struct loop_result *r)
{
	_cleanup_free_ char *restarts = NULL;

	if (r->recoveries)
		restarts = strf("; recovered from %u stall%s", r->recoveries,
				r->recoveries == 1 ? "" : "s");
	printf("%.1f MiB in %" PRIu64
	       " message%s there and back in %.2f s: %.1f MiB/s each way, every byte compared%s\n",
	       (double)r->bytes / MIB, r->messages, r->messages == 1 ? "" : "s", r->seconds,
	       r->seconds > 0 ? (double)r->bytes / MIB / r->seconds : 0, restarts ? restarts : "");
}

static json_t *device_json(const struct device *d)
{
	_cleanup_free_ char *id = NULL;

	if (!d->handle)
		return json_null();
	id = strf("%04x:%04x", d->vendor, d->product);
	return json_pack("{s:i, s:i, s:s, s:s?, s:s, s:i, s:i, s:i, s:i}", "bus", (int)d->bus,
			 "address", (int)d->address, "id", id, "serial", d->serial, "speed",
			 device_speed_name(d->speed), "interface", d->interface, "out", (int)d->out,
			 "in", (int)d->in, "packet", (int)d->out_packet);
}

static json_t *errors_json(const struct error *err)
{
	json_t *list = json_array();

	if (err->exit)
		json_array_append_new(
			list, json_pack("{s:s, s:i}", "text", err->text, "exit", err->exit));
	return list;
}

void report_json(const struct device *d, const struct loop_result *r, const struct error *err)
{
	json_t *doc = json_pack("{s:{s:i, s:s}, s:{s:o, s:I, s:I, s:f, s:f, s:i, s:b}, s:o}",
				"ffsctl", "schema", 1, "version", PACKAGE_VERSION, "loop", "device",
				device_json(d), "messages", (json_int_t)r->messages, "bytes",
				(json_int_t)r->bytes, "seconds", r->seconds, "bytes_per_second",
				r->seconds > 0 ? (double)r->bytes / r->seconds : 0.0, "recoveries",
				(int)r->recoveries, "ok", !err->exit, "errors", errors_json(err));

	json_dumpf(doc, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(doc);
}
