/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin to begin your own with. It sends back every message of the host, each byte combined with
 * a number of the gadget file's (`options : { key = 32; }`), and counts for `ffsctl status`. The
 * number is also told by a control request.
 *
 *	cc -shared -fPIC $(pkg-config --cflags ffsctl) -o mine.so mine.c
 *
 * See README.md here, and ffsctl-plugin(3).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <ffsctl/plugin.h>

/* The endpoints in the order of mine.conf. */
enum { EP_OUT, EP_IN, N_ENDPOINTS };

#define REQUEST_KEY 1		   /* to the interface, vendor, IN: one byte */
#define TYPE_VENDOR_INTERFACE 0xc1 /* bmRequestType (USB 2.0, table 9-2) */
#define REPORT_MS 1000

struct mine {
	unsigned char key;
	unsigned long long messages, bytes;
	struct ffsctl_timer report;
};

static void report(struct ffsctl_host *host, struct ffsctl_timer *timer)
{
	struct mine *m = host->state;
	char json[100];

	snprintf(json, sizeof(json), "{\"messages\": %llu, \"bytes\": %llu}", m->messages,
		 m->bytes);
	host->call->stats(host, json);
	host->call->timer_start(host, timer, REPORT_MS);
}

static int mine_start(struct ffsctl_host *host)
{
	struct mine *m;

	if (host->n_endpoints != N_ENDPOINTS || host->endpoints[EP_OUT]->direction != FFSCTL_OUT ||
	    host->endpoints[EP_IN]->direction != FFSCTL_IN) {
		host->call->log(host, FFSCTL_LOG_ERROR, "it takes an OUT and an IN endpoint");
		return -EINVAL;
	}
	m = host->state = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->key = (unsigned char)host->call->option_int(host, "key");
	m->report.fired = report;
	report(host, &m->report);
	return 0;
}

/* What cannot be submitted is put back: the link has just gone, and comes with a new enable(). */
static void submit(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t)
{
	if (host->call->submit(host, endpoint, t) < 0)
		host->call->put(host, t);
}

/* The host is there: all buffers wait for what it sends. */
static void mine_enable(struct ffsctl_host *host)
{
	struct ffsctl_transfer *t;

	while ((t = host->call->get(host, EP_OUT)))
		submit(host, EP_OUT, t);
}

/* Each buffer goes round: filled by the host, sent to it, filled again. */
static void mine_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	struct mine *m = host->state;
	unsigned char *data = t->data;
	size_t i;

	if (t->status < 0) {
		if (t->status != -ESHUTDOWN && t->status != -ECANCELED) {
			host->call->log(host, FFSCTL_LOG_ERROR, "a transfer failed with error %d",
					-t->status);
			host->call->exit(host, 1); /* and be started anew */
		}
		host->call->put(host, t);
	} else if (t->endpoint == EP_OUT) {
		for (i = 0; i < t->length; i++)
			data[i] ^= m->key;
		m->bytes += t->length;
		m->messages += (t->flags & FFSCTL_END) != 0;
		submit(host, EP_IN, t); /* with the FFSCTL_END that it came with */
	} else {
		submit(host, EP_OUT, t);
	}
}

static void mine_setup(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup)
{
	const struct mine *m = host->state;

	if (setup->request_type == TYPE_VENDOR_INTERFACE && setup->request == REQUEST_KEY &&
	    setup->length > 0)
		host->call->reply(host, id, &m->key, 1);
	else
		host->call->stall(host, id);
}

static const struct ffsctl_option options[] = {
	{
		.name = "key",
		.type = FFSCTL_OPTION_INT,
		.default_value = "0",
		.doc = "each byte is combined with it, by exclusive or",
		.min = 0,
		.max = 255,
	},
	{ 0 },
};

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "mine",
	.summary = "sends back every message, changed by a key",
	.options = options,
	.mode = FFSCTL_MODE_MESSAGE,
	.start = mine_start,
	.enable = mine_enable,
	.done = mine_done,
	.setup = mine_setup,
};
