/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "config.h"

#define MAX_MESSAGE (UINT64_C(1) << 40)
#define MAX_COUNT 10000000
#define MAX_REPEAT 1000
#define LATENCY_DEPTH "1"

enum { SOURCE = 1, SINK = 2, VERIFY = 4, LOOP = 8, MESSAGES = 16, LATENCY = 32 };
#define STREAM (SOURCE | SINK | VERIFY)
#define ECHO (LOOP | MESSAGES | LATENCY)
#define ALL (STREAM | ECHO)

/* In the order of the bits above. */
const struct command commands[] = {
	{ .name = "source",
	  .summary = "read from the device as fast as it sends",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_IN,
	  .sizes = "64K",
	  .depths = "8",
	  .run_ms = 2000,
	  .run = stream_run },
	{ .name = "sink",
	  .summary = "write to the device as fast as it takes",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_OUT,
	  .sizes = "64K",
	  .depths = "8",
	  .run_ms = 2000,
	  .run = stream_run },
	{ .name = "verify",
	  .summary = "read, then write, data of a known pattern, every byte compared",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_IN | DIRECTION_OUT,
	  .sizes = "64K",
	  .depths = "8",
	  .bytes = 64 << 20,
	  .run = verify_run },
	{ .name = "loop",
	  .summary = "messages to a device that echoes them, every byte compared",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .sizes = "64K",
	  .depths = "8",
	  .bytes = 64 << 20,
	  .run = loop_run },
	{ .name = "messages",
	  .summary = "the same with messages of random lengths",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .sizes = "64K",
	  .depths = "8",
	  .count = 2000,
	  .run = messages_run },
	{ .name = "latency",
	  .summary = "how long single messages take there and back",
	  .kind = KIND_LATENCY,
	  .directions = DIRECTION_BOTH,
	  .sizes = "64",
	  .depths = LATENCY_DEPTH,
	  .count = 2000,
	  .run = latency_run },
};
const size_t n_commands = ARRAY_SIZE(commands);

/* What each option does with its argument. */

static int take_device(struct options *o, const char *arg, struct error *err)
{
	return device_parse(arg, &o->wanted, err);
}

static int take_serial(struct options *o, const char *arg, struct error *err)
{
	(void)err;
	o->wanted.serial = arg;
	return 0;
}

static int take_interface(struct options *o, const char *arg, struct error *err)
{
	unsigned int n;
	int r = args_count(arg, 255, &n, err);

	if (r == 0)
		o->wanted.interface = (int)n;
	return r;
}

static int take_pair(struct options *o, const char *arg, struct error *err)
{
	return args_count(arg, 14, &o->wanted.pair, err);
}

static int take_wait(struct options *o, const char *arg, struct error *err)
{
	return args_seconds(arg, &o->wanted.wait_ms, err);
}

static int take_detach(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->wanted.detach = true;
	return 0;
}

static int take_sizes(struct options *o, const char *arg, struct error *err)
{
	return args_list(arg, MAX_MESSAGE, "sizes", &o->sizes, err);
}

static int take_depths(struct options *o, const char *arg, struct error *err)
{
	return args_list(arg, MAX_DEPTH, "depths", &o->depths, err);
}

static int at_least_one(const char *name, uint64_t n, struct error *err)
{
	return n ? 0 : error_set(err, EX_USAGE, EINVAL, NULL, "--%s has to be more than 0", name);
}

static int take_bytes(struct options *o, const char *arg, struct error *err)
{
	int r = args_size(arg, &o->bytes, err);

	return r < 0 ? r : at_least_one("bytes", o->bytes, err);
}

static int take_seconds(struct options *o, const char *arg, struct error *err)
{
	int r = args_seconds(arg, &o->run_ms, err);

	return r < 0 ? r : at_least_one("seconds", o->run_ms, err);
}

static int take_repeat(struct options *o, const char *arg, struct error *err)
{
	int r = args_count(arg, MAX_REPEAT, &o->repeat, err);

	return r < 0 ? r : at_least_one("repeat", o->repeat, err);
}

static int take_memory(struct options *o, const char *arg, struct error *err)
{
	return memory_parse(arg, &o->memory, err);
}

static int take_pattern(struct options *o, const char *arg, struct error *err)
{
	return args_count(arg, 1, &o->pattern, err);
}

static int take_lengths(struct options *o, const char *arg, struct error *err)
{
	lengths_free(&o->lengths);
	return args_lengths(arg, &o->lengths, err);
}

static int take_count(struct options *o, const char *arg, struct error *err)
{
	unsigned int n = 0;
	int r = args_count(arg, MAX_COUNT, &n, err);

	o->count = n;
	return r < 0 ? r : at_least_one("count", n, err);
}

static int take_seed(struct options *o, const char *arg, struct error *err)
{
	unsigned int n = 0;
	int r = args_count(arg, UINT32_MAX, &n, err);

	o->seed = n;
	return r;
}

