/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugin for the tests, which makes all calls that loopback does not make, on request of the
 * host.
 *
 * The vendor requests to the interface: 1 returns the data that 2 has written. 3 logs wValue and
 * the options. 4 ends the process with exit status wValue. 5 reports statistics. 6 cancels all OUT
 * transfers. 7 returns how many transfers were cancelled. 8 is never answered. 9 is answered by a
 * timer after wValue ms. 10 makes three watched descriptors ready at the same time; the first
 * ready() unwatches all of them; the answer is the number of calls of ready(). 11 returns `index`,
 * `function_index` and `index_origin`. 12 halts endpoint wValue and returns the errno. 13 submits
 * an IN transfer of wValue bytes. 14 returns the length of the last OUT transfer. Other requests
 * are stalled. After 15 each SUSPEND wakes the host.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ffsctl/plugin.h>

static unsigned char kept[4096];
static size_t n_kept;
static unsigned int out, taken_back; /* transfers */
static unsigned char last_length;    /* of an OUT transfer */
static uint32_t cancelling; /* id of request 6, which is answered when all transfers have ended */

static struct ffsctl_timer timer, counter;
static struct ffsctl_watch watches[3];
static uint32_t answer; /* id of request 9 or 10 */
static unsigned char served;
static bool wakes;

static const char *const modes[] = { "calm", "wild", NULL };

static const struct ffsctl_option options[] = {
	{
		.name = "text",
		.type = FFSCTL_OPTION_STRING,
		.default_value = "nothing",
		.doc = "said by request 3",
	},
	{
		.name = "count",
		.type = FFSCTL_OPTION_INT,
		.default_value = "7",
		.min = 0,
		.max = 100,
		.doc = "a number",
	},
	{ .name = "room", .type = FFSCTL_OPTION_SIZE, .default_value = "64K", .doc = "a size" },
	{ .name = "ratio", .type = FFSCTL_OPTION_FLOAT, .default_value = "0.5", .doc = "a ratio" },
	{ .name = "late",
	  .type = FFSCTL_OPTION_BOOL,
	  .default_value = "false",
	  .doc = "READY at bind" },
	{ .name = "mode", .type = FFSCTL_OPTION_STRING, .choices = modes, .doc = "one of two" },
	{ .name = "fail",
	  .type = FFSCTL_OPTION_BOOL,
	  .default_value = "false",
	  .doc = "do not start" },
	{ 0 },
};

static int probe_start(struct ffsctl_host *host)
{
	if (host->call->option_int(host, "fail")) {
		host->call->log(host, FFSCTL_LOG_ERROR, "told to fail");
		return -EINVAL;
	}
	if (!host->call->option_int(host, "late"))
		host->call->ready(host);
	return 0;
}

static void submit_all(struct ffsctl_host *host, uint32_t endpoint)
{
	struct ffsctl_transfer *t;

	while ((t = host->call->get_transfer(host, endpoint))) {
		if (host->call->submit(host, endpoint, t) < 0) {
			host->call->release_transfer(host, t);
			return;
		}
		out++;
	}
}

static void probe_enable(struct ffsctl_host *host)
{
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++)
		if (host->endpoints[i]->direction == FFSCTL_OUT)
			submit_all(host, i);
}

static void probe_disable(struct ffsctl_host *host)
{
	host->call->log(host, FFSCTL_LOG_NOTE, "down");
}

static void probe_done(struct ffsctl_host *host, struct ffsctl_transfer *t)
{
	bool is_out = host->endpoints[t->endpoint]->direction == FFSCTL_OUT;

	taken_back += t->status == -ECANCELED;
	if (is_out && t->status == 0)
		last_length = (unsigned char)t->length;
	host->call->release_transfer(host, t);
	if (!is_out)
		return;
	if (--out == 0 && cancelling) {
		host->call->accept_control_request(host, cancelling);
		cancelling = 0;
	}
}

static void submit_in(struct ffsctl_host *host, size_t length)
{
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++) {
		struct ffsctl_transfer *t;

		if (host->endpoints[i]->direction == FFSCTL_OUT)
			continue;
		t = host->call->get_transfer(host, i);
		t->length = length;
		if (host->call->submit(host, i, t) < 0)
			host->call->release_transfer(host, t);
	}
}

static void cancel_all(struct ffsctl_host *host)
{
	uint32_t i;

	for (i = 0; i < host->n_endpoints; i++)
		host->call->cancel(host, i);
}

