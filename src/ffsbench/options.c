/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/cleanup.h"
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

/* Each of these functions handles one option: it sets members of struct options. */

static int set_device(struct options *o, const char *arg, struct error *err)
{
	return device_filter_parse(arg, &o->device_filter, err);
}

static int set_serial(struct options *o, const char *arg, struct error *err)
{
	(void)err;
	o->device_filter.serial_number = arg;
	return 0;
}

static int set_interface(struct options *o, const char *arg, struct error *err)
{
	unsigned int n;
	int r = args_parse_integer(arg, 255, &n, err);

	if (r == 0)
		o->device_filter.interface_number = (int)n;
	return r;
}

static int set_endpoint_pair(struct options *o, const char *arg, struct error *err)
{
	return args_parse_integer(arg, 14, &o->device_filter.endpoint_pair_index, err);
}

static int set_device_wait(struct options *o, const char *arg, struct error *err)
{
	return args_parse_seconds(arg, &o->device_filter.max_wait_ms, err);
}

static int set_detach_kernel_driver(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->device_filter.detach_kernel_driver = true;
	return 0;
}

static int set_sizes(struct options *o, const char *arg, struct error *err)
{
	return args_parse_list(arg, MAX_MESSAGE, "sizes", &o->sizes, err);
}

static int set_depths(struct options *o, const char *arg, struct error *err)
{
	return args_parse_list(arg, MAX_DEPTH, "depths", &o->depths, err);
}

static int check_not_zero(const char *name, uint64_t n, struct error *err)
{
	return n ? 0 : error_set(err, EX_USAGE, EINVAL, NULL, "--%s must be greater than 0", name);
}

static int set_max_run_bytes(struct options *o, const char *arg, struct error *err)
{
	int r = args_parse_size(arg, &o->max_run_bytes, err);

	return r < 0 ? r : check_not_zero("bytes", o->max_run_bytes, err);
}

static int set_max_run_seconds(struct options *o, const char *arg, struct error *err)
{
	int r = args_parse_seconds(arg, &o->max_run_ms, err);

	return r < 0 ? r : check_not_zero("seconds", o->max_run_ms, err);
}

static int set_repeat(struct options *o, const char *arg, struct error *err)
{
	int r = args_parse_integer(arg, MAX_REPEAT, &o->n_rounds, err);

	return r < 0 ? r : check_not_zero("repeat", o->n_rounds, err);
}

static int set_memory_kind(struct options *o, const char *arg, struct error *err)
{
	return memory_choice_parse(arg, &o->memory_choice, err);
}

static int set_usbtest_pattern(struct options *o, const char *arg, struct error *err)
{
	return args_parse_integer(arg, 1, &o->usbtest_pattern, err);
}

static int set_message_lengths(struct options *o, const char *arg, struct error *err)
{
	message_lengths_free(&o->message_lengths);
	return args_parse_lengths(arg, &o->message_lengths, err);
}

static int set_message_count(struct options *o, const char *arg, struct error *err)
{
	unsigned int n = 0;
	int r = args_parse_integer(arg, MAX_COUNT, &n, err);

	o->n_messages = n;
	return r < 0 ? r : check_not_zero("count", n, err);
}

static int set_seed(struct options *o, const char *arg, struct error *err)
{
	unsigned int n = 0;
	int r = args_parse_integer(arg, UINT32_MAX, &n, err);

	o->random_seed = n;
	return r;
}

static int set_max_transfer_size(struct options *o, const char *arg, struct error *err)
{
	struct value_list one;
	int r = args_parse_list(arg, MAX_TRANSFER, "sizes", &one, err);

	if (r < 0)
		return r;
	if (one.n_values != 1)
		return error_set(err, EX_USAGE, EINVAL, NULL, "--transfer needs a single size");
	o->max_transfer_size = (unsigned int)one.values[0];
	return 0;
}

static int set_recover(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->recover_from_stall = true;
	return 0;
}

static int set_timeout(struct options *o, const char *arg, struct error *err)
{
	return args_parse_seconds(arg, &o->timeout_ms, err);
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
	o->chart_path = arg;
	return 0;
}

static int set_quiet(struct options *o, const char *arg, struct error *err)
{
	(void)arg;
	(void)err;
	o->quiet = true;
	return 0;
}

