/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#define MAX_MESSAGE (UINT64_C(1) << 40)
#define MAX_COUNT 10000000
#define MAX_REPEAT 1000
#define LATENCY_DEPTH "1"

enum { SOURCE = 1, SINK = 2, VERIFY = 4, LOOP = 8, MESSAGES = 16, LATENCY = 32 };
#define STREAM (SOURCE | SINK | VERIFY)
#define ECHO (LOOP | MESSAGES | LATENCY)
#define ALL (STREAM | ECHO)

/* The rows are in the order of the bits SOURCE to LATENCY. */
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
	  .summary = "write to the device as fast as it accepts",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_OUT,
	  .sizes = "64K",
	  .depths = "8",
	  .run_ms = 2000,
	  .run = stream_run },
	{ .name = "verify",
	  .summary = "read, then write a known pattern, compare every byte",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_IN | DIRECTION_OUT,
	  .sizes = "64K",
	  .depths = "8",
	  .bytes = 64 << 20,
	  .run = verify_run },
	{ .name = "loop",
	  .summary = "send messages to a device that echoes them, compare every byte",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .sizes = "64K",
	  .depths = "8",
	  .bytes = 64 << 20,
	  .run = loop_run },
	{ .name = "messages",
	  .summary = "like loop, with messages of random lengths",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .sizes = "64K",
	  .depths = "8",
	  .count = 2000,
	  .run = messages_run },
	{ .name = "latency",
	  .summary = "measure the round-trip time of single messages",
	  .kind = KIND_LATENCY,
	  .directions = DIRECTION_BOTH,
	  .sizes = "64",
	  .depths = LATENCY_DEPTH,
	  .count = 2000,
	  .run = latency_run },
};
const size_t n_commands = ARRAY_SIZE(commands);

/* The functions that parse the values of options, one for each option. */

static int set_device(struct options *o, const char *arg, struct error *err)
{
	return device_parse(arg, &o->device, err);
}

static int set_serial(struct options *o, const char *arg, struct error *err)
{
	(void)err;
	o->device.serial = arg;
	return 0;
}

static int set_interface(struct options *o, const char *arg, struct error *err)
{
	unsigned int n;
	int r = args_count(arg, 255, &n, err);

	if (r == 0)
		o->device.interface = (int)n;
	return r;
}

static int set_pair(struct options *o, const char *arg, struct error *err)
{
	return args_count(arg, 14, &o->device.pair, err);
}

static int set_wait(struct options *o, const char *arg, struct error *err)
{
	return args_seconds(arg, &o->device.wait_ms, err);
}

static int set_detach(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->device.detach = true;
	return 0;
}

static int set_sizes(struct options *o, const char *arg, struct error *err)
{
	return args_list(arg, MAX_MESSAGE, "sizes", &o->sizes, err);
}

static int set_depths(struct options *o, const char *arg, struct error *err)
{
	return args_list(arg, MAX_DEPTH, "depths", &o->depths, err);
}

static int at_least_one(const char *name, uint64_t n, struct error *err)
{
	return n ? 0 : error_set(err, EX_USAGE, EINVAL, NULL, "--%s must be greater than 0", name);
}

static int set_bytes(struct options *o, const char *arg, struct error *err)
{
	int r = args_size(arg, &o->bytes, err);

	return r < 0 ? r : at_least_one("bytes", o->bytes, err);
}

static int set_seconds(struct options *o, const char *arg, struct error *err)
{
	int r = args_seconds(arg, &o->run_ms, err);

	return r < 0 ? r : at_least_one("seconds", o->run_ms, err);
}

static int set_repeat(struct options *o, const char *arg, struct error *err)
{
	int r = args_count(arg, MAX_REPEAT, &o->repeat, err);

	return r < 0 ? r : at_least_one("repeat", o->repeat, err);
}

static int set_memory(struct options *o, const char *arg, struct error *err)
{
	return memory_parse(arg, &o->memory, err);
}

