/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ffsbench: the host's side of a link. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "config.h"
#include "host/args.h"
#include "host/device.h"
#include "host/loop.h"
#include "host/report.h"

#define MAX_DEPTH 256
#define MAX_TRANSFER (16 << 20) /* usbfs_memory_mb */

static const char usage_text[] =
	"usage: ffsbench loop [OPTION]...\n"
	"Sends messages to a device that echoes them, and compares every byte.\n"
	"\n"
	"      --device VID:PID|BUS/ADDRESS  the device (the only one with a vendor interface)\n"
	"      --serial TEXT         with this serial number\n"
	"      --interface N         this interface (the first with OUT and IN endpoints)\n"
	"      --pair N              its N-th OUT and IN endpoint, from 0 (0)\n"
	"      --wait SECONDS        for the device to appear (0)\n"
	"      --bytes SIZE          in all (64M)\n"
	"      --size SIZE           bytes of a message (64K)\n"
	"      --lengths LIST        one message of each length instead: 1-4096,1M,16M\n"
	"      --transfer SIZE       longest USB transfer (64K)\n"
	"      --depth N             transfers in flight in each direction (8)\n"
	"      --timeout SECONDS     without any progress (5)\n"
	"      --recover             clear a stall, and send again what has not come back\n"
	"      --json                the result as JSON\n"
	"  -q, --quiet               no progress bar, no result\n"
	"  -h, --help\n"
	"      --version\n";

struct settings {
	struct device_wanted wanted;
	struct loop_options loop;
	const char *lengths;
	uint64_t bytes, size;
	bool json, quiet;
};

enum {
	OPT_DEVICE = 256,
	OPT_SERIAL,
	OPT_INTERFACE,
	OPT_PAIR,
	OPT_WAIT,
	OPT_BYTES,
	OPT_SIZE,
	OPT_LENGTHS,
	OPT_TRANSFER,
	OPT_DEPTH,
	OPT_TIMEOUT,
	OPT_RECOVER,
	OPT_JSON,
	OPT_VERSION
};

static const struct option options[] = {
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "interface", required_argument, NULL, OPT_INTERFACE },
	{ "pair", required_argument, NULL, OPT_PAIR },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "bytes", required_argument, NULL, OPT_BYTES },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "lengths", required_argument, NULL, OPT_LENGTHS },
	{ "transfer", required_argument, NULL, OPT_TRANSFER },
	{ "depth", required_argument, NULL, OPT_DEPTH },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "recover", no_argument, NULL, OPT_RECOVER },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static int take_option(struct settings *s, int c, const char *arg, struct error *err)
{
	unsigned int n;
	uint64_t size;
	int r = 0;

	switch (c) {
	case OPT_DEVICE:
		return device_parse(arg, &s->wanted, err);
	case OPT_SERIAL:
		s->wanted.serial = arg;
		return 0;
	case OPT_INTERFACE:
		r = args_count(arg, 255, &n, err);
		s->wanted.interface = (int)n;
		return r;
	case OPT_PAIR:
		return args_count(arg, 14, &s->wanted.pair, err);
	case OPT_WAIT:
		return args_seconds(arg, &s->wanted.wait_ms, err);
	case OPT_BYTES:
		return args_size(arg, &s->bytes, err);
	case OPT_SIZE:
		return args_size(arg, &s->size, err);
	case OPT_LENGTHS:
		s->lengths = arg;
		return 0;
	case OPT_TRANSFER:
		r = args_size(arg, &size, err);
		if (r == 0 && (size < 1 || size > MAX_TRANSFER))
			r = error_set(err, EX_USAGE, EINVAL, NULL,
				      "--transfer has to be from 1 to 16M");
		s->loop.transfer = (unsigned int)size;
		return r;
	case OPT_DEPTH:
		r = args_count(arg, MAX_DEPTH, &s->loop.depth, err);
		if (r == 0 && !s->loop.depth)
			r = error_set(err, EX_USAGE, EINVAL, NULL, "--depth has to be at least 1");
		return r;
	case OPT_TIMEOUT:
		return args_seconds(arg, &s->loop.timeout_ms, err);
	case OPT_RECOVER:
		s->loop.recover = true;
		return 0;
	case OPT_JSON:
		s->json = true;
		return 0;
	case 'q':
		s->quiet = true;
		return 0;
	}
	return error_set(err, EX_USAGE, EINVAL, NULL, "see 'ffsbench --help'");
}

static int take_lengths(struct settings *s, struct error *err)
{
	if (s->lengths)
		return args_lengths(s->lengths, &s->loop.lengths, err);
	if (!s->size || !s->bytes)
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "--bytes and --size have to be at least 1");
	lengths_even(&s->loop.lengths, s->bytes, s->size);
	return 0;
}

static int loop_command(const struct settings *s, struct error *err)
{
	struct loop_result result = { 0 };
	struct progress progress;
	struct device device;
	int r;

	progress_init(&progress, s->quiet || s->json);
	r = device_open(&s->wanted, &device, err);
	if (r >= 0)
		r = loop_run(&device, &s->loop, &progress, &result, err);
	if (s->json)
		report_json(&device, &result, err);
	else if (r >= 0 && !s->quiet)
		report_text(&result);
	device_close(&device);
	return r;
}

static int complain(struct error *err)
{
	fprintf(stderr, "ffsbench: %s\n", err->text);
	return err->exit;
}

int main(int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	struct settings s = {
		.wanted = { .interface = -1 },
		.loop = { .transfer = 65536, .depth = 8, .timeout_ms = 5000 },
		.bytes = 64 << 20,
		.size = 65536,
	};
	int c, r;

	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			return 0;
		}
		if (c == OPT_VERSION) {
			puts("ffsbench " PACKAGE_VERSION);
			return 0;
		}
		if (take_option(&s, c, optarg, &err) < 0)
			return complain(&err);
	}
	if (optind + 1 != argc || !streq(argv[optind], "loop")) {
		fputs(usage_text, stderr);
		return EX_USAGE;
	}
	if (take_lengths(&s, &err) < 0)
		return complain(&err);
	r = loop_command(&s, &err);
	lengths_free(&s.loop.lengths);
	return r < 0 ? complain(&err) : 0;
}
