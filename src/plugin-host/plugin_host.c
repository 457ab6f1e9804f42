/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop of the plugin host. It passes events between the plugin, the stream and the
   control socket. */
#include "plugin-host/plugin_host_state.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "ffsctl/control.h"

#define MAX_EVENTS 16 /* maximum number of events of one epoll_wait() */
#define LINK_EVENTS 3 /* BIND, ENABLE and SUSPEND report the link state to a new worker */
#define MAX_ROUNDS 16 /* maximum number of rounds of one deliver_completions() */

static void on_link_up(void *user)
{
	struct plugin_host *h = user;

	h->public.speed = h->stream.speed;
	if (h->plugin->enable)
		h->plugin->enable(&h->public);
	plugin_host_deliver_held_request(h);
}

static void on_link_down(void *user)
{
	struct plugin_host *h = user;

	h->public.speed = FFSCTL_SPEED_UNKNOWN;
	if (h->plugin->disable)
		h->plugin->disable(&h->public);
}

#define TRAFFIC_MS 1000 /* milliseconds between TRAFFIC messages; ffsctl uses one per second */

/* Sends the total number of bytes that each endpoint has moved. A lost message does not matter,
   because the next one has the new totals. */
static void report_traffic_totals(struct ffsctl_host *public, struct ffsctl_timer *t _unused_)
{
	struct plugin_host *h = (struct plugin_host *)public;
	size_t size = h->public.n_endpoints * sizeof(*h->endpoint_bytes);
	_cleanup_free_ uint64_t *body = xcalloc(1, size);

	for (unsigned int i = 0; i < h->public.n_endpoints; i++)
		body[i] = htole64(h->endpoint_bytes[i]);
	plugin_host_send(h, FFSCTL_MSG_TRAFFIC, 0, body, size);
}

static void count_moved_bytes(struct plugin_host *h, const struct ffsctl_transfer *t)
{
	if (t->status != 0 || t->length == 0)
		return;
	h->endpoint_bytes[t->endpoint] += t->length;
	if (!h->traffic_report_timer.running)
		plugin_host_timer_start(h, &h->traffic_report_timer, TRAFFIC_MS);
}

/*
 * Returns whether a transfer that has ended while the process ends is cut: an IN transfer that was
 * cancelled, unless it is an interrupt transfer of one packet, which is sent whole or not at all;
 * an OUT transfer that has got data, which the plugin does not get.
 */
static bool was_cut(const struct plugin_host *h, const struct ffsctl_transfer *t)
{
	const struct ffsctl_endpoint *ep = h->endpoints[t->endpoint];

	if (t->length == 0)
		return false;
	if (ep->direction == FFSCTL_OUT)
		return true;
	return t->status == -ECANCELED &&
	       (ep->type != FFSCTL_ENDPOINT_INTERRUPT || t->length > ep->max_packet);
}

void plugin_host_note_submitted(struct plugin_host *h, const struct ffsctl_transfer *t)
{
	h->unfinished[t->endpoint].n_transfers++;
}

static void note_ended(struct plugin_host *h, const struct ffsctl_transfer *t)
{
	struct unfinished_data *data = &h->unfinished[t->endpoint];

	data->n_transfers--;
	data->is_cut |= h->exiting && was_cut(h, t);
	if (h->endpoints[t->endpoint]->direction == FFSCTL_OUT && t->status != -ECANCELED)
		data->message_has_begun = h->plugin->framing == FFSCTL_FRAMING_MESSAGES &&
					  t->status == 0 && !(t->flags & FFSCTL_END);
}

/*
 * Cancels the transfers of an endpoint and waits until they have ended: the host may have read data
 * already, or sent some.
 */
static void cancel_transfers(struct plugin_host *h, unsigned int endpoint)
{
	struct pollfd pfd = { .fd = stream_completion_fd(&h->stream), .events = POLLIN };

	if (h->unfinished[endpoint].n_transfers == 0)
		return;
	stream_cancel_transfers(&h->stream, endpoint);
	do {
		fd_drain(pfd.fd);
		stream_handle_completions(&h->stream);
	} while (h->unfinished[endpoint].n_transfers > 0 && poll(&pfd, 1, -1) >= 0);
}

