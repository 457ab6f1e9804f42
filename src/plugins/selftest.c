/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gadget's end of `ffsctl selftest`. Sends every message of the host back, as the plugin
 * loopback does, and answers `ffsbench selftest` on the host (src/ffsbench/selftest.c) by vendor
 * requests to the interface:
 *
 *   IN  1  the round: "FFST", version, flags, two bytes 0, 16 bytes with the name of the round
 *   OUT 2  the result of the test wValue: a byte with the outcome, then text
 *   OUT 3  the end of the tests of this round
 *
 * `ffsctl selftest` reads the results in the statistics of the worker. The host is not trusted: it
 * can only set the texts of known tests, of printable ASCII characters and of limited length.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ffsctl/plugin.h>

#define REQUEST_ROUND 1
#define REQUEST_RESULT 2
#define REQUEST_END 3
#define VENDOR_OUT_TO_INTERFACE 0x41
#define VENDOR_IN_TO_INTERFACE 0xc1
#define PROTOCOL_VERSION 1
#define FLAG_LAST_ROUND 1
#define FLAG_NO_TESTS 2 /* there is nothing to test: not in this round, or not again */
#define RESULT_TEXT_MAX 100
#define MAX_ERRORS 100 /* more failed transfers end the worker */

static const char *const test_names[] = { "lengths", "zlp", "halt", "messages", "rate" };
#define N_TESTS (sizeof(test_names) / sizeof(test_names[0]))
/* The index is the first byte of a result. */
static const char *const outcome_words[] = { NULL, "passed", "failed", "not possible" };
#define N_OUTCOMES (sizeof(outcome_words) / sizeof(outcome_words[0]))

struct selftest {
	int asked, ended;	  /* the host has asked for the round, and has ended its tests */
	int n_errors, last_error; /* of transfers; positive errno */
	uint32_t setup_id;	  /* the last request with a result */
	uint16_t setup_test;	  /* wValue of the request setup_id */
	struct {
		unsigned int outcome; /* index of outcome_words; 0: no result yet */
		char text[RESULT_TEXT_MAX + 1];
	} results[N_TESTS];
};

static const struct ffsctl_option options[] = {
	{ .name = "round",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "copy",
	  .doc = "Name of the round, which ffsbench selftest prints: at most 15 characters." },
	{ .name = "tests",
	  .type = FFSCTL_OPTION_BOOL,
	  .default_value = "true",
	  .doc = "The host runs its tests in this round." },
	{ .name = "last",
	  .type = FFSCTL_OPTION_BOOL,
	  .default_value = "true",
	  .doc = "No other round follows: ffsbench selftest ends after this one." },
	{ 0 },
};

/* Returns the index of the first endpoint of this direction; host->n_endpoints if there is none. */
static uint32_t find_endpoint(const struct ffsctl_host *host, enum ffsctl_direction direction)
{
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++)
		if (host->endpoints[i]->direction == direction)
			break;
	return i;
}

static void show_results(struct ffsctl_host *host)
{
	const struct selftest *t = host->state;
	char json[N_TESTS * (RESULT_TEXT_MAX + 64) + 128];
	size_t i;
	int n;

	n = snprintf(json, sizeof(json),
		     "{\"asked\": %s, \"ended\": %s, \"errors\": %d, \"error\": %d",
		     t->asked ? "true" : "false", t->ended ? "true" : "false", t->n_errors,
		     t->last_error);
	for (i = 0; i < N_TESTS; i++)
		if (t->results[i].outcome)
			n += snprintf(json + n, sizeof(json) - (size_t)n, ", \"%s\": \"%s: %s\"",
				      test_names[i], outcome_words[t->results[i].outcome],
				      t->results[i].text);
	snprintf(json + n, sizeof(json) - (size_t)n, "}");
	host->call->stats(host, json);
}

static int selftest_start(struct ffsctl_host *host)
{
	if (find_endpoint(host, FFSCTL_OUT) == host->n_endpoints ||
	    find_endpoint(host, FFSCTL_IN) == host->n_endpoints) {
		host->call->log(host, FFSCTL_LOG_ERROR, "needs an IN and an OUT endpoint");
		return -EINVAL;
	}
	host->state = calloc(1, sizeof(struct selftest));
	return host->state ? 0 : -ENOMEM;
}

