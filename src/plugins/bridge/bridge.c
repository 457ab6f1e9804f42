/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function's IN and OUT endpoint as a stream of bytes, or of messages, to and from a socket, a
 * tty, FIFOs or a program. Data waits in the buffers of transfers and nowhere else: who does not
 * read stops who sends, in both directions.
 */
#include "bridge.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MAX_S 86400.0

static const char *const framings[] = { "none", "length", "packet", NULL };
static const char *const without[] = { "wait", "discard", NULL };
static const char *const flows[] = { "none", "hardware", "software", NULL };

static const struct ffsctl_option options[] = {
	{ .name = "listen",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "\"tcp:ADDRESS:PORT\" (\"*\": every address) or \"unix:PATH\" (\"@NAME\": an "
		 "abstract one): clients connect to it" },
	{ .name = "connect",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "\"tcp:HOST:PORT\" or \"unix:PATH\": it connects to that" },
	{ .name = "tty", .type = FFSCTL_OPTION_STRING, .doc = "path of a tty" },
	{ .name = "fifo_in",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "path of a FIFO: what is written to it goes to the host" },
	{ .name = "fifo_out",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "path of a FIFO: what the host sends can be read from it" },
	{ .name = "command",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "a program and its arguments, between blanks, without a shell: its input is what "
		 "the host sends, its output goes to the host" },
	{ .name = "framing",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "none",
	  .choices = framings,
	  .doc = "none: bytes; length: messages, 32 bits of length (little-endian) before each; "
		 "packet: messages, each a packet of a SOCK_SEQPACKET socket" },
	{ .name = "clients",
	  .type = FFSCTL_OPTION_INT,
	  .default_value = "1",
	  .min = 1,
	  .max = 64,
	  .doc = "listen: how many are served at once, the others wait" },
	{ .name = "without_client",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "wait",
	  .choices = without,
	  .doc = "what happens to the host's data while nobody is there: it waits, or is thrown "
		 "away" },
	{ .name = "socket_mode",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "listen, unix: who may connect, octal; 0600 if not given" },
	{ .name = "baud",
	  .type = FFSCTL_OPTION_INT,
	  .min = 50,
	  .max = 100000000,
	  .doc = "tty: bits a second; 115200 if not given" },
	{ .name = "flow",
	  .type = FFSCTL_OPTION_STRING,
	  .choices = flows,
	  .doc = "tty: flow control: none (if not given), hardware (RTS, CTS) or software (XON, "
		 "XOFF)" },
	{ .name = "retry_delay",
	  .type = FFSCTL_OPTION_FLOAT,
	  .default_value = "1",
	  .doc = "seconds before what was lost is connected, opened or started again; doubled "
		 "each time" },
	{ .name = "retry_max_delay",
	  .type = FFSCTL_OPTION_FLOAT,
	  .default_value = "30",
	  .doc = "seconds that retry_delay grows to" },
	{ 0 },
};

static const struct end *const ends[] = { &end_listen, &end_connect, &end_tty, &end_fifo,
					  &end_command };

/* --- the start --- */

int bridge_refuse(struct bridge *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	b->host->call->log(b->host, FFSCTL_LOG_ERROR, "%s", text);
	return -EINVAL;
}

static const char *text_of(const struct bridge *b, const char *option)
{
	return b->host->call->option_string(b->host, option);
}

static bool is_given(const struct bridge *b, const struct end *end)
{
	size_t i;

	for (i = 0; i < 2 && end->options[i]; i++)
		if (text_of(b, end->options[i]))
			return true;
	return false;
}

static int find_end(struct bridge *b)
{
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!is_given(b, ends[i]))
			continue;
		if (b->end)
			return bridge_refuse(b,
					     "options '%s' and '%s': there can be only one of them",
					     b->end->options[0], ends[i]->options[0]);
		b->end = ends[i];
	}
	if (b->end)
		return 0;
	return bridge_refuse(b, "no option says what the host is connected with: 'listen', "
				"'connect', 'tty', 'fifo_in', 'fifo_out' or 'command'");
}

static int find_endpoints(struct bridge *b)
{
	const struct ffsctl_endpoint *const *ep = b->host->endpoints;
	uint32_t i;

	for (i = 0; i < b->host->n_endpoints; i++) {
		bool is_in = ep[i]->direction == FFSCTL_IN;

		if (ep[i]->type == FFSCTL_ENDPOINT_ISO)
			return bridge_refuse(b,
					     "endpoint %s is isochronous: bridge serves bulk "
					     "and interrupt endpoints",
					     ep[i]->name);
		if (is_in ? b->has_in : b->has_out)
			return bridge_refuse(b,
					     "endpoint %s is one too many: bridge serves one IN "
					     "and one OUT endpoint",
					     ep[i]->name);
		*(is_in ? &b->in : &b->out) = i;
		*(is_in ? &b->has_in : &b->has_out) = true;
	}
	return 0;
}

