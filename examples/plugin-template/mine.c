/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A template for plugins. It sends back every message of the host, each byte combined with a number
 * of the gadget file (`options : { key = 32; }`), and counts for `ffsctl status`. A control request
 * returns the number.
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
		host->call->log(host, FFSCTL_LOG_ERROR,
				"mine needs an OUT and an IN endpoint, in this order");
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

/* If the link is down the transfer is put back; enable() will be called again. */
static void submit(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t)
{
	if (host->call->submit(host, endpoint, t) < 0)
		host->call->release_transfer(host, t);
}

/* The link is up: submits all transfers of the OUT endpoint. */
static void mine_enable(struct ffsctl_host *host)
{
	struct ffsctl_transfer *t;

	while ((t = host->call->get_transfer(host, EP_OUT)))
		submit(host, EP_OUT, t);
}

/* The host fills a buffer, the buffer is sent back, and then filled again. */
static void mine_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	struct mine *m = host->state;
	unsigned char *data = t->data;
	size_t i;

	if (t->status < 0) {
		if (t->status != -ESHUTDOWN && t->status != -ECANCELED) {
			host->call->log(host, FFSCTL_LOG_ERROR, "a transfer failed with error %d",
					-t->status);
			host->call->exit(host, 1); /* ffsctl restarts the worker */
		}
		host->call->release_transfer(host, t);
	} else if (t->endpoint == EP_OUT) {
		for (i = 0; i < t->length; i++)
			data[i] ^= m->key;
		m->bytes += t->length;
		m->messages += (t->flags & FFSCTL_END) != 0;
		submit(host, EP_IN, t); /* FFSCTL_END stays set */
	} else {
		submit(host, EP_OUT, t);
	}
}

static void mine_setup(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup)
{
	const struct mine *m = host->state;

	if (setup->request_type == TYPE_VENDOR_INTERFACE && setup->request == REQUEST_KEY &&
	    setup->length > 0)
		host->call->reply_to_control_request(host, id, &m->key, 1);
	else
		host->call->stall_control_request(host, id);
}

static const struct ffsctl_option options[] = {
	{
		.name = "key",
		.type = FFSCTL_OPTION_INT,
		.default_value = "0",
		.doc = "combined with each byte by exclusive or",
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
	.framing = FFSCTL_FRAMING_MESSAGES,
	.start = mine_start,
	.enable = mine_enable,
	.done = mine_done,
	.setup = mine_setup,
};