static void submit_or_give_back(struct ffsctl_host *host, enum ffsctl_direction direction,
				struct ffsctl_transfer *t)
{
	if (host->call->submit(host, find_endpoint(host, direction), t) < 0)
		host->call->release_transfer(host, t); /* the link is down */
}

static void selftest_enable(struct ffsctl_host *host)
{
	struct ffsctl_transfer *t;

	while ((t = host->call->get_transfer(host, find_endpoint(host, FFSCTL_OUT))))
		submit_or_give_back(host, FFSCTL_OUT, t);
}

static void selftest_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	struct selftest *test = host->state;

	if (t->status == 0) {
		submit_or_give_back(host,
				    host->endpoints[t->endpoint]->direction == FFSCTL_OUT
					    ? FFSCTL_IN
					    : FFSCTL_OUT,
				    t);
		return;
	}
	if (t->status == -ESHUTDOWN || t->status == -ECANCELED) {
		host->call->release_transfer(host, t);
		return;
	}
	/* Goes on, because the report must have the results: some UDC drivers end a transfer with
	   an error when the host clears a halt. */
	test->last_error = -t->status;
	test->n_errors++;
	show_results(host);
	if (test->n_errors > MAX_ERRORS) {
		host->call->log(host, FFSCTL_LOG_ERROR, "more than %d transfers have failed",
				MAX_ERRORS);
		host->call->exit(host, 1);
	}
	submit_or_give_back(host, FFSCTL_OUT, t);
}

static void reply_with_round(struct ffsctl_host *host, uint32_t id, uint16_t length)
{
	unsigned char reply[24] = { 'F', 'F', 'S', 'T', PROTOCOL_VERSION };
	struct selftest *t = host->state;

	reply[5] = host->call->option_int(host, "last") ? FLAG_LAST_ROUND : 0;
	if (t->ended || !host->call->option_int(host, "tests"))
		reply[5] |= FLAG_NO_TESTS;
	snprintf((char *)reply + 8, sizeof(reply) - 8, "%s",
		 host->call->option_string(host, "round"));
	host->call->reply_to_control_request(host, id, reply,
					     length < sizeof(reply) ? length : sizeof(reply));
	t->asked = 1;
	show_results(host);
}

static void selftest_setup(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup)
{
	struct selftest *t = host->state;

	if (setup->request_type == VENDOR_IN_TO_INTERFACE && setup->request == REQUEST_ROUND) {
		reply_with_round(host, id, setup->length);
	} else if (setup->request_type == VENDOR_OUT_TO_INTERFACE &&
		   setup->request == REQUEST_RESULT && setup->value < N_TESTS &&
		   setup->length >= 1 && setup->length <= 1 + RESULT_TEXT_MAX) {
		t->setup_id = id;
		t->setup_test = setup->value;
		host->call->accept_control_request(host, id);
	} else if (setup->request_type == VENDOR_OUT_TO_INTERFACE &&
		   setup->request == REQUEST_END && setup->length == 0) {
		host->call->accept_control_request(host, id);
		t->ended = 1;
		show_results(host);
	} else {
		host->call->stall_control_request(host, id);
	}
}

/* Takes a result. Quotes and backslashes have a meaning in JSON. */
static void selftest_setup_data(struct ffsctl_host *host, uint32_t id, const void *data,
				size_t length)
{
	struct selftest *t = host->state;
	const unsigned char *from = data;
	char *to = t->results[t->setup_test].text;
	size_t i;

	if (id != t->setup_id || length < 1 || length > 1 + RESULT_TEXT_MAX || from[0] < 1 ||
	    from[0] >= N_OUTCOMES)
		return;
	t->results[t->setup_test].outcome = from[0];
	for (i = 1; i < length; i++)
		*to++ = from[i] < ' ' || from[i] > '~' || from[i] == '"' || from[i] == '\\'
				? '?'
				: (char)from[i];
	*to = '\0';
	show_results(host);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "selftest",
	.summary = "sends back every message, for ffsctl selftest and ffsbench selftest",
	.framing = FFSCTL_FRAMING_MESSAGES,
	.transfer_size = 65536,
	.transfers_per_endpoint = 8,
	.options = options,
	.start = selftest_start,
	.enable = selftest_enable,
	.done = selftest_done,
	.setup = selftest_setup,
	.setup_data = selftest_setup_data,
};