static int only_with(struct bridge *b, bool given, const char *option, const struct end *end)
{
	if (!given || b->end == end)
		return 0;
	return bridge_refuse(b, "option '%s' goes with '%s', not with '%s'", option,
			     end->options[0], b->end->options[0]);
}

static int check_options(struct bridge *b)
{
	int r = only_with(b, b->clients > 1, "clients", &end_listen);

	if (r == 0)
		r = only_with(b, text_of(b, "socket_mode"), "socket_mode", &end_listen);
	if (r == 0)
		r = only_with(b, b->host->call->option_int(b->host, "baud") != 0, "baud", &end_tty);
	if (r == 0)
		r = only_with(b, text_of(b, "flow"), "flow", &end_tty);
	if (r == 0 && b->framing == FRAMING_PACKET && b->end != &end_listen &&
	    b->end != &end_connect)
		return bridge_refuse(b,
				     "framing \"packet\" is for Unix sockets, not for '%s': "
				     "\"length\" works there",
				     b->end->options[0]);
	if (r == 0 && b->framing == FRAMING_LENGTH && b->clients > b->host->depth)
		return bridge_refuse(b,
				     "option 'clients' is %u: with framing \"length\" at most "
				     "io.depth, %" PRIu32,
				     b->clients, b->host->depth);
	return r;
}

static int take_delay(struct bridge *b, const char *option, uint32_t *ms)
{
	double s = b->host->call->option_float(b->host, option);

	if (!(s >= 0.01 && s <= DELAY_MAX_S))
		return bridge_refuse(b, "option '%s' is %g; it has to be from 0.01 to %g seconds",
				     option, s, DELAY_MAX_S);
	*ms = (uint32_t)(s * 1000);
	return 0;
}

static int which(const char *text, const char *const *choices)
{
	int i = 0;

	while (strcmp(choices[i], text) != 0)
		i++;
	return i;
}

static int take_options(struct bridge *b)
{
	int r = find_end(b);

	b->framing = (enum framing)which(text_of(b, "framing"), framings);
	b->discard = which(text_of(b, "without_client"), without) == 1;
	b->clients = (unsigned int)b->host->call->option_int(b->host, "clients");
	if (r == 0)
		r = find_endpoints(b);
	if (r == 0)
		r = check_options(b);
	if (r == 0)
		r = take_delay(b, "retry_delay", &b->first_delay);
	if (r == 0)
		r = take_delay(b, "retry_max_delay", &b->max_delay);
	b->delay = b->first_delay;
	return r;
}

static int bridge_start(struct ffsctl_host *host)
{
	struct bridge *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->host = host;
	host->state = b;
	b->queue = calloc(host->depth, sizeof(struct ffsctl_transfer *));
	b->gather = calloc(host->depth, sizeof(struct ffsctl_transfer *));
	if (!b->queue || !b->gather)
		return -ENOMEM;
	b->listener.fd = b->pending.fd = b->process.fd = -1;
	bridge_set_timers(b);
	signal(SIGPIPE, SIG_IGN); /* is an error of write() */
	r = take_options(b);
	if (r == 0)
		r = b->end->start(b);
	if (r < 0)
		return r;
	if (b->end->open)
		b->end->open(b);
	bridge_settle(b);
	return 0;
}

/* --- the link --- */

static void bridge_enable(struct ffsctl_host *host)
{
	struct bridge *b = host->state;

	b->up = true;
	in_link_is_new(b);
	out_link_is_new(b);
	bridge_settle(b);
}

static void bridge_disable(struct ffsctl_host *host)
{
	struct bridge *b = host->state;

	b->up = false;
	bridge_settle(b);
}

static void bridge_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	struct bridge *b = host->state;

	if (t->status && t->status != -ESHUTDOWN && t->status != -ECANCELED) {
		/* The next worker begins anew, and the host sees a halt. */
		host->call->log(host, FFSCTL_LOG_ERROR, "a transfer on endpoint %s failed: %s",
				host->endpoints[t->endpoint]->name, strerror(-t->status));
		host->call->exit(host, 1);
	}
	if (host->endpoints[t->endpoint]->direction == FFSCTL_IN)
		in_done(b, t);
	else
		out_done(b, t);
	bridge_settle(b);
}

static void bridge_stop(struct ffsctl_host *host)
{
	struct bridge *b = host->state;

	b->stopping = true;
	if (!b->end->stop || b->end->stop(b))
		host->call->exit(host, 0);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "bridge",
	.summary = "bytes or messages to and from a socket, a tty, FIFOs or a program",
	.options = options,
	.needs = FFSCTL_NEED_NETWORK | FFSCTL_NEED_FILES | FFSCTL_NEED_PROGRAMS,
	/* Also for bytes: a message's end is what tells the host that nothing follows for now. */
	.mode = FFSCTL_MODE_MESSAGE,
	.transfer_size = 65536,
	.depth = 8,
	.start = bridge_start,
	.enable = bridge_enable,
	.disable = bridge_disable,
	.done = bridge_done,
	.stop = bridge_stop,
};
