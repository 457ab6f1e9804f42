/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends every message of the host back: the n-th IN endpoint sends the data that the n-th OUT
 * endpoint has received. The same buffer is used for both directions. All buffers of an endpoint
 * together hold io.size × io.depth bytes; to send more, the host must receive at the same time.
 */
#include <errno.h>

#include <ffsctl/plugin.h>

/* Ends with an empty row, like the table of every plugin. */
static const struct ffsctl_option options[] = {
	{ 0 },
};

/* Returns the index of the n-th endpoint of this direction, counted from 0; host->n_endpoints if
   there are fewer. */
static uint32_t nth_endpoint(const struct ffsctl_host *host, enum ffsctl_direction direction,
			     uint32_t n)
{
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++)
		if (host->endpoints[i]->direction == direction && n-- == 0)
			break;
	return i;
}

/* Returns the index of the endpoint that is paired with `endpoint`: if that is the n-th endpoint
   of its direction, the n-th endpoint of the other direction. Returns host->n_endpoints if there
   is none. */
static uint32_t paired_endpoint(const struct ffsctl_host *host, uint32_t endpoint)
{
	enum ffsctl_direction direction = host->endpoints[endpoint]->direction;
	uint32_t i, n = 0;

	for (i = 0; i < endpoint; i++)
		n += host->endpoints[i]->direction == direction;
	return nth_endpoint(host, direction == FFSCTL_OUT ? FFSCTL_IN : FFSCTL_OUT, n);
}

static int loopback_start(struct ffsctl_host *host)
{
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++) {
		if (paired_endpoint(host, i) < host->n_endpoints)
			continue;
		host->call->log(
			host, FFSCTL_LOG_ERROR,
			"endpoint %s has no partner: loopback needs as many IN as OUT endpoints",
			host->endpoints[i]->name);
		return -EINVAL;
	}
	return 0;
}

static void submit_or_give_back(struct ffsctl_host *host, uint32_t endpoint,
				struct ffsctl_transfer *t)
{
	if (host->call->submit(host, endpoint, t) < 0)
		host->call->release_transfer(host,
					     t); /* submit() failed because the link is down */
}

static void loopback_enable(struct ffsctl_host *host)
{
	struct ffsctl_transfer *t;
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++) {
		if (host->endpoints[i]->direction == FFSCTL_IN)
			continue;
		while ((t = host->call->get_transfer(host, i)))
			submit_or_give_back(host, i, t);
	}
}

static void loopback_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	if (t->status == 0) {
		/* If FFSCTL_END is set, it stays set, so that the message to the host ends at
		   the same byte as the message from the host. */
		submit_or_give_back(host, paired_endpoint(host, t->endpoint), t);
		return;
	}
	if (t->status == -EPIPE) {
		/* The host has cleared a halt. It begins again after that, so it is not sent what
		   it has missed. */
		submit_or_give_back(host,
				    host->endpoints[t->endpoint]->direction == FFSCTL_IN
					    ? paired_endpoint(host, t->endpoint)
					    : t->endpoint,
				    t);
		return;
	}
	if (t->status != -ESHUTDOWN && t->status != -ECANCELED) {
		/* The message cannot be completed. This worker ends, and the worker that
		   replaces it starts with a new message. */
		host->call->log(host, FFSCTL_LOG_ERROR,
				"a transfer on endpoint %s failed with error %d",
				host->endpoints[t->endpoint]->name, -t->status);
		host->call->exit(host, 1);
	}
	host->call->release_transfer(host, t);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "loopback",
	.summary = "sends back every message the host sends",
	.framing = FFSCTL_FRAMING_MESSAGES,
	.transfer_size = 65536,
	.transfers_per_endpoint = 8,
	.options = options,
	.start = loopback_start,
	.enable = loopback_enable,
	.done = loopback_done,
};