/* Reports the transfers that the end of the process cuts. Without such transfers, nothing. */
static void report_cut_transfers(struct plugin_host *h)
{
	unsigned int n = h->public.n_endpoints, n_cut = 0;
	_cleanup_free_ uint8_t *is_cut = xcalloc(n, 1);

	for (unsigned int i = 0; i < n; i++) {
		cancel_transfers(h, i);
		is_cut[i] = h->unfinished[i].is_cut || h->unfinished[i].message_has_begun;
		n_cut += is_cut[i];
	}
	if (n_cut > 0)
		plugin_host_send(h, FFSCTL_MSG_CUT, 0, is_cut, n);
}

static void on_transfer_done(void *user, struct ffsctl_transfer *t)
{
	struct plugin_host *h = user;

	count_moved_bytes(h, t);
	note_ended(h, t);
	if (h->exiting)
		return; /* the plugin has stopped */
	if (h->plugin->done)
		h->plugin->done(&h->public, t);
	else
		stream_release_transfer(&h->stream, t);
}

static void on_stream_log(void *user, const char *text)
{
	struct plugin_host *h = user;

	plugin_host_log(h, text);
	h->engine_may_have_changed = true;
}

static const struct stream_callbacks callbacks = {
	.link_up = on_link_up,
	.link_down = on_link_down,
	.transfer_done = on_transfer_done,
	.log = on_stream_log,
};

static int fail_with_errno(struct plugin_host *h, int r, const char *what)
{
	fprintf(stderr, "%s: error: cannot %s: %s\n", h->plugin->name, what, errno_words(-r));
	return r;
}

/* Checks that a packet fits into a buffer. Data from the host would otherwise be lost. */
static int check_transfer_size(const struct plugin_host *h, const struct worker_config *config)
{
	unsigned int i, speed;

	for (i = 0; i < config->n_endpoints; i++) {
		for (speed = 0; speed < ARRAY_SIZE(config->endpoints[i].packet_size); speed++) {
			if (config->endpoints[i].packet_size[speed] <= h->public.transfer_size)
				continue;
			fprintf(stderr,
				"%s: error: io.size is %u, less than a packet of endpoint %s "
				"(%u)\n",
				h->plugin->name, h->public.transfer_size, config->endpoints[i].name,
				config->endpoints[i].packet_size[speed]);
			return -EINVAL;
		}
	}
	return 0;
}

