/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop of the plugin host: connects the plugin, the stream and the control socket. */
#include "plugin-host/state.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsctl/control.h"

#define MAX_EVENTS 16 /* events of one epoll_wait() */
#define LINK_EVENTS 3 /* BIND, ENABLE and SUSPEND: enough to describe the state of a link */
#define MAX_ROUNDS 16 /* rounds of data before other descriptors are handled */

static void on_up(void *user)
{
	struct plugin_host *h = user;

	h->pub.speed = h->stream.speed;
	if (h->plugin->enable)
		h->plugin->enable(&h->pub);
}

static void on_down(void *user)
{
	struct plugin_host *h = user;

	h->pub.speed = FFSCTL_SPEED_UNKNOWN;
	if (h->plugin->disable)
		h->plugin->disable(&h->pub);
}

#define TRAFFIC_MS 1000 /* time between TRAFFIC messages; ffsctl uses at most one per second */

/* Sends the number of bytes moved. A lost message does not matter, because every message has the
   totals. */
static void send_traffic(struct ffsctl_host *pub, struct ffsctl_timer *t _unused_)
{
	struct plugin_host *h = (struct plugin_host *)pub;
	size_t size = h->pub.n_endpoints * sizeof(*h->bytes_moved);
	_cleanup_free_ uint64_t *body = xcalloc(1, size);

	for (unsigned int i = 0; i < h->pub.n_endpoints; i++)
		body[i] = htole64(h->bytes_moved[i]);
	plugin_host_send(h, FFSCTL_MSG_TRAFFIC, 0, body, size);
}

static void count_bytes(struct plugin_host *h, const struct ffsctl_transfer *t)
{
	if (t->status != 0 || t->length == 0)
		return;
	h->bytes_moved[t->endpoint] += t->length;
	if (!h->traffic_timer.running)
		plugin_host_timer_start(h, &h->traffic_timer, TRAFFIC_MS);
}

static void on_done(void *user, struct ffsctl_transfer *t)
{
	struct plugin_host *h = user;

	count_bytes(h, t);
	if (h->plugin->done)
		h->plugin->done(&h->pub, t);
	else
		stream_put(&h->stream, t);
}

static void on_log(void *user, const char *text)
{
	struct plugin_host *h = user;

	plugin_host_log(h, text);
	h->stream_logged = true;
}

static const struct stream_callbacks callbacks = {
	.up = on_up,
	.down = on_down,
	.done = on_done,
	.log = on_log,
};

static int fail_with_errno(struct plugin_host *h, int r, const char *what)
{
	fprintf(stderr, "%s: error: cannot %s: %s\n", h->plugin->name, what, errno_words(-r));
	return r;
}

/* Checks that a packet fits into a buffer: otherwise data of the host would be lost. */
static int check_transfer_size(const struct plugin_host *h, const struct worker_config *config)
{
	unsigned int i, speed;

	for (i = 0; i < config->n_endpoints; i++) {
		for (speed = 0; speed < ARRAY_SIZE(config->endpoints[i].packet); speed++) {
			if (config->endpoints[i].packet[speed] <= h->pub.transfer_size)
				continue;
			fprintf(stderr,
				"%s: error: io.size is %u, less than a packet of endpoint %s "
				"(%u)\n",
				h->plugin->name, h->pub.transfer_size, config->endpoints[i].name,
				config->endpoints[i].packet[speed]);
			return -EINVAL;
		}
	}
	return 0;
}

