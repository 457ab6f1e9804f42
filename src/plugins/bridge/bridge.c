/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin bridge connects the IN and OUT endpoint of a function with a socket, a tty, FIFOs or a
 * program. The data is a stream of bytes or consists of messages. Only the buffers of transfers
 * hold data: if the receiver of a direction does not read, its sender must wait.
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

static const char *const framing_choices[] = { "none", "length", "packet", NULL };
static const char *const without_client_choices[] = { "wait", "discard", NULL };
static const char *const flow_control_choices[] = { "none", "hardware", "software", NULL };

static const struct ffsctl_option options[] = {
	{ .name = "listen",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "accept clients at \"tcp:ADDRESS:PORT\" (\"*\": every address) or "
		 "\"unix:PATH\" (\"@NAME\": abstract)" },
	{ .name = "connect",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "connect to \"tcp:HOST:PORT\" or \"unix:PATH\"" },
	{ .name = "tty", .type = FFSCTL_OPTION_STRING, .doc = "path of a tty" },
	{ .name = "fifo_in",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "path of a FIFO: data written to it is sent to the host" },
	{ .name = "fifo_out",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "path of a FIFO: data of the host can be read from it" },
	{ .name = "command",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "a program and its arguments, separated by blanks, started without a shell: "
		 "reads the host's data from stdin, sends its stdout to the host" },
	{ .name = "framing",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "none",
	  .choices = framing_choices,
	  .doc = "none: bytes; length: messages, each after a little-endian 32-bit length; "
		 "packet: messages, each a packet of a SOCK_SEQPACKET socket" },
	{ .name = "clients",
	  .type = FFSCTL_OPTION_INT,
	  .default_value = "1",
	  .min = 1,
	  .max = 64,
	  .doc = "listen: the number of clients served at once; others wait" },
	{ .name = "without_client",
	  .type = FFSCTL_OPTION_STRING,
	  .default_value = "wait",
	  .choices = without_client_choices,
	  .doc = "wait: keep the host's data until a client connects; discard: drop it" },
	{ .name = "socket_mode",
	  .type = FFSCTL_OPTION_STRING,
	  .doc = "listen, unix: access mode of the socket, octal; 0600 if not set" },
	{ .name = "baud",
	  .type = FFSCTL_OPTION_INT,
	  .min = 50,
	  .max = 100000000,
	  .doc = "tty: bits a second; 115200 if not set" },
	{ .name = "flow",
	  .type = FFSCTL_OPTION_STRING,
	  .choices = flow_control_choices,
	  .doc = "tty: flow control: none (default), hardware (RTS, CTS) or software (XON, XOFF)" },
	{ .name = "retry_delay",
	  .type = FFSCTL_OPTION_FLOAT,
	  .default_value = "1",
	  .doc = "seconds before a lost peer is connected, opened or started again; doubled "
		 "each time" },
	{ .name = "retry_max_delay",
	  .type = FFSCTL_OPTION_FLOAT,
	  .default_value = "30",
	  .doc = "the largest delay, in seconds" },
	{ 0 },
};

static const struct peer_type *const peer_types[] = { &peer_type_listen, &peer_type_connect,
						      &peer_type_tty, &peer_type_fifo,
						      &peer_type_command };

/* --- options --- */

int bridge_fail_start(struct bridge *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	b->host->call->log(b->host, FFSCTL_LOG_ERROR, "%s", text);
	return -EINVAL;
}

static const char *read_string_option(const struct bridge *b, const char *option)
{
	return b->host->call->option_string(b->host, option);
}

static bool peer_type_is_selected(const struct bridge *b, const struct peer_type *type)
{
	size_t i;

	for (i = 0; i < 2 && type->option_names[i]; i++)
		if (read_string_option(b, type->option_names[i]))
			return true;
	return false;
}

static int find_peer_type(struct bridge *b)
{
	size_t i;

	for (i = 0; i < sizeof(peer_types) / sizeof(peer_types[0]); i++) {
		if (!peer_type_is_selected(b, peer_types[i]))
			continue;
		if (b->peer_type)
			return bridge_fail_start(b, "options '%s' and '%s' exclude each other",
						 b->peer_type->option_names[0],
						 peer_types[i]->option_names[0]);
		b->peer_type = peer_types[i];
	}
	if (b->peer_type)
		return 0;
	return bridge_fail_start(b, "no peer: set one of the options 'listen', 'connect', 'tty', "
				    "'fifo_in', 'fifo_out' and 'command'");
}

static int find_endpoints(struct bridge *b)
{
	const struct ffsctl_endpoint *const *ep = b->host->endpoints;
	uint32_t i;

	for (i = 0; i < b->host->n_endpoints; i++) {
		bool is_in = ep[i]->direction == FFSCTL_IN;

		if (ep[i]->type == FFSCTL_ENDPOINT_ISO)
			return bridge_fail_start(
				b,
				"endpoint %s is isochronous: bridge only supports bulk "
				"and interrupt endpoints",
				ep[i]->name);
		if (is_in ? b->has_in_endpoint : b->has_out_endpoint)
			return bridge_fail_start(
				b,
				"endpoint %s is one too many: bridge supports one IN "
				"and one OUT endpoint",
				ep[i]->name);
		*(is_in ? &b->in_endpoint_index : &b->out_endpoint_index) = i;
		*(is_in ? &b->has_in_endpoint : &b->has_out_endpoint) = true;
	}
	return 0;
}

static int check_option_of_type(struct bridge *b, bool given, const char *option,
				const struct peer_type *type)
{
	if (!given || b->peer_type == type)
		return 0;
	return bridge_fail_start(b, "option '%s' can be used only with '%s', not with '%s'", option,
				 type->option_names[0], b->peer_type->option_names[0]);
}

