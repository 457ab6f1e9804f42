/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugin for the tests: like loopback, but it copies the data of each OUT transfer to a buffer of
 * the IN endpoint. So both endpoints use their own buffers, as the engine dmabuf needs. It is built
 * a second time with an OUT_LENGTH, which dmabuf needs for OUT transfers.
 */
#include <errno.h>
#include <string.h>

#include <ffsctl/plugin.h>

#ifndef OUT_LENGTH
#define OUT_LENGTH 0
#endif
#define DEPTH_MAX 64

static uint32_t in, out;
/* Completed OUT transfers that wait for a buffer of the IN endpoint, in order. */
static struct ffsctl_transfer *waiting[DEPTH_MAX];
static unsigned int first, n_waiting;

static void submit(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t)
{
	if (host->call->submit(host, endpoint, t) < 0)
		host->call->release_transfer(host, t); /* the link is down */
}

static void copy(struct ffsctl_host *host)
{
	struct ffsctl_transfer *from, *to;

	while (n_waiting && (to = host->call->get_transfer(host, in))) {
		from = waiting[first];
		first = (first + 1) % DEPTH_MAX;
		n_waiting--;
		memcpy(to->data, from->data, from->length);
		to->length = from->length;
		to->flags = from->flags;
		submit(host, in, to);
		submit(host, out, from);
	}
}

static int copyback_start(struct ffsctl_host *host)
{
	in = host->endpoints[0]->direction == FFSCTL_IN ? 0 : 1;
	out = 1 - in;
	return host->n_endpoints == 2 && host->transfers_per_endpoint <= DEPTH_MAX ? 0 : -1;
}

static void copyback_enable(struct ffsctl_host *host)
{
	struct ffsctl_transfer *t;

	while ((t = host->call->get_transfer(host, out)))
		submit(host, out, t);
}

static void copyback_disable(struct ffsctl_host *host)
{
	while (n_waiting) {
		host->call->release_transfer(host, waiting[first]);
		first = (first + 1) % DEPTH_MAX;
		n_waiting--;
	}
}

static void copyback_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	if (t->endpoint == out && t->status == 0) {
		waiting[(first + n_waiting++) % DEPTH_MAX] = t;
	} else {
		if (t->status && t->status != -ESHUTDOWN)
			host->call->exit(host, 1);
		host->call->release_transfer(host, t);
	}
	copy(host);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "copyback",
	.summary = "for the tests of ffsctl",
	.framing = FFSCTL_FRAMING_MESSAGES,
	.out_transfer_length = OUT_LENGTH,
	.start = copyback_start,
	.enable = copyback_enable,
	.disable = copyback_disable,
	.done = copyback_done,
};