static int open_endpoints(struct plugin_host *h, const struct worker_config *config,
			  const struct worker_fds *fds)
{
	unsigned int i, n = config->n_endpoints;

	h->stream_endpoints = xcalloc(n, sizeof(*h->stream_endpoints));
	h->bytes_moved = xcalloc(n, sizeof(*h->bytes_moved));
	h->traffic_timer.fired = send_traffic;
	h->endpoints = xcalloc(n, sizeof(*h->endpoints));
	for (i = 0; i < n; i++) {
		const struct worker_endpoint *from = &config->endpoints[i];
		struct stream_endpoint *ep = &h->stream_endpoints[i];

		ep->fd = fds->endpoints + (int)i;
		ep->pub = (struct ffsctl_endpoint){
			.name = from->name,
			.address = from->address,
			.type = from->type,
			.direction = from->direction,
		};
		memcpy(ep->packet_size, from->packet, sizeof(ep->packet_size));
		h->endpoints[i] = &ep->pub;
		/* Needed even if the gadget file sets `blocking`: io_submit() must not wait for
		   the host. */
		if (fcntl(ep->fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return fail_with_errno(h, -errno, "use the endpoint descriptors");
	}
	return 0;
}

/* Prints why the engine cannot be opened. `r`: the errno of its open(), which is returned. */
static int explain_open_failure(struct plugin_host *h, const struct stream_engine *engine, int r)
{
	const struct stream_failure *f = engine->failures;

	while (f->error && f->error != -r)
		f++;
	fail_with_errno(h, r, f->what);
	if (f->hint)
		fprintf(stderr, "hint: %s\n", f->hint);
	return r;
}

static int open_stream(struct plugin_host *h, const struct worker_config *config,
		       const struct worker_fds *fds)
{
	const struct ffsctl_plugin *p = h->plugin;
	struct stream_config sc = {
		.callbacks = &callbacks,
		.user = h,
		.mode = p->mode,
		.size = h->pub.transfer_size,
		.depth = h->pub.depth,
		.out_length = p->out_length,
		.dmabuf_fd = fds->dmabuf,
		.dmabuf_heap = fds->dmabuf_heap,
	};
	int r;

	if (sc.out_length > sc.size) {
		fprintf(stderr,
			"%s: error: io.size is %zu, less than the plugin's OUT transfers (%zu)\n",
			p->name, sc.size, sc.out_length);
		return -EINVAL;
	}
	r = stream_open_first(&h->stream, &sc, config->engine, h->stream_endpoints,
			      config->n_endpoints);
	if (!sc.engine)
		fprintf(stderr, "%s: error: unknown I/O engine '%s'\n", p->name, config->engine);
	return r < 0 && sc.engine ? explain_open_failure(h, sc.engine, r) : r;
}

static int open_loop(struct plugin_host *h)
{
	sigset_t term;
	int r;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	h->signals = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->signals < 0 || h->epoll < 0)
		return fail_with_errno(h, -errno, "open descriptors");
	r = plugin_host_watch_fd(h, h->control, EPOLLIN, PLUGIN_HOST_FD_CONTROL);
	if (r >= 0)
		r = plugin_host_watch_fd(h, h->signals, EPOLLIN, PLUGIN_HOST_FD_SIGNALS);
	/* Edge-triggered, so that the counter of the stream's eventfd need not be read. */
	if (r >= 0)
		r = plugin_host_watch_fd(h, stream_fd(&h->stream), EPOLLIN | EPOLLET,
					 PLUGIN_HOST_FD_STREAM);
	return r < 0 ? fail_with_errno(h, r, "watch descriptors") : 0;
}

/* Handles one batch of events. Completions of transfers come after control messages, even if the
   transfers ended before the messages were sent. */
static void handle_events(struct plugin_host *h, const struct epoll_event *ev, int n)
{
	bool seen[PLUGIN_HOST_FD_PLUGIN] = { false };
	int i;

	for (i = 0; i < n; i++)
		if (ev[i].data.u64 < PLUGIN_HOST_FD_PLUGIN)
			seen[ev[i].data.u64] = true;
	if (seen[PLUGIN_HOST_FD_SIGNALS])
		plugin_host_stop(h);
	if (seen[PLUGIN_HOST_FD_CONTROL])
		plugin_host_receive(h);
	for (i = 0; i < n && !h->exiting; i++)
		plugin_host_watch_ready(h, ev[i].data.u64, ev[i].events);
	if (seen[PLUGIN_HOST_FD_STREAM] && !h->exiting)
		stream_dispatch(&h->stream);
}

/* Delivers completions without a system call, at most MAX_ROUNDS times, because other descriptors
   are waiting. */
static void serve_data(struct plugin_host *h, bool *more)
{
	unsigned int round;

	*more = stream_flush(&h->stream);
	for (round = 0; round < MAX_ROUNDS && !h->exiting && stream_has_completions(&h->stream);
	     round++) {
		stream_dispatch(&h->stream);
		*more = stream_flush(&h->stream);
	}
}

static int run_loop(struct plugin_host *h)
{
	struct epoll_event ev[MAX_EVENTS];
	bool more;
	int n;

	while (!h->exiting) {
		serve_data(h, &more);
		if (h->exiting)
			break;
		if (h->stream_logged)
			plugin_host_update_method(h);
		n = epoll_wait(h->epoll, ev, MAX_EVENTS, more ? 0 : plugin_host_timer_wait_ms(h));
		if (n < 0 && errno != EINTR) {
			fail_with_errno(h, -errno, "wait for events");
			return 1;
		}
		handle_events(h, ev, n);
		plugin_host_fire_timers(h);
	}
	return h->exit_status;
}

/*
 * Handles the link events that were sent before the worker started. If the host has enabled the
 * function already, for example before the last worker crashed, transfers are submitted before
 * READY is sent.
 */
static void handle_queued_events(struct plugin_host *h)
{
	bool more;

	for (int i = 0; i < LINK_EVENTS && !h->exiting && plugin_host_receive(h); i++)
		;
	if (!h->exiting)
		serve_data(h, &more);
}

static int run(struct plugin_host *h)
{
	int r;

	if (h->plugin->start) {
		r = h->plugin->start(&h->pub);
		if (r < 0)
			return WORKER_EXIT_NEVER;
	}
	handle_queued_events(h);
	if (!h->plugin->late_ready && !h->exiting)
		plugin_host_ready(h);
	return run_loop(h);
}

int plugin_host_run(const struct ffsctl_plugin *plugin, const struct worker_config *config,
		    const struct worker_fds *fds, const struct option_values *options)
{
	struct plugin_host h = { .plugin = plugin, .options = options, .control = fds->control };
	int status = WORKER_EXIT_NEVER;

	h.epoll = h.signals = -1;
	if (open_endpoints(&h, config, fds) < 0)
		goto out;
	h.pub = (struct ffsctl_host){
		.size = sizeof(h.pub),
		.call = &plugin_host_calls,
		.gadget = config->gadget,
		.function = config->function,
		.mount = config->mount,
		.endpoints = h.endpoints,
		.n_endpoints = config->n_endpoints,
		.transfer_size = config->size		 ? config->size
				 : plugin->transfer_size ? plugin->transfer_size
							 : DEFAULT_SIZE,
		.depth = config->depth	 ? config->depth
			 : plugin->depth ? plugin->depth
					 : DEFAULT_DEPTH,
	};
	if (check_transfer_size(&h, config) < 0 || open_stream(&h, config, fds) < 0)
		goto out;
	if (open_loop(&h) >= 0)
		status = run(&h);
	stream_close(&h.stream);
out:
	if (h.epoll >= 0)
		close(h.epoll);
	if (h.signals >= 0)
		close(h.signals);
	free(h.slots);
	free(h.stream_endpoints);
	free(h.bytes_moved);
	free(h.endpoints);
	return status;
}