static int check_options(struct bridge *b)
{
	int r = check_option_of_type(b, b->max_clients > 1, "clients", &peer_type_listen);

	if (r == 0)
		r = check_option_of_type(b, read_string_option(b, "socket_mode"), "socket_mode",
					 &peer_type_listen);
	if (r == 0)
		r = check_option_of_type(b, b->host->call->option_int(b->host, "baud") != 0, "baud",
					 &peer_type_tty);
	if (r == 0)
		r = check_option_of_type(b, read_string_option(b, "flow"), "flow", &peer_type_tty);
	if (r == 0 && b->framing == FRAMING_PACKET && b->peer_type != &peer_type_listen &&
	    b->peer_type != &peer_type_connect)
		return bridge_fail_start(b,
					 "framing \"packet\" is for Unix sockets, not for '%s'; "
					 "use \"length\"",
					 b->peer_type->option_names[0]);
	if (r == 0 && b->framing == FRAMING_LENGTH &&
	    b->max_clients > b->host->transfers_per_endpoint)
		return bridge_fail_start(
			b,
			"option 'clients' is %u; with framing \"length\" it must be at "
			"most io.depth (%" PRIu32 ")",
			b->max_clients, b->host->transfers_per_endpoint);
	return r;
}

static int read_delay_option(struct bridge *b, const char *option, uint32_t *ms)
{
	double s = b->host->call->option_float(b->host, option);

	if (!(s >= 0.01 && s <= DELAY_MAX_S))
		return bridge_fail_start(b, "option '%s' must be 0.01 to %g seconds, not %g",
					 option, DELAY_MAX_S, s);
	*ms = (uint32_t)(s * 1000 + 0.5);
	return 0;
}

static int choice_index(const char *text, const char *const *choices)
{
	int i = 0;

	while (strcmp(choices[i], text) != 0)
		i++;
	return i;
}

static int read_options(struct bridge *b)
{
	int r = find_peer_type(b);

	b->framing = (enum framing)choice_index(read_string_option(b, "framing"), framing_choices);
	b->discard_without_peer =
		choice_index(read_string_option(b, "without_client"), without_client_choices) == 1;
	b->max_clients = (unsigned int)b->host->call->option_int(b->host, "clients");
	if (r == 0)
		r = find_endpoints(b);
	if (r == 0)
		r = check_options(b);
	if (r == 0)
		r = read_delay_option(b, "retry_delay", &b->first_retry_delay_ms);
	if (r == 0)
		r = read_delay_option(b, "retry_max_delay", &b->max_retry_delay_ms);
	b->retry_delay_ms = b->first_retry_delay_ms;
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
	b->out_queue = calloc(host->transfers_per_endpoint, sizeof(struct ffsctl_transfer *));
	b->transfers_of_one_packet =
		calloc(host->transfers_per_endpoint, sizeof(struct ffsctl_transfer *));
	if (!b->out_queue || !b->transfers_of_one_packet)
		return -ENOMEM;
	b->listen_watch.fd = b->connect_watch.fd = b->command_end_watch.fd = -1;
	bridge_set_timer_callbacks(b);
	signal(SIGPIPE, SIG_IGN); /* so that write() fails with EPIPE */
	r = read_options(b);
	if (r == 0)
		r = b->peer_type->check_options_and_prepare(b);
	if (r < 0)
		return r;
	if (b->peer_type->open)
		b->peer_type->open(b);
	bridge_move_data_and_watch(b);
	return 0;
}

/* --- the link --- */

static void bridge_enable(struct ffsctl_host *host)
{
	struct bridge *b = host->state;

	b->link_up = true;
	in_drop_unfinished_messages(b);
	out_drop_unfinished_message(b);
	bridge_move_data_and_watch(b);
}

static void bridge_disable(struct ffsctl_host *host)
{
	struct bridge *b = host->state;

	b->link_up = false;
	bridge_move_data_and_watch(b);
}

static void bridge_transfer_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	struct bridge *b = host->state;

	/* After -EPIPE, the host has cleared a halt and goes on: only this transfer is dropped. */
	if (t->status && t->status != -ESHUTDOWN && t->status != -ECANCELED &&
	    t->status != -EPIPE) {
		/* After this worker has ended, ffsctl halts the endpoints and starts another
		   worker. */
		host->call->log(host, FFSCTL_LOG_ERROR, "a transfer on endpoint %s failed: %s",
				host->endpoints[t->endpoint]->name, strerror(-t->status));
		host->call->exit(host, 1);
	}
	if (host->endpoints[t->endpoint]->direction == FFSCTL_IN)
		in_transfer_done(b, t);
	else
		out_transfer_done(b, t);
	bridge_move_data_and_watch(b);
}

static void bridge_stop(struct ffsctl_host *host)
{
	struct bridge *b = host->state;

	b->stopping = true;
	if (!b->peer_type->stop || b->peer_type->stop(b))
		host->call->exit(host, 0);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "bridge",
	.summary = "connects endpoints with a socket, a tty, FIFOs or a program",
	.options = options,
	.needs = FFSCTL_NEED_NETWORK | FFSCTL_NEED_FILES | FFSCTL_NEED_PROGRAMS,
	/* This mode is necessary for framing "none", too: if the peer has no more data, the bridge
	   marks the transfer as the end of a message, so that a short packet or a ZLP completes the
	   host's transfer. */
	.framing = FFSCTL_FRAMING_MESSAGES,
	.transfer_size = 65536,
	.transfers_per_endpoint = 8,
	.start = bridge_start,
	.enable = bridge_enable,
	.disable = bridge_disable,
	.done = bridge_transfer_done,
	.stop = bridge_stop,
};