static void on_timer(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	host->call->reply_to_control_request(
		host, answer, t == &counter ? &served : (const unsigned char *)"t", 1);
}

static void on_ready(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	uint32_t i;

	served += w->fd >= 0 && events == EPOLLIN;
	for (i = 0; i < 3; i++) {
		host->call->unwatch(host, &watches[i]);
		close(watches[i].fd);
		watches[i].fd = -1;
	}
	/* The timer fires after the other descriptors that are ready in this round. */
	host->call->timer_start(host, &counter, 0);
}

static void watch_all(struct ffsctl_host *host)
{
	uint32_t i;

	served = 0;
	for (i = 0; i < 3; i++) {
		watches[i].fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
		watches[i].events = EPOLLIN;
		watches[i].ready = on_ready;
		host->call->watch(host, &watches[i]);
	}
}

static void probe_setup(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup)
{
	const struct ffsctl_calls *call = host->call;
	unsigned char n, index[5];

	switch (setup->request) {
	case 1:
		call->reply_to_control_request(host, id, kept,
					       n_kept < setup->length ? n_kept : setup->length);
		return;
	case 2:
		call->accept_control_request(host, id); /* probe_setup_data() gets the data */
		return;
	case 3:
		call->log(host, FFSCTL_LOG_NOTE, "%u %s %d %d %.2f %s", setup->value,
			  call->option_string(host, "text"), (int)call->option_int(host, "count"),
			  (int)call->option_int(host, "room"), call->option_float(host, "ratio"),
			  host->function);
		call->accept_control_request(host, id);
		return;
	case 4:
		call->accept_control_request(host, id);
		call->exit(host, setup->value);
		return;
	case 5:
		call->stats(host, "{\"kept\": 1}");
		call->accept_control_request(host, id);
		return;
	case 6:
		cancelling = id;
		cancel_all(host);
		return;
	case 7:
		n = (unsigned char)taken_back;
		call->reply_to_control_request(host, id, &n, 1);
		return;
	case 8:
		return;
	case 9:
		answer = id;
		timer.fired = on_timer;
		call->timer_start(host, &timer, 60000); /* the next line sets it again */
		call->timer_start(host, &timer, setup->value);
		return;
	case 10:
		answer = id;
		counter.fired = on_timer;
		watch_all(host);
		return;
	case 11:
		memcpy(index, &setup->index, 2);
		memcpy(index + 2, &setup->function_index, 2);
		index[4] = (unsigned char)setup->index_origin;
		call->reply_to_control_request(host, id, index, sizeof(index));
		return;
	case 12:
		n = (unsigned char)-call->halt(host, setup->value);
		call->reply_to_control_request(host, id, &n, 1);
		return;
	case 13:
		submit_in(host, setup->value);
		call->accept_control_request(host, id);
		return;
	case 14:
		call->reply_to_control_request(host, id, &last_length, 1);
		return;
	case 15:
		wakes = true;
		call->accept_control_request(host, id);
		return;
	default:
		call->stall_control_request(host, id);
	}
}

static void probe_setup_data(struct ffsctl_host *host, uint32_t id, const void *data, size_t length)
{
	(void)host;
	(void)id;
	n_kept = length < sizeof(kept) ? length : sizeof(kept);
	memcpy(kept, data, n_kept);
}

static void probe_event(struct ffsctl_host *host, enum ffsctl_event_type event)
{
	if (event == FFSCTL_EVENT_BIND)
		host->call->ready(host);
	if (event == FFSCTL_EVENT_SUSPEND && wakes)
		host->call->wakeup(host);
}

static void probe_stop(struct ffsctl_host *host)
{
	host->call->log(host, FFSCTL_LOG_NOTE, "stopping");
	host->call->exit(host, 0);
}

FFSCTL_PLUGIN = {
	FFSCTL_PLUGIN_HEAD,
	.name = "probe",
	.summary = "for the tests of ffsctl",
	.framing = FFSCTL_FRAMING_STREAM,
	.options = options,
	.needs = FFSCTL_NEED_PROGRAMS,
	.transfer_size = 4096,
	.transfers_per_endpoint = 3,
	.reports_ready = 1,
	.start = probe_start,
	.enable = probe_enable,
	.disable = probe_disable,
	.done = probe_done,
	.setup = probe_setup,
	.setup_data = probe_setup_data,
	.event = probe_event,
	.stop = probe_stop,
};