static int take_transfer(struct options *o, const char *arg, struct error *err)
{
	struct list one;
	int r = args_list(arg, MAX_TRANSFER, "sizes", &one, err);

	if (r < 0)
		return r;
	if (one.n != 1)
		return error_set(err, EX_USAGE, EINVAL, NULL, "--transfer is one size");
	o->transfer = (unsigned int)one.value[0];
	return 0;
}

static int take_recover(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->recover = true;
	return 0;
}

static int take_timeout(struct options *o, const char *arg, struct error *err)
{
	return args_seconds(arg, &o->timeout_ms, err);
}

static int take_json(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->json = true;
	return 0;
}

static int take_csv(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->csv = true;
	return 0;
}

static int take_plot(struct options *o, const char *arg, struct error *err)
{
	(void)err;
	o->plot = arg;
	return 0;
}

static int take_quiet(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->quiet = true;
	return 0;
}

static const struct option_row {
	const char *name, *argument; /* NULL: none */
	unsigned int commands;	     /* that take it */
	int (*take)(struct options *o, const char *arg, struct error *err);
	const char *help;
} rows[] = {
	{ "device", "VID:PID|BUS/ADDRESS", ALL, take_device,
	  "the device (the only one with a vendor interface)" },
	{ "serial", "TEXT", ALL, take_serial, "with this serial number" },
	{ "interface", "N", ALL, take_interface,
	  "this interface (the first that has what it takes)" },
	{ "pair", "N", ALL, take_pair, "its N-th OUT and IN endpoint, from 0 (0)" },
	{ "wait", "SECONDS", ALL, take_wait, "for the device to appear (0)" },
	{ "detach", NULL, ALL, take_detach,
	  "take the interface from a kernel driver for that time" },
	{ "size", "LIST", ALL, take_sizes,
	  "bytes of a transfer, or message: 64K; 1K,4K; 1K-4M in powers of 2" },
	{ "depth", "LIST", ALL & ~LATENCY, take_depths,
	  "transfers in flight (in each direction): 8; 1,4,16; 1-64" },
	{ "seconds", "S", SOURCE | SINK | VERIFY | LOOP | LATENCY, take_seconds,
	  "how long each combination runs (source, sink: 2)" },
	{ "bytes", "SIZE", STREAM | LOOP, take_bytes, "or how much it moves (verify, loop: 64M)" },
	{ "count", "N", MESSAGES | LATENCY, take_count, "how many messages (2000)" },
	{ "seed", "N", MESSAGES, take_seed, "of their lengths, from 1 to --size (0)" },
	{ "lengths", "LIST", LOOP, take_lengths,
	  "one message of each length instead: 1-4096,1M,16M" },
	{ "transfer", "SIZE", LOOP | MESSAGES, take_transfer, "longest USB transfer (64K)" },
	{ "recover", NULL, LOOP | MESSAGES, take_recover,
	  "clear a stall, and send again what has not come back" },
	{ "pattern", "N", SINK | VERIFY, take_pattern,
	  "0: zeros; 1: bytes of a packet modulo 63 (0)" },
	{ "repeat", "N", ALL, take_repeat, "measure all N times, show medians (1)" },
	{ "memory", "KIND", ALL, take_memory,
	  "zero-copy, ordinary, or auto: what there is (auto)" },
	{ "timeout", "SECONDS", ALL, take_timeout, "without any progress (5)" },
	{ "json", NULL, ALL, take_json, "the result as JSON" },
	{ "csv", NULL, ALL, take_csv, "the result as CSV" },
	{ "plot", "FILE", ALL, take_plot, "a chart as well, as SVG" },
	{ "quiet", NULL, ALL, take_quiet, "no progress bar, no result" },
};
#define N_ROWS ARRAY_SIZE(rows)
#define FIRST 256 /* getopt's values of the rows */
#define OPT_VERSION (FIRST + (int)N_ROWS)

static void print_usage(FILE *f)
{
	size_t i;

	fputs("usage: ffsbench COMMAND [OPTION]...\n"
	      "The host's side of a link: checks and measures a USB device.\n"
	      "\n"
	      "commands:\n",
	      f);
	for (i = 0; i < n_commands; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\noptions:\n", f);
	for (i = 0; i < N_ROWS; i++) {
		_cleanup_free_ char *name =
			strf("%s--%s%s%s", i == N_ROWS - 1 ? "-q, " : "    ", rows[i].name,
			     rows[i].argument ? " " : "", rows[i].argument ? rows[i].argument : "");

		fprintf(f, "  %-22s%s%s\n", name, strlen(name) > 21 ? "  " : " ", rows[i].help);
	}
	fputs("  -h, --help\n"
	      "      --version\n"
	      "\n"
	      "source, sink and verify are for the gadget sourcesink and the kernel's SourceSink,\n"
	      "loop, messages and latency for the gadget loopback and the kernel's Loopback.\n",
	      f);
}

static const struct command *find_command(const char *name, struct error *err)
{
	_cleanup_free_ char *names = xstrdup("");
	size_t i;

	for (i = 0; i < n_commands; i++) {
		_cleanup_free_ char *so_far = names;

		names = NULL;
		if (streq(commands[i].name, name))
			return &commands[i];
		names = strf("%s%s%s", so_far, i ? ", " : "", commands[i].name);
	}
	error_set(err, EX_USAGE, EINVAL, NULL, "there is no command '%s'; there are %s", name,
		  names);
	return NULL;
}

/* What the command has no use for. */
static int check_given(const struct command *c, const bool *given, struct error *err)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (given[i] && !(rows[i].commands & 1u << (c - commands)))
			return error_set(err, EX_USAGE, EINVAL, NULL, "--%s is not for %s",
					 rows[i].name, c->name);
	return 0;
}

