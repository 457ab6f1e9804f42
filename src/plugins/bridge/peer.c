/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens and adds peers, watches them, closes them, and opens them again. */
#include "bridge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define STATS_MS 1000 /* time between two STATS messages */
/* A peer that ends after at least this time is opened again after first_retry_delay_ms; after less
   time, the delay is longer. */
#define LONG_OPEN_MS 10000

/* --- watches --- */

void bridge_set_watch(struct bridge *b, struct ffsctl_watch *w, int events)
{
	int r;

	if (events < 0 || w->fd < 0) {
		b->host->call->unwatch(b->host, w);
		return;
	}
	if (w->host_private && w->events == (uint32_t)events)
		return;
	w->events = (uint32_t)events;
	r = b->host->call->watch(b->host, w);
	if (r == 0)
		return;
	b->host->call->log(b->host, FFSCTL_LOG_ERROR, "cannot watch a descriptor: %s",
			   strerror(-r));
	b->host->call->exit(b->host, 1);
}

void bridge_close_watch(struct bridge *b, struct ffsctl_watch *w)
{
	b->host->call->unwatch(b->host, w);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* --- peers --- */

static void on_peer_readable(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	struct peer *p = w->user;
	struct peer_reader *s = &p->reader;
	int n = 0;

	if (events & EPOLLIN || !(w->events & EPOLLRDHUP)) {
		s->maybe_readable = true;
	} else {
		/* No other event than EPOLLRDHUP was requested, so the peer will send no more data.
		   If the peer has sent data before it closed the connection, the data is read
		   later. */
		s->hung_up = true;
		if (!b->has_in_endpoint || (ioctl(w->fd, FIONREAD, &n) == 0 && n == 0))
			bridge_close_reader(b, p);
	}
	bridge_move_data_and_watch(b);
}

static void on_peer_writable(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	struct peer *p = w->user;

	p->writer.blocked = false;
	if (events & (EPOLLERR | EPOLLHUP))
		bridge_close_writer(b, p);
	bridge_move_data_and_watch(b);
}

void bridge_add_peer(struct bridge *b, int read_fd, int write_fd)
{
	struct peer *p = calloc(1, sizeof(*p)), **at = &b->first_peer;

	if (!p) {
		b->host->call->log(b->host, FFSCTL_LOG_ERROR, "cannot add a peer: out of memory");
		b->host->call->exit(b->host, 1);
		return;
	}
	p->reader.watch =
		(struct ffsctl_watch){ .fd = read_fd, .ready = on_peer_readable, .user = p };
	p->writer.watch =
		(struct ffsctl_watch){ .fd = write_fd, .ready = on_peer_writable, .user = p };
	while (*at)
		at = &(*at)->next;
	*at = p;
	b->n_peers++;
	if (write_fd < 0)
		return;
	b->n_open_writers++;
	out_writer_added(b, p);
}

void bridge_close_reader(struct bridge *b, struct peer *p)
{
	if (p->reader.watch.fd < 0)
		return;
	bridge_close_watch(b, &p->reader.watch);
	in_reader_closed(b, p);
	if (!b->has_out_endpoint || !b->peer_type->allows_half_close)
		bridge_close_writer(b, p);
}

void bridge_close_writer(struct bridge *b, struct peer *p)
{
	if (p->writer.watch.fd < 0)
		return;
	bridge_close_watch(b, &p->writer.watch);
	b->n_open_writers--;
	out_writer_closed(b, p);
	if (!b->has_in_endpoint)
		bridge_close_reader(b, p);
}

static void remove_closed_peers(struct bridge *b)
{
	struct peer **at = &b->first_peer, *p;

	while ((p = *at)) {
		if (p->reader.watch.fd >= 0 || p->writer.watch.fd >= 0) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		if (b->last_read_peer == p)
			b->last_read_peer = NULL;
		free(p);
		b->n_peers--;
	}
}

/* --- opening peers again --- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_retry_timer(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	struct bridge *b = host->state;

	(void)t;
	b->peer_type->open(b);
	bridge_move_data_and_watch(b);
}

static void schedule_retry(struct bridge *b)
{
	if (b->opened_at_ms && now_ms() - b->opened_at_ms >= LONG_OPEN_MS)
		b->retry_delay_ms = b->first_retry_delay_ms;
	b->opened_at_ms = 0;
	b->host->call->timer_start(b->host, &b->retry_timer, b->retry_delay_ms);
	b->retry_delay_ms = b->retry_delay_ms < b->max_retry_delay_ms / 2 ? b->retry_delay_ms * 2
									  : b->max_retry_delay_ms;
}

void bridge_note_peer_opened(struct bridge *b, const char *name)
{
	b->opened_at_ms = now_ms();
	b->peer_name = name;
	if (b->last_logged_error)
		b->host->call->log(b->host, FFSCTL_LOG_NOTE, "%s is open", name);
	b->last_logged_error = 0;
}

void bridge_open_failed(struct bridge *b, int error, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (b->last_logged_error != error)
		b->host->call->log(b->host, FFSCTL_LOG_ERROR, "%s; trying again", text);
	b->last_logged_error = error;
	schedule_retry(b);
}

static void reopen_if_closed(struct bridge *b)
{
	if (!b->peer_type->open || b->n_peers > 0 || !b->opened_at_ms || b->stopping)
		return;
	if (b->peer_type->may_open_again) {
		if (b->peer_type->may_open_again(b))
			schedule_retry(b);
		return;
	}
	b->host->call->log(b->host, FFSCTL_LOG_NOTE, "%s was closed; trying again", b->peer_name);
	/* Because this is not 0, bridge_note_peer_opened() will log that the peer is open again. */
	b->last_logged_error = -ENOTCONN;
	schedule_retry(b);
}

