/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/selftest.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "ffsbench/timing.h"
#include "ffsbench/transfer.h"

/* The protocol: see src/plugins/selftest.c. */
#define REQUEST_ROUND 1
#define REQUEST_RESULT 2
#define REQUEST_END 3
#define PROTOCOL_VERSION 1
#define FLAG_LAST_ROUND 1
#define FLAG_NO_TESTS 2
#define RESULT_TEXT_MAX 100
#define REQUEST_TIMEOUT_MS 5000

#define MAX_SIZE 65536
#define RATE_MS 1000
#define N_RANDOM_MESSAGES 300

enum outcome { PASSED = 1, FAILED, NOT_POSSIBLE };
static const char *const outcome_words[] = {
	[PASSED] = "passed",
	[FAILED] = "failed",
	[NOT_POSSIBLE] = "not possible",
};

/* A gadget of `ffsctl selftest`. */
struct round {
	char name[17];
	bool is_last;
	bool has_tests;
};

/* A test with a gadget. On success stores the text of the result, which the caller frees. */
typedef int test_fn(const struct device *d, const struct options *o, char **text,
		    struct error *err);

static int run_echo(const struct device *d, const struct options *o, run_fn *run, size_t depth,
		    struct run_result *result, struct error *err)
{
	const struct run_parameters parameters = { DIRECTION_BOTH, MAX_SIZE, (unsigned int)depth };
	struct progress_bar progress;
	int r;

	progress_bar_init(&progress, true, 1);
	*result = (struct run_result){ 0 };
	start_periodic_ticks();
	r = run(d, o, &parameters, &progress, result, err);
	stop_periodic_ticks();
	free(result->memory_warning);
	if (r >= 0 && run_interrupted())
		return error_set(err, EX_TEMPFAIL, ECANCELED, NULL, "interrupted");
	return r;
}

/* Sends a message of each length of the list, and compares what comes back. */
static int echo_lengths(const struct device *d, const struct options *o, const char *list,
			struct run_result *result, struct error *err)
{
	struct options mine = *o;
	int r;

	mine.message_lengths = (struct message_lengths){ 0 };
	r = args_parse_lengths(list, &mine.message_lengths, err);
	if (r >= 0)
		r = run_echo(d, &mine, run_loop_command, 1, result, err);
	message_lengths_free(&mine.message_lengths);
	return r;
}

/* Lengths around one, two and three packets, and around what drivers split. */
static int test_lengths(const struct device *d, const struct options *o, char **text,
			struct error *err)
{
	const unsigned int packet = d->out_packet_size;
	_cleanup_free_ char *list =
		strf("1-3,%u-%u,%u-%u,%u-%u,4095-4097,16383-16385,65535-65537", packet - 1,
		     packet + 1, 2 * packet - 1, 2 * packet + 1, 3 * packet - 1, 3 * packet + 1);
	struct run_result result;
	int r = echo_lengths(d, o, list, &result, err);

	if (r >= 0)
		*text = strf("%llu messages of 1 to 65537 bytes, packets of %u bytes",
			     (unsigned long long)result.messages, packet);
	return r;
}

/* Messages of whole packets: each ends with a ZLP, in both directions, or the next one is cut off
   at the wrong place. */
static int test_zlp(const struct device *d, const struct options *o, char **text, struct error *err)
{
	const unsigned int p = d->out_packet_size;
	_cleanup_free_ char *list =
		strf("%u,%u,%u,%u,%u,%u,%u,%u", p, p, 2 * p, 3 * p, 4 * p, 8 * p, 16 * p, p);
	struct run_result result;
	int r = echo_lengths(d, o, list, &result, err);

	if (r >= 0)
		*text = strf("%llu messages of whole packets", (unsigned long long)result.messages);
	return r;
}

/* Halts the endpoint by SET_FEATURE (USB 2.0, 9.4.9), expects that a transfer stalls, and clears
   the halt. */