static const struct option_definition {
	const char *name;
	const char *argument; /* name of the argument in --help; NULL: the option has no argument */
	unsigned int commands; /* bit mask of the commands that have the option */
	int (*set)(struct options *o, const char *arg, struct error *err);
	const char *help;
} definitions[] = {
	{ "device", "VID:PID|BUS/ADDRESS", ALL | SELFTEST, set_device,
	  "the device to test (the only one with a vendor interface)" },
	{ "serial", "TEXT", ALL | SELFTEST, set_serial, "the device with this serial number" },
	{ "interface", "N", ALL, set_interface,
	  "the interface (the first with the needed endpoints)" },
	{ "pair", "N", ALL, set_endpoint_pair, "the N-th OUT and IN endpoint, counted from 0 (0)" },
	{ "wait", "SECONDS", ALL | SELFTEST, set_device_wait,
	  "wait until the device appears (0; selftest: 60)" },
	{ "detach", NULL, ALL, set_detach_kernel_driver,
	  "detach the kernel driver during the measurement" },
	{ "size", "LIST", ALL, set_sizes,
	  "bytes of a transfer or message: 64K; 1K,4K; 1K-4M in powers of 2" },
	{ "depth", "LIST", ALL & ~LATENCY, set_depths,
	  "transfers in flight (in each direction): 8; 1,4,16; 1-64" },
	{ "seconds", "S", SOURCE | SINK | VERIFY | LOOP | LATENCY, set_max_run_seconds,
	  "time for each size and depth (source, sink: 2)" },
	{ "bytes", "SIZE", STREAM | LOOP, set_max_run_bytes,
	  "data for each size and depth (verify, loop: 64M)" },
	{ "count", "N", MESSAGES | LATENCY, set_message_count, "number of messages (2000)" },
	{ "seed", "N", MESSAGES, set_seed,
	  "seed (0) of the random lengths, which are from 1 to --size" },
	{ "lengths", "LIST", LOOP, set_message_lengths,
	  "send one message of each of these lengths: 1-4096,1M,16M" },
	{ "transfer", "SIZE", LOOP | MESSAGES, set_max_transfer_size,
	  "longest USB transfer (64K)" },
	{ "recover", NULL, LOOP | MESSAGES, set_recover,
	  "clear a stall, and send lost messages again" },
	{ "pattern", "N", SINK | VERIFY, set_usbtest_pattern,
	  "0: zeros; 1: byte n of a packet is n modulo 63 (0)" },
	{ "repeat", "N", ALL, set_repeat, "measure everything N times, show medians (1)" },
	{ "memory", "KIND", ALL, set_memory_kind,
	  "zero-copy, ordinary, or auto: zero-copy if available (auto)" },
	{ "timeout", "SECONDS", ALL | SELFTEST, set_timeout,
	  "fail if no data moves for this time (5)" },
	{ "json", NULL, ALL, set_json, "print the result as JSON" },
	{ "csv", NULL, ALL, set_csv, "print the result as CSV" },
	{ "plot", "FILE", ALL, set_plot, "also write a chart as SVG" },
	{ "quiet", NULL, ALL | SELFTEST, set_quiet, "print neither progress nor result" },
};
#define DESCRIPTION_COLUMN 25 /* in --help */
#define N_OPTIONS ARRAY_SIZE(definitions)
#define FIRST_OPTION 256 /* what getopt_long() returns for the first option */
#define OPT_VERSION (FIRST_OPTION + (int)N_OPTIONS)

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
	for (i = 0; i < N_OPTIONS; i++) {
		_cleanup_free_ char *name =
			strf("%s--%s%s%s", i == N_OPTIONS - 1 ? "-q, " : "    ",
			     definitions[i].name, definitions[i].argument ? " " : "",
			     definitions[i].argument ? definitions[i].argument : "");
		_cleanup_free_ char *line = strf(
			"  %-22s%s%s", name, strlen(name) > 21 ? "  " : " ", definitions[i].help);

		text_print_wrapped(f, line, DESCRIPTION_COLUMN);
	}
	fputs("  -h, --help\n"
	      "      --version\n"
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
		if (given[i] && !(definitions[i].commands & 1u << (c - commands)))
			return error_set(err, EX_USAGE, EINVAL, NULL, "%s has no option --%s",
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
					 "--lengths and --%s exclude each other",
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

static void fill_getopt_options(struct option *options)
{
	size_t i;

	for (i = 0; i < N_OPTIONS; i++)
		options[i] =
			(struct option){ definitions[i].name,
					 definitions[i].argument ? required_argument : no_argument,
					 NULL, FIRST_OPTION + (int)i };
	options[N_OPTIONS - 1].val = 'q';
	options[i++] = (struct option){ "help", no_argument, NULL, 'h' };
	options[i] = (struct option){ "version", no_argument, NULL, OPT_VERSION };
}

static int parse_options(int argc, char **argv, struct options *o, bool *given, struct error *err)
{
	struct option options[N_OPTIONS + 3] = { 0 };
	size_t index;
	int c, r;

	fill_getopt_options(options);
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
		index = c == 'q' ? N_OPTIONS - 1 : (size_t)(c - FIRST_OPTION);
		given[index] = true;
		r = definitions[index].set(o, optarg, err);
		if (r < 0)
			return r;
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