static int set_pattern(struct options *o, const char *arg, struct error *err)
{
	return args_count(arg, 1, &o->pattern, err);
}

static int set_lengths(struct options *o, const char *arg, struct error *err)
{
	lengths_free(&o->lengths);
	return args_lengths(arg, &o->lengths, err);
}

static int set_count(struct options *o, const char *arg, struct error *err)
{
	unsigned int n = 0;
	int r = args_count(arg, MAX_COUNT, &n, err);

	o->count = n;
	return r < 0 ? r : at_least_one("count", n, err);
}

static int set_seed(struct options *o, const char *arg, struct error *err)
{
	unsigned int n = 0;
	int r = args_count(arg, UINT32_MAX, &n, err);

	o->seed = n;
	return r;
}

static int set_transfer(struct options *o, const char *arg, struct error *err)
{
	struct value_list one;
	int r = args_list(arg, MAX_TRANSFER, "sizes", &one, err);

	if (r < 0)
		return r;
	if (one.n != 1)
		return error_set(err, EX_USAGE, EINVAL, NULL, "--transfer needs a single size");
	o->transfer = (unsigned int)one.value[0];
	return 0;
}

static int set_recover(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->recover = true;
	return 0;
}

static int set_timeout(struct options *o, const char *arg, struct error *err)
{
	return args_seconds(arg, &o->timeout_ms, err);
}

static int set_json(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->json = true;
	return 0;
}

static int set_csv(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->csv = true;
	return 0;
}

static int set_plot(struct options *o, const char *arg, struct error *err)
{
	(void)err;
	o->plot = arg;
	return 0;
}

static int set_quiet(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->quiet = true;
	return 0;
}

static const struct option_row {
	const char *name, *argument; /* argument is NULL if the option has none */
	unsigned int commands;	     /* commands that have the option */
	int (*parse)(struct options *o, const char *arg, struct error *err);
	const char *help;
} rows[] = {
	{ "device", "VID:PID|BUS/ADDRESS", ALL, set_device,
	  "the device (the only one with a vendor interface)" },
	{ "serial", "TEXT", ALL, set_serial, "the device with this serial number" },
	{ "interface", "N", ALL, set_interface,
	  "the interface (the first with the needed endpoints)" },
	{ "pair", "N", ALL, set_pair, "the N-th OUT and IN endpoint, counted from 0 (0)" },
	{ "wait", "SECONDS", ALL, set_wait, "wait until the device appears (0)" },
	{ "detach", NULL, ALL, set_detach, "detach the kernel driver during the measurement" },
	{ "size", "LIST", ALL, set_sizes,
	  "bytes of a transfer or message: 64K; 1K,4K; 1K-4M in powers of 2" },
	{ "depth", "LIST", ALL & ~LATENCY, set_depths,
	  "transfers in flight (in each direction): 8; 1,4,16; 1-64" },
	{ "seconds", "S", SOURCE | SINK | VERIFY | LOOP | LATENCY, set_seconds,
	  "time for each combination (source, sink: 2)" },
	{ "bytes", "SIZE", STREAM | LOOP, set_bytes,
	  "data for each combination (verify, loop: 64M)" },
	{ "count", "N", MESSAGES | LATENCY, set_count, "number of messages (2000)" },
	{ "seed", "N", MESSAGES, set_seed, "seed of the random lengths, from 1 to --size (0)" },
	{ "lengths", "LIST", LOOP, set_lengths,
	  "one message of each length instead: 1-4096,1M,16M" },
	{ "transfer", "SIZE", LOOP | MESSAGES, set_transfer, "longest USB transfer (64K)" },
	{ "recover", NULL, LOOP | MESSAGES, set_recover,
	  "clear a stall, and send lost messages again" },
	{ "pattern", "N", SINK | VERIFY, set_pattern,
	  "0: zeros; 1: byte n of a packet is n modulo 63 (0)" },
	{ "repeat", "N", ALL, set_repeat, "measure everything N times, show medians (1)" },
	{ "memory", "KIND", ALL, set_memory,
	  "zero-copy, ordinary, or auto: zero-copy if available (auto)" },
	{ "timeout", "SECONDS", ALL, set_timeout, "fail if no data moves for this time (5)" },
	{ "json", NULL, ALL, set_json, "print the result as JSON" },
	{ "csv", NULL, ALL, set_csv, "print the result as CSV" },
	{ "plot", "FILE", ALL, set_plot, "also write a chart as SVG" },
	{ "quiet", NULL, ALL, set_quiet, "print neither progress nor result" },
};
#define N_ROWS ARRAY_SIZE(rows)
#define FIRST_OPTION 256 /* value of the first row in getopt_long() */
#define OPT_VERSION (FIRST_OPTION + (int)N_ROWS)