static int halt_and_clear(const struct device *d, const struct options *o, enum direction direction,
			  struct error *err)
{
	const uint8_t address = transfer_endpoint_address(d, direction);
	unsigned char data[1024] = { 0 };
	int n, r = libusb_control_transfer(d->handle,
					   LIBUSB_ENDPOINT_OUT | LIBUSB_REQUEST_TYPE_STANDARD |
						   LIBUSB_RECIPIENT_ENDPOINT,
					   LIBUSB_REQUEST_SET_FEATURE, 0, address, NULL, 0,
					   REQUEST_TIMEOUT_MS);

	if (r < 0)
		return fail_libusb(err, r, "cannot halt endpoint 0x%02x", address);
	r = libusb_bulk_transfer(d->handle, address, data, (int)transfer_packet_size(d, direction),
				 &n, o->timeout_ms);
	if (r == 0)
		error_set(err, EXIT_WRONG_DATA, EIO, NULL,
			  "endpoint 0x%02x moves data although it is halted", address);
	else if (r != LIBUSB_ERROR_PIPE)
		fail_libusb(err, r, "endpoint 0x%02x does not stall when it is halted", address);
	return err->exit ? -EIO : transfer_clear_halt(d, direction, err);
}

static int test_halt(const struct device *d, const struct options *o, char **text,
		     struct error *err)
{
	struct run_result result;
	int r = halt_and_clear(d, o, DIRECTION_IN, err);

	if (r >= 0)
		r = echo_lengths(d, o, "1-3", &result, err);
	if (r >= 0)
		r = halt_and_clear(d, o, DIRECTION_OUT, err);
	if (r >= 0)
		r = echo_lengths(d, o, "1-3", &result, err);
	if (r >= 0)
		*text = xstrdup("SET_FEATURE and CLEAR_FEATURE, IN and OUT, then messages");
	return r;
}

static int test_messages(const struct device *d, const struct options *o, char **text,
			 struct error *err)
{
	struct options mine = *o;
	struct run_result result;
	int r;

	mine.message_lengths = (struct message_lengths){ 0 };
	mine.n_messages = N_RANDOM_MESSAGES;
	mine.random_seed = 1;
	r = run_echo(d, &mine, run_messages_command, 8, &result, err);
	if (r >= 0)
		*text = strf("%llu messages of random lengths, %llu bytes",
			     (unsigned long long)result.messages, (unsigned long long)result.bytes);
	return r;
}

static int test_rate(const struct device *d, const struct options *o, char **text,
		     struct error *err)
{
	struct options mine = *o;
	struct run_result result;
	int r;

	mine.message_lengths = (struct message_lengths){ 0 };
	mine.max_run_bytes = 0;
	mine.max_run_ms = RATE_MS;
	r = run_echo(d, &mine, run_loop_command, 8, &result, err);
	if (r >= 0)
		*text = strf("%.1f MB/s in each direction at once, 64 KiB messages",
			     result.seconds > 0 ? (double)result.bytes / result.seconds / 1e6 : 0);
	return r;
}

/* The index is the number of the test in the protocol. */
static const struct {
	const char *name;
	test_fn *run;
} tests[] = {
	{ "lengths", test_lengths },   { "zlp", test_zlp },   { "halt", test_halt },
	{ "messages", test_messages }, { "rate", test_rate },
};

/* --- talking to the gadget --- */

static int ask_for_round(const struct device *d, struct round *round)
{
	unsigned char reply[24] = { 0 };
	int n = libusb_control_transfer(d->handle,
					LIBUSB_ENDPOINT_IN | LIBUSB_REQUEST_TYPE_VENDOR |
						LIBUSB_RECIPIENT_INTERFACE,
					REQUEST_ROUND, 0, (uint16_t)d->interface_number, reply,
					sizeof(reply), REQUEST_TIMEOUT_MS);

	if (n != sizeof(reply) || memcmp(reply, "FFST", 4) != 0 || reply[4] != PROTOCOL_VERSION)
		return -EPROTO;
	for (size_t i = 0; i < sizeof(round->name) - 1; i++) {
		const unsigned char c = reply[8 + i];

		round->name[i] = (char)(c == 0 || (c > ' ' && c <= '~') ? c : '?');
	}
	round->name[sizeof(round->name) - 1] = '\0';
	round->is_last = reply[5] & FLAG_LAST_ROUND;
	round->has_tests = !(reply[5] & FLAG_NO_TESTS);
	return 0;
}