/* Fills the tables of endpoints, and makes their files, which ffsctl has opened, non-blocking. */
static int set_up_endpoints(struct plugin_host *h, const struct worker_config *config,
			    const struct passed_fds *fds)
{
	unsigned int i, n = config->n_endpoints;

	h->stream_endpoints = xcalloc(n, sizeof(*h->stream_endpoints));
	h->endpoint_bytes = xcalloc(n, sizeof(*h->endpoint_bytes));
	h->unfinished = xcalloc(n, sizeof(*h->unfinished));
	h->traffic_report_timer.fired = report_traffic_totals;
	h->endpoints = xcalloc(n, sizeof(*h->endpoints));
	for (i = 0; i < n; i++) {
		const struct worker_endpoint *from = &config->endpoints[i];
		struct stream_endpoint *ep = &h->stream_endpoints[i];

		ep->fd = fds->first_endpoint_fd + (int)i;
		ep->public = (struct ffsctl_endpoint){
			.name = from->name,
			.address = from->address,
			.type = from->type,
			.direction = from->direction,
		};
		memcpy(ep->packet_size, from->packet_size, sizeof(ep->packet_size));
		h->endpoints[i] = &ep->public;
		/* Sets O_NONBLOCK even if the gadget file sets `blocking`, because io_submit() must
		   not wait for the host. */
		if (fcntl(ep->fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return fail_with_errno(h, -errno, "make the endpoint files non-blocking");
	}
	return 0;
}

/* Prints the reason why the engine cannot be opened. `r`: the negative errno of open(). Returns
 * `r`. */
static int print_open_failure(struct plugin_host *h, const struct stream_engine *engine, int r)
{
	const struct stream_open_failure *f = engine->open_failures;

	while (f->errno_value && f->errno_value != -r)
		f++;
	fail_with_errno(h, r, f->failed_action);
	if (f->hint)
		fprintf(stderr, "hint: %s\n", f->hint);
	return r;
}

static int open_stream(struct plugin_host *h, const struct worker_config *config,
		       const struct passed_fds *fds)
{
	const struct ffsctl_plugin *p = h->plugin;
	struct stream_config sc = {
		.callbacks = &callbacks,
		.callback_data = h,
		.framing = p->framing,
		.buffer_size = h->public.transfer_size,
		.transfers_per_endpoint = h->public.transfers_per_endpoint,
		.out_transfer_length = p->out_transfer_length,
		.dmabuf_device_fd = fds->dmabuf_device_fd,
		.dmabuf_device_is_heap = fds->dmabuf_device_is_heap,
	};
	int r;

	if (sc.out_transfer_length > sc.buffer_size) {
		fprintf(stderr,
			"%s: error: io.size is %zu, less than the plugin's OUT transfers (%zu)\n",
			p->name, sc.buffer_size, sc.out_transfer_length);
		return -EINVAL;
	}
	r = stream_choose_engine_and_open(&h->stream, &sc, config->engine_name, h->stream_endpoints,
					  config->n_endpoints);
	if (!sc.engine)
		fprintf(stderr, "%s: error: unknown I/O engine '%s'\n", p->name,
			config->engine_name);
	return r < 0 && sc.engine ? print_open_failure(h, sc.engine, r) : r;
}

static int open_event_loop(struct plugin_host *h)
{
	sigset_t term;
	int r;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	h->signal_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->signal_fd < 0 || h->epoll_fd < 0)
		return fail_with_errno(h, -errno, "create the event loop");
	r = plugin_host_watch_fd(h, h->control_fd, EPOLLIN, PLUGIN_HOST_FD_CONTROL);
	if (r >= 0)
		r = plugin_host_watch_fd(h, h->signal_fd, EPOLLIN, PLUGIN_HOST_FD_SIGNALS);
	/* EPOLLET, so that the program need not read the counter of the stream's eventfd. */
	if (r >= 0)
		r = plugin_host_watch_fd(h, stream_completion_fd(&h->stream), EPOLLIN | EPOLLET,
					 PLUGIN_HOST_FD_STREAM);
	if (r >= 0)
		r = plugin_host_open_timers(h);
	return r < 0 ? fail_with_errno(h, r, "watch the file descriptors") : 0;
}

/* Handles the events of one epoll_wait(). Completions of transfers are handled after messages of
   the control socket, even if the transfers ended before the messages were sent. */
static void handle_epoll_events(struct plugin_host *h, const struct epoll_event *ev, int n)
{
	bool seen[PLUGIN_HOST_FD_PLUGIN] = { false };
	int i;

	for (i = 0; i < n; i++)
		if (ev[i].data.u64 < PLUGIN_HOST_FD_PLUGIN)
			seen[ev[i].data.u64] = true;
	if (seen[PLUGIN_HOST_FD_SIGNALS])
		plugin_host_request_stop(h);
	if (seen[PLUGIN_HOST_FD_CONTROL])
		plugin_host_receive_message(h);
	for (i = 0; i < n && !h->exiting; i++)
		plugin_host_handle_watch_event(h, ev[i].data.u64, ev[i].events);
	if (seen[PLUGIN_HOST_FD_STREAM] && !h->exiting)
		stream_handle_completions(&h->stream);
	if (seen[PLUGIN_HOST_FD_TIMERS] && !h->exiting)
		plugin_host_fire_timers(h);
}

/* Delivers completions that can be read without a system call. Stops after MAX_ROUNDS rounds, so
   that events of other file descriptors are handled. `more`: the caller must not wait for events.
 */
static void deliver_completions(struct plugin_host *h, bool *more)
{
	unsigned int round;

	*more = stream_submit_queued_requests(&h->stream);
	for (round = 0; round < MAX_ROUNDS && !h->exiting && stream_has_completions(&h->stream);
	     round++) {
		stream_handle_completions(&h->stream);
		*more = stream_submit_queued_requests(&h->stream);
	}
}

static int run_event_loop(struct plugin_host *h)
{
	struct epoll_event ev[MAX_EVENTS];
	bool more;
	int n;

	while (!h->exiting) {
		deliver_completions(h, &more);
		if (h->exiting)
			break;
		if (h->engine_may_have_changed)
			plugin_host_report_engine_change(h);
		n = epoll_wait(h->epoll_fd, ev, MAX_EVENTS, more ? 0 : -1);
		if (n < 0 && errno != EINTR) {
			fail_with_errno(h, -errno, "wait for events");
			return 1;
		}
		handle_epoll_events(h, ev, n);
	}
	return h->exit_status;
}

/*
 * Handles the link events that were sent before the worker was started. If the host enabled the
 * function before that, for example while an earlier worker was running, this function also submits
 * transfers, so that they are submitted before READY is sent.
 */
static void handle_queued_link_events(struct plugin_host *h)
{
	bool more;

	for (int i = 0; i < LINK_EVENTS && !h->exiting && plugin_host_receive_message(h); i++)
		;
	if (!h->exiting)
		deliver_completions(h, &more);
}

static int run_plugin(struct plugin_host *h)
{
	int r;

	if (h->plugin->start) {
		r = h->plugin->start(&h->public);
		if (r < 0)
			return WORKER_EXIT_NEVER;
	}
	handle_queued_link_events(h);
	if (!h->plugin->reports_ready && !h->exiting)
		plugin_host_send_ready_once(h);
	return run_event_loop(h);
}

int plugin_host_run(const struct ffsctl_plugin *plugin, const struct worker_config *config,
		    const struct passed_fds *fds, const struct option_values *options)
{
	struct plugin_host h = { .plugin = plugin,
				 .options = options,
				 .control_fd = fds->control_fd };
	int status = WORKER_EXIT_NEVER;

	h.epoll_fd = h.signal_fd = h.timer_fd = -1;
	if (set_up_endpoints(&h, config, fds) < 0)
		goto out;
	h.public = (struct ffsctl_host){
		.size = sizeof(h.public),
		.call = &plugin_host_calls,
		.gadget = config->gadget_name,
		.function = config->function_name,
		.mount = config->mount_point,
		.endpoints = h.endpoints,
		.n_endpoints = config->n_endpoints,
		.transfer_size = config->buffer_size	 ? config->buffer_size
				 : plugin->transfer_size ? plugin->transfer_size
							 : DEFAULT_SIZE,
		.transfers_per_endpoint =
			config->transfers_per_endpoint	 ? config->transfers_per_endpoint
			: plugin->transfers_per_endpoint ? plugin->transfers_per_endpoint
							 : DEFAULT_DEPTH,
	};
	if (check_transfer_size(&h, config) < 0 || open_stream(&h, config, fds) < 0)
		goto out;
	if (open_event_loop(&h) >= 0)
		status = run_plugin(&h);
	if (h.stopping)
		report_cut_transfers(&h);
	stream_close(&h.stream);
out:
	if (h.timer_fd >= 0)
		close(h.timer_fd);
	if (h.epoll_fd >= 0)
		close(h.epoll_fd);
	if (h.signal_fd >= 0)
		close(h.signal_fd);
	free(h.watch_slots);
	free(h.stream_endpoints);
	free(h.endpoint_bytes);
	free(h.unfinished);
	free(h.endpoints);
	return status;
}