static int check_together(const struct options *o, const bool *given, struct error *err)
{
	if (o->json && o->csv)
		return error_set(err, EX_USAGE, EINVAL, NULL, "--json and --csv are one too many");
	for (size_t i = 0; o->lengths.count && i < N_ROWS; i++)
		if (given[i] && (rows[i].take == take_sizes || rows[i].take == take_bytes))
			return error_set(err, EX_USAGE, EINVAL, NULL,
					 "--lengths says how much is sent; --%s is for messages of "
					 "one size",
					 rows[i].name);
	return 0;
}

static uint64_t longest(const struct lengths *l)
{
	uint64_t max = 1;

	for (size_t i = 0; i < l->n; i++)
		if (l->range[i].last > max)
			max = l->range[i].last;
	return max;
}

static int check_sizes(const struct options *o, const struct command *c, struct error *err)
{
	for (size_t i = 0; i < o->sizes.n; i++)
		if (c->kind != KIND_MESSAGES && o->sizes.value[i] > MAX_TRANSFER)
			return error_set(err, EX_USAGE, EINVAL, NULL,
					 "--size has to be from 1 to 64M: it is one transfer");
	return 0;
}

/* What was not given. */
static int fill_in(struct options *o, const struct command *c, struct error *err)
{
	int r = 0;

	/* Of directions that are measured one after the other, what the device has is enough. */
	o->wanted.need_out = c->directions == DIRECTION_OUT || c->directions == DIRECTION_BOTH;
	o->wanted.need_in = c->directions == DIRECTION_IN || c->directions == DIRECTION_BOTH;
	if (!o->sizes.n)
		r = args_list(c->sizes, MAX_TRANSFER, "sizes", &o->sizes, err);
	if (o->lengths.count)
		o->sizes.value[0] = longest(&o->lengths);
	if (r == 0 && !o->depths.n)
		r = args_list(c->depths, MAX_DEPTH, "depths", &o->depths, err);
	if (!o->bytes && !o->run_ms) {
		o->bytes = c->bytes;
		o->run_ms = c->run_ms;
	}
	if (!o->count)
		o->count = c->count;
	return r;
}

static void getopt_rows(struct option *options)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++)
		options[i] = (struct option){ rows[i].name,
					      rows[i].argument ? required_argument : no_argument,
					      NULL, FIRST + (int)i };
	options[N_ROWS - 1].val = 'q';
	options[i++] = (struct option){ "help", no_argument, NULL, 'h' };
	options[i] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
}

static int take_all(int argc, char **argv, struct options *o, bool *given, struct error *err)
{
	struct option options[N_ROWS + 3] = { 0 };
	size_t row;
	int c, r;

	getopt_rows(options);
	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (c == 'h') {
			print_usage(stdout);
			return OPTIONS_DONE;
		}
		if (c == OPT_VERSION) {
			puts("ffsbench " PACKAGE_VERSION);
			return OPTIONS_DONE;
		}
		if (c == '?')
			return error_set(err, EX_USAGE, EINVAL, NULL, "see 'ffsbench --help'");
		row = c == 'q' ? N_ROWS - 1 : (size_t)(c - FIRST);
		given[row] = true;
		r = rows[row].take(o, optarg, err);
		if (r < 0)
			return r;
	}
	return OPTIONS_RUN;
}

int options_parse(int argc, char **argv, struct options *o, const struct command **command,
		  struct error *err)
{
	bool given[N_ROWS] = { false };
	int r;

	*o = (struct options){
		.wanted = { .interface = -1 },
		.transfer = 65536,
		.repeat = 1,
		.timeout_ms = 5000,
	};
	r = take_all(argc, argv, o, given, err);
	if (r != OPTIONS_RUN)
		return r;
	if (optind + 1 != argc) {
		print_usage(stderr);
		return -EINVAL;
	}
	*command = find_command(argv[optind], err);
	if (!*command)
		return -EINVAL;
	r = check_given(*command, given, err);
	if (r == 0)
		r = check_together(o, given, err);
	if (r == 0)
		r = check_sizes(o, *command, err);
	return r < 0 ? r : fill_in(o, *command, err);
}

void options_free(struct options *o)
{
	lengths_free(&o->lengths);
}