/* Accepts a gadget that has tests which are not done yet (struct device_filter). */
static bool has_round(void *data, const struct device *d)
{
	struct round *round = data;

	return ask_for_round(d, round) == 0 && round->has_tests;
}

static int send_request(const struct device *d, uint8_t request, uint16_t value,
			unsigned char *data, size_t size, struct error *err)
{
	int r = libusb_control_transfer(d->handle,
					LIBUSB_ENDPOINT_OUT | LIBUSB_REQUEST_TYPE_VENDOR |
						LIBUSB_RECIPIENT_INTERFACE,
					request, value, (uint16_t)d->interface_number, data,
					(uint16_t)size, REQUEST_TIMEOUT_MS);

	return r >= 0 ? 0 : fail_libusb(err, r, "cannot send results to the gadget");
}

static int send_result(const struct device *d, size_t test, enum outcome outcome, const char *text,
		       struct error *err)
{
	unsigned char data[1 + RESULT_TEXT_MAX] = { (unsigned char)outcome };
	size_t n = strlen(text) < RESULT_TEXT_MAX ? strlen(text) : RESULT_TEXT_MAX;

	memcpy(data + 1, text, n); /* NOLINT(bugprone-not-null-terminated-result): no string */
	return send_request(d, REQUEST_RESULT, (uint16_t)test, data, 1 + n, err);
}

/* Runs one test, sends its result and prints it. Fails if the gadget does not take the result. */
static int run_test(const struct device *d, const struct options *o, const struct round *round,
		    size_t test, bool *has_failed, struct error *err)
{
	_cleanup_error_ struct error failure = { 0 };
	_cleanup_free_ char *text = NULL;
	enum outcome outcome = NOT_POSSIBLE;

	if (*has_failed) {
		text = xstrdup("a test before it has failed");
	} else if (tests[test].run(d, o, &text, &failure) >= 0) {
		outcome = PASSED;
	} else {
		outcome = FAILED;
		*has_failed = true;
		text = xstrdup(failure.text);
	}
	if (run_interrupted())
		return error_set(err, EX_TEMPFAIL, ECANCELED, NULL, "interrupted");
	if (send_result(d, test, outcome, text, err) < 0)
		return -err->errno_value;
	if (!o->quiet)
		printf("%s: %s: %s: %s\n", round->name, tests[test].name, outcome_words[outcome],
		       text);
	fflush(stdout);
	return 0;
}

/*
 * Runs the tests of a round. If the gadget is removed in the middle, `ffsctl selftest` has given
 * the round up, and knows why: that is no failure, and its results do not count.
 */
static int run_round(const struct device *d, const struct options *o, const struct round *round,
		     unsigned int *n_failed, struct error *err)
{
	bool has_failed = false;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tests) && r >= 0; i++)
		r = run_test(d, o, round, i, &has_failed, err);
	if (r >= 0)
		r = send_request(d, REQUEST_END, 0, NULL, 0, err);
	if (r < 0 && !run_interrupted()) {
		if (!o->quiet)
			printf("%s: %s\n", round->name, err->text);
		error_clear(err);
		return 0;
	}
	*n_failed += has_failed;
	return r;
}

int selftest_follow_gadgets(const struct options *o, struct error *err)
{
	struct round round = { 0 };
	struct device_filter filter = o->device_filter;
	unsigned int n_failed = 0;
	int r;

	filter.needs_selftest_interface = true;
	filter.accept = has_round;
	filter.accept_data = &round;
	do {
		struct device device = { 0 };

		r = device_open(&filter, &device, err);
		if (r >= 0)
			r = run_round(&device, o, &round, &n_failed, err);
		device_close(&device);
	} while (r >= 0 && !round.is_last);
	if (r >= 0 && n_failed > 0)
		return error_set(err, EXIT_WRONG_DATA, EIO, NULL, "tests have failed in %u round%s",
				 n_failed, n_failed == 1 ? "" : "s");
	return r;
}
