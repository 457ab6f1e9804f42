/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/option_table.h"
#include "base/text.h"
#include "base/util.h"
#define MAX_MESSAGE (UINT64_C(1) << 40)
#define MAX_COUNT 10000000
#define MAX_REPEAT 1000
#define LATENCY_DEPTH "1"
#define SELFTEST_WAIT_MS 60000

enum { SOURCE = 1, SINK = 2, VERIFY = 4, LOOP = 8, MESSAGES = 16, LATENCY = 32, SELFTEST = 64 };
#define STREAM (SOURCE | SINK | VERIFY)
#define ECHO (LOOP | MESSAGES | LATENCY)
#define ALL (STREAM | ECHO)

/* The order is that of the flags SOURCE to SELFTEST. */
const struct command commands[] = {
	{ .name = "source",
	  .summary = "read from the device as fast as it sends",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_IN,
	  .default_sizes = "64K",
	  .default_depths = "8",
	  .default_max_run_ms = 2000,
	  .run = run_stream_command },
	{ .name = "sink",
	  .summary = "write to the device as fast as it accepts",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_OUT,
	  .default_sizes = "64K",
	  .default_depths = "8",
	  .default_max_run_ms = 2000,
	  .run = run_stream_command },
	{ .name = "verify",
	  .summary = "read, then write a known pattern, compare every byte",
	  .kind = KIND_STREAM,
	  .directions = DIRECTION_IN | DIRECTION_OUT,
	  .default_sizes = "64K",
	  .default_depths = "8",
	  .default_max_run_bytes = 64 << 20,
	  .run = run_verify_command },
	{ .name = "loop",
	  .summary = "send messages to a device that echoes them, compare every byte",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .default_sizes = "64K",
	  .default_depths = "8",
	  .default_max_run_bytes = 64 << 20,
	  .run = run_loop_command },
	{ .name = "messages",
	  .summary = "like loop, with messages of random lengths",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .default_sizes = "64K",
	  .default_depths = "8",
	  .default_n_messages = 2000,
	  .run = run_messages_command },
	{ .name = "latency",
	  .summary = "measure the round-trip time of single messages",
	  .kind = KIND_LATENCY,
	  .directions = DIRECTION_BOTH,
	  .default_sizes = "64",
	  .default_depths = LATENCY_DEPTH,
	  .default_n_messages = 2000,
	  .run = run_latency_command },
	{ .name = "selftest",
	  .summary = "run the host's tests of 'ffsctl selftest'",
	  .kind = KIND_MESSAGES,
	  .directions = DIRECTION_BOTH,
	  .default_sizes = "64K",
	  .default_depths = "8" },
};
const size_t n_commands = ARRAY_SIZE(commands);

/* Each of these functions stores the value of one option in a struct options. */

static int set_device(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return device_filter_parse(arg, &o->device_filter, err);
}

static int set_interface(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	unsigned int n;
	int r = args_parse_integer(arg, 255, &n, err);

	if (r == 0)
		o->device_filter.interface_number = (int)n;
	return r;
}

static int set_endpoint_pair(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return args_parse_integer(arg, 14, &o->device_filter.endpoint_pair_index, err);
}

static int set_device_wait(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return args_parse_seconds(arg, &o->device_filter.max_wait_ms, err);
}

static int set_sizes(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return args_parse_list(arg, MAX_MESSAGE, "sizes", &o->sizes, err);
}

static int set_depths(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return args_parse_list(arg, MAX_DEPTH, "depths", &o->depths, err);
}

static int check_not_zero(const char *name, uint64_t n, struct error *err)
{
	return n ? 0 : error_set(err, EX_USAGE, EINVAL, NULL, "--%s must be greater than 0", name);
}

static int set_max_run_bytes(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	int r = args_parse_size(arg, &o->max_run_bytes, err);

	return r < 0 ? r : check_not_zero("bytes", o->max_run_bytes, err);
}