/* --- after each event --- */

static void watch_peer(struct bridge *b, struct peer *p)
{
	struct peer_reader *s = &p->reader;
	int events = EPOLLIN;

	/* While data must not be read, because no transfer is free or the link is down, only
	   EPOLLRDHUP is watched. This event reports that the client has closed the connection,
	   so that the next client can be accepted. */
	if (!b->has_in_endpoint || !b->link_up || s->maybe_readable)
		events = s->hung_up ? -1 : EPOLLRDHUP;
	bridge_set_watch(b, &s->watch, events);
	bridge_set_watch(b, &p->writer.watch, p->writer.blocked ? EPOLLOUT : 0);
}

static void on_stats_timer(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	struct bridge *b = host->state;
	char json[160];

	(void)t;
	snprintf(json, sizeof(json),
		 "{\"clients\": %u, \"to_host\": %" PRIu64 ", \"from_host\": %" PRIu64
		 ", \"dropped\": %" PRIu64 "}",
		 b->statistics.n_peers, b->statistics.bytes_to_host, b->statistics.bytes_from_host,
		 b->statistics.bytes_dropped);
	b->reported_statistics = b->statistics;
	host->call->stats(host, json);
}

static void schedule_stats(struct bridge *b)
{
	b->statistics.n_peers = b->n_peers;
	if (!b->stats_timer.running &&
	    (b->statistics.n_peers != b->reported_statistics.n_peers ||
	     b->statistics.bytes_to_host != b->reported_statistics.bytes_to_host ||
	     b->statistics.bytes_from_host != b->reported_statistics.bytes_from_host ||
	     b->statistics.bytes_dropped != b->reported_statistics.bytes_dropped))
		b->host->call->timer_start(b->host, &b->stats_timer, STATS_MS);
}

void bridge_move_data_and_watch(struct bridge *b)
{
	struct peer *p;

	out_move_data(b);
	in_move_data(b);
	remove_closed_peers(b);
	for (p = b->first_peer; p; p = p->next)
		watch_peer(b, p);
	reopen_if_closed(b);
	if (b->listen_watch.fd >= 0)
		bridge_set_watch(b, &b->listen_watch, can_accept_client(b) ? EPOLLIN : -1);
	schedule_stats(b);
}

void bridge_set_timer_callbacks(struct bridge *b)
{
	b->retry_timer.fired = on_retry_timer;
	b->stats_timer.fired = on_stats_timer;
}