static void print_usage(FILE *f)
{
	size_t i;

	fputs("usage: ffsbench COMMAND [OPTION]...\n"
	      "Check and measure a USB device from the host.\n"
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
	error_set(err, EX_USAGE, EINVAL, NULL, "unknown command '%s'", name);
	error_hint(err, "use one of %s", names);
	return NULL;
}

/* Rejects options that the command does not have. */
static int check_applicable(const struct command *c, const bool *given, struct error *err)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (given[i] && !(rows[i].commands & 1u << (c - commands)))
			return error_set(err, EX_USAGE, EINVAL, NULL, "%s has no option --%s",
					 c->name, rows[i].name);
	return 0;
}

static int check_together(const struct options *o, const bool *given, struct error *err)
{
	if (o->json && o->csv)
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "--json and --csv exclude each other");
	for (size_t i = 0; o->lengths.count && i < N_ROWS; i++)
		if (given[i] && (rows[i].parse == set_sizes || rows[i].parse == set_bytes))
			return error_set(err, EX_USAGE, EINVAL, NULL,
					 "--lengths and --%s exclude each other", rows[i].name);
	return 0;
}

static uint64_t longest_message(const struct lengths *l)
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
					 "--size must be from 1 to 64M");
	return 0;
}

/* Sets the defaults of options that were not given. */
static int set_defaults(struct options *o, const struct command *c, struct error *err)
{
	int r = 0;

	/* A command that measures the directions separately needs only one endpoint. */
	o->device.need_out = c->directions == DIRECTION_OUT || c->directions == DIRECTION_BOTH;
	o->device.need_in = c->directions == DIRECTION_IN || c->directions == DIRECTION_BOTH;
	if (!o->sizes.n)
		r = args_list(c->sizes, MAX_TRANSFER, "sizes", &o->sizes, err);
	if (o->lengths.count)
		o->sizes.value[0] = longest_message(&o->lengths);
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
					      NULL, FIRST_OPTION + (int)i };
	options[N_ROWS - 1].val = 'q';
	options[i++] = (struct option){ "help", no_argument, NULL, 'h' };
	options[i] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
}

static int parse_all(int argc, char **argv, struct options *o, bool *given, struct error *err)
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
		row = c == 'q' ? N_ROWS - 1 : (size_t)(c - FIRST_OPTION);
		given[row] = true;
		r = rows[row].parse(o, optarg, err);
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
		.device = { .interface = -1 },
		.transfer = 65536,
		.repeat = 1,
		.timeout_ms = 5000,
	};
	r = parse_all(argc, argv, o, given, err);
	if (r != OPTIONS_RUN)
		return r;
	if (optind + 1 != argc) {
		print_usage(stderr);
		return -EINVAL;
	}
	*command = find_command(argv[optind], err);
	if (!*command)
		return -EINVAL;
	r = check_applicable(*command, given, err);
	if (r == 0)
		r = check_together(o, given, err);
	if (r == 0)
		r = check_sizes(o, *command, err);
	return r < 0 ? r : set_defaults(o, *command, err);
}

void options_free(struct options *o)
{
	lengths_free(&o->lengths);
}