static int set_max_run_seconds(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	int r = args_parse_seconds(arg, &o->max_run_ms, err);

	return r < 0 ? r : check_not_zero("seconds", o->max_run_ms, err);
}

static int set_repeat(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	int r = args_parse_integer(arg, MAX_REPEAT, &o->n_rounds, err);

	return r < 0 ? r : check_not_zero("repeat", o->n_rounds, err);
}

static int set_memory_kind(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return memory_choice_parse(arg, &o->memory_choice, err);
}

static int set_usbtest_pattern(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return args_parse_integer(arg, 1, &o->usbtest_pattern, err);
}

static int set_message_lengths(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	message_lengths_free(&o->message_lengths);
	return args_parse_lengths(arg, &o->message_lengths, err);
}

static int set_message_count(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	unsigned int n = 0;
	int r = args_parse_integer(arg, MAX_COUNT, &n, err);

	o->n_messages = n;
	return r < 0 ? r : check_not_zero("count", n, err);
}

static int set_seed(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	unsigned int n = 0;
	int r = args_parse_integer(arg, UINT32_MAX, &n, err);

	o->random_seed = n;
	return r;
}

static int set_max_transfer_size(void *values, const char *arg, struct error *err)
{
	struct options *o = values;
	struct value_list one;
	int r = args_parse_list(arg, MAX_TRANSFER, "sizes", &one, err);

	if (r < 0)
		return r;
	if (one.n_values != 1)
		return error_set(err, EX_USAGE, EINVAL, NULL, "--transfer needs a single size");
	o->max_transfer_size = (unsigned int)one.values[0];
	return 0;
}

static int set_timeout(void *values, const char *arg, struct error *err)
{
	struct options *o = values;

	return args_parse_seconds(arg, &o->timeout_ms, err);
}

/* `tag` is a bit mask of the commands that have the option. */
static const struct option_row definitions[] = {
	{ "--device", " VID:PID|BUS/ADDRESS",
	  "the device to test (the only one with a vendor interface)", OPTION_SET,
	  .set = set_device, .tag = ALL | SELFTEST },
	{ "--serial", " TEXT", "the device with this serial number", OPTION_TEXT,
	  .offset = offsetof(struct options, device_filter.serial_number), .tag = ALL | SELFTEST },
	{ "--interface", " N", "the interface (the first with the needed endpoints)", OPTION_SET,
	  .set = set_interface, .tag = ALL },
	{ "--pair", " N", "the N-th OUT and IN endpoint, counted from 0 (0)", OPTION_SET,
	  .set = set_endpoint_pair, .tag = ALL },
	{ "--wait", " SECONDS", "wait until the device appears (0; selftest: 60)", OPTION_SET,
	  .set = set_device_wait, .tag = ALL | SELFTEST },
	{ "--detach", NULL, "detach the kernel driver during the measurement", OPTION_FLAG,
	  .offset = offsetof(struct options, device_filter.detach_kernel_driver), .tag = ALL },
	{ "--size", " LIST", "bytes of a transfer or message: 64K; 1K,4K; 1K-4M in powers of 2",
	  OPTION_SET, .set = set_sizes, .tag = ALL },
	{ "--depth", " LIST", "transfers in flight (in each direction): 8; 1,4,16; 1-64",
	  OPTION_SET, .set = set_depths, .tag = ALL & ~LATENCY },
	{ "--seconds", " S", "time for each size and depth (source, sink: 2)", OPTION_SET,
	  .set = set_max_run_seconds, .tag = SOURCE | SINK | VERIFY | LOOP | LATENCY },
	{ "--bytes", " SIZE", "data for each size and depth (verify, loop: 64M)", OPTION_SET,
	  .set = set_max_run_bytes, .tag = STREAM | LOOP },
	{ "--count", " N", "number of messages (2000)", OPTION_SET, .set = set_message_count,
	  .tag = MESSAGES | LATENCY },
	{ "--seed", " N", "seed (0) of the random lengths, which are from 1 to --size", OPTION_SET,
	  .set = set_seed, .tag = MESSAGES },
	{ "--lengths", " LIST", "send one message of each of these lengths: 1-4096,1M,16M",
	  OPTION_SET, .set = set_message_lengths, .tag = LOOP },
	{ "--transfer", " SIZE", "longest USB transfer (64K)", OPTION_SET,
	  .set = set_max_transfer_size, .tag = LOOP | MESSAGES },
	{ "--recover", NULL, "clear a stall, and send lost messages again", OPTION_FLAG,
	  .offset = offsetof(struct options, recover_from_stall), .tag = LOOP | MESSAGES },
	{ "--pattern", " N", "0: zeros; 1: byte n of a packet is n modulo 63 (0)", OPTION_SET,
	  .set = set_usbtest_pattern, .tag = SINK | VERIFY },
	{ "--repeat", " N", "measure everything N times, show medians (1)", OPTION_SET,
	  .set = set_repeat, .tag = ALL },
	{ "--memory", " KIND", "zero-copy, ordinary, or auto: zero-copy if available (auto)",
	  OPTION_SET, .set = set_memory_kind, .tag = ALL },
	{ "--timeout", " SECONDS", "fail if no data moves for this time (5)", OPTION_SET,
	  .set = set_timeout, .tag = ALL | SELFTEST },
	{ "--json", NULL, "print the result as JSON", OPTION_FLAG,
	  .offset = offsetof(struct options, json), .tag = ALL },
	{ "--csv", NULL, "print the result as CSV", OPTION_FLAG,
	  .offset = offsetof(struct options, csv), .tag = ALL },
	{ "--plot", " FILE", "also write a chart as SVG", OPTION_TEXT,
	  .offset = offsetof(struct options, chart_path), .tag = ALL },
	{ "--quiet", NULL, "print neither progress nor result", OPTION_FLAG,
	  .offset = offsetof(struct options, quiet), .letter = 'q', .tag = ALL | SELFTEST },
	{ "--version", NULL, "", OPTION_FLAG, .offset = offsetof(struct options, prints_version),
	  .tag = ALL | SELFTEST },
	{ 0 },
};
#define DESCRIPTION_COLUMN 22 /* in --help */
#define N_OPTIONS (ARRAY_SIZE(definitions) - 1)

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
	option_table_print(f, definitions, DESCRIPTION_COLUMN);
	fputs("  -h, --help\n"
	      "\n"
	      "Defaults of options are in parentheses.\n"
	      "source, sink and verify test the gadget sourcesink or the kernel's SourceSink.\n"
	      "loop, messages and latency test the gadget loopback or the kernel's Loopback.\n"
	      "selftest tests the gadgets of 'ffsctl selftest', which runs on the device.\n",
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
	error_add_hint(err, "use one of %s", names);
	return NULL;
}

/* Returns an error if an option was given that the command does not have. */
static int check_given_options_belong_to_command(const struct command *c, const bool *given,
						 struct error *err)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (given[i] && !(definitions[i].tag & 1u << (c - commands)))
			return error_set(err, EX_USAGE, EINVAL, NULL, "%s has no option %s",
					 c->name, definitions[i].name);
	return 0;
}

static int check_exclusive_options(const struct options *o, const bool *given, struct error *err)
{
	if (o->json && o->csv)
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "--json and --csv exclude each other");
	for (size_t i = 0; o->message_lengths.n_messages && i < N_OPTIONS; i++)
		if (given[i] &&
		    (definitions[i].set == set_sizes || definitions[i].set == set_max_run_bytes))
			return error_set(err, EX_USAGE, EINVAL, NULL,
					 "--lengths and %s exclude each other",
					 definitions[i].name);
	return 0;
}

static uint64_t longest_length(const struct message_lengths *l)
{
	uint64_t max = 1;

	for (size_t i = 0; i < l->n_ranges; i++)
		if (l->ranges[i].last > max)
			max = l->ranges[i].last;
	return max;
}

/* Checks that --size has no transfer longer than 64M. Messages may be longer. */
static int check_sizes(const struct options *o, const struct command *c, struct error *err)
{
	for (size_t i = 0; i < o->sizes.n_values; i++)
		if (c->kind != KIND_MESSAGES && o->sizes.values[i] > MAX_TRANSFER)
			return error_set(err, EX_USAGE, EINVAL, NULL,
					 "--size must be from 1 to 64M");
	return 0;
}

/* Sets all options that were not given to their defaults. */
static int set_defaults(struct options *o, const struct command *c, struct error *err)
{
	int r = 0;

	/* A command that measures both directions one after the other also runs if there is only
	   one endpoint. */
	o->device_filter.needs_out =
		c->directions == DIRECTION_OUT || c->directions == DIRECTION_BOTH;
	o->device_filter.needs_in =
		c->directions == DIRECTION_IN || c->directions == DIRECTION_BOTH;
	if (!o->sizes.n_values)
		r = args_parse_list(c->default_sizes, MAX_TRANSFER, "sizes", &o->sizes, err);
	if (o->message_lengths.n_messages)
		o->sizes.values[0] = longest_length(&o->message_lengths);
	if (r == 0 && !o->depths.n_values)
		r = args_parse_list(c->default_depths, MAX_DEPTH, "depths", &o->depths, err);
	if (!o->max_run_bytes && !o->max_run_ms) {
		o->max_run_bytes = c->default_max_run_bytes;
		o->max_run_ms = c->default_max_run_ms;
	}
	if (!o->n_messages)
		o->n_messages = c->default_n_messages;
	if (!c->run && !o->device_filter.max_wait_ms)
		o->device_filter.max_wait_ms = SELFTEST_WAIT_MS;
	return r;
}

static int error_unknown_option(char *const *argv, struct error *err)
{
	_cleanup_free_ char *name = option_rejected_name(argv);
	const char *suggestion = option_suggest(definitions, name);

	error_set(err, EX_USAGE, EINVAL, NULL, "unknown option '%s'", name);
	if (suggestion)
		return error_add_hint(err, "did you mean '%s'?", suggestion);
	return error_add_hint(err, "see 'ffsbench --help'");
}

static int parse_options(int argc, char **argv, struct options *o, bool *given, struct error *err)
{
	const struct option_parser parser = { .rows = definitions, .values = o, .given = given };
	int r = option_table_parse(&parser, argc, argv, err);

	if (r < 0)
		return err->exit ? r : error_unknown_option(argv, err);
	if (r == OPTIONS_HELP) {
		print_usage(stdout);
		return OPTIONS_DONE;
	}
	if (o->prints_version) {
		puts("ffsbench " PACKAGE_VERSION);
		return OPTIONS_DONE;
	}
	return OPTIONS_RUN;
}

int options_parse(int argc, char **argv, struct options *o, const struct command **command,
		  struct error *err)
{
	bool given[N_OPTIONS] = { false };
	int r;

	*o = (struct options){
		.device_filter = { .interface_number = -1 },
		.max_transfer_size = 65536,
		.n_rounds = 1,
		.timeout_ms = 5000,
	};
	r = parse_options(argc, argv, o, given, err);
	if (r != OPTIONS_RUN)
		return r;
	if (optind + 1 != argc) {
		print_usage(stderr);
		return -EINVAL;
	}
	*command = find_command(argv[optind], err);
	if (!*command)
		return -EINVAL;
	r = check_given_options_belong_to_command(*command, given, err);
	if (r == 0)
		r = check_exclusive_options(o, given, err);
	if (r == 0)
		r = check_sizes(o, *command, err);
	return r < 0 ? r : set_defaults(o, *command, err);
}

void options_free(struct options *o)
{
	message_lengths_free(&o->message_lengths);
}
