/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds, watches and closes peers, and opens them again. */
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

#define STATS_MS 1000	   /* time between two STATS messages */
#define LONG_OPEN_MS 10000 /* a peer that was open so long is opened again after first_delay */

/* --- watches --- */

void bridge_watch(struct bridge *b, struct ffsctl_watch *w, int events)
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

void bridge_close(struct bridge *b, struct ffsctl_watch *w)
{
	b->host->call->unwatch(b->host, w);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* --- peers --- */

static void on_source(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	struct peer *p = w->user;
	struct source *s = &p->source;
	int n = 0;

	if (events & EPOLLIN || !(w->events & EPOLLRDHUP)) {
		s->readable = true;
	} else {
		/* Only the end of the source was watched: data before the end is read later. */
		s->hung_up = true;
		if (!b->has_in || (ioctl(w->fd, FIONREAD, &n) == 0 && n == 0))
			bridge_end_source(b, p);
	}
	bridge_update(b);
}

static void on_sink(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events)
{
	struct bridge *b = host->state;
	struct peer *p = w->user;

	p->sink.blocked = false;
	if (events & (EPOLLERR | EPOLLHUP))
		bridge_end_sink(b, p);
	bridge_update(b);
}

void bridge_add(struct bridge *b, int source, int sink)
{
	struct peer *p = calloc(1, sizeof(*p)), **at = &b->peers;

	if (!p) {
		b->host->call->log(b->host, FFSCTL_LOG_ERROR, "cannot add a peer: out of memory");
		b->host->call->exit(b->host, 1);
		return;
	}
	p->source.watch = (struct ffsctl_watch){ .fd = source, .ready = on_source, .user = p };
	p->sink.watch = (struct ffsctl_watch){ .fd = sink, .ready = on_sink, .user = p };
	while (*at)
		at = &(*at)->next;
	*at = p;
	b->n_peers++;
	if (sink < 0)
		return;
	b->n_sinks++;
	out_sink_added(b, p);
}

void bridge_end_source(struct bridge *b, struct peer *p)
{
	if (p->source.watch.fd < 0)
		return;
	bridge_close(b, &p->source.watch);
	in_source_ended(b, p);
	if (!b->has_out || !b->type->half_close)
		bridge_end_sink(b, p);
}

void bridge_end_sink(struct bridge *b, struct peer *p)
{
	if (p->sink.watch.fd < 0)
		return;
	bridge_close(b, &p->sink.watch);
	b->n_sinks--;
	out_sink_ended(b, p);
	if (!b->has_in)
		bridge_end_source(b, p);
}

static void remove_closed_peers(struct bridge *b)
{
	struct peer **at = &b->peers, *p;

	while ((p = *at)) {
		if (p->source.watch.fd >= 0 || p->sink.watch.fd >= 0) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		if (b->last_read == p)
			b->last_read = NULL;
		free(p);
		b->n_peers--;
	}
}

/* --- open, open again --- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_retry(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	struct bridge *b = host->state;

	(void)t;
	b->type->open(b);
	bridge_update(b);
}

static void retry(struct bridge *b)
{
	if (b->opened_at && now_ms() - b->opened_at >= LONG_OPEN_MS)
		b->delay = b->first_delay;
	b->opened_at = 0;
	b->host->call->timer_start(b->host, &b->retry, b->delay);
	b->delay = b->delay < b->max_delay / 2 ? b->delay * 2 : b->max_delay;
}

void bridge_opened(struct bridge *b, const char *name)
{
	b->opened_at = now_ms();
	b->name = name;
	if (b->last_error)
		b->host->call->log(b->host, FFSCTL_LOG_NOTE, "%s is open", name);
	b->last_error = 0;
}

void bridge_failed(struct bridge *b, int error, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (b->last_error != error)
		b->host->call->log(b->host, FFSCTL_LOG_ERROR, "%s; trying again", text);
	b->last_error = error;
	retry(b);
}

static void reopen_if_closed(struct bridge *b)
{
	if (!b->type->open || b->n_peers > 0 || !b->opened_at || b->stopping)
		return;
	if (b->type->ended) {
		if (b->type->ended(b))
			retry(b);
		return;
	}
	b->host->call->log(b->host, FFSCTL_LOG_NOTE, "%s was closed; trying again", b->name);
	b->last_error = -ENOTCONN; /* so that bridge_opened() logs it */
	retry(b);
}

/* --- after every event --- */

static void watch_peer(struct bridge *b, struct peer *p)
{
	struct source *s = &p->source;
	int events = EPOLLIN;

	/* If the data waits for a free transfer or for the link, only EPOLLRDHUP is watched. It
	   reports the end of the connection, so that the next client can be accepted. */
	if (!b->has_in || !b->link_up || s->readable)
		events = s->hung_up ? -1 : EPOLLRDHUP;
	bridge_watch(b, &s->watch, events);
	bridge_watch(b, &p->sink.watch, p->sink.blocked ? EPOLLOUT : 0);
}

static void on_stats(struct ffsctl_host *host, struct ffsctl_timer *t)
{
	struct bridge *b = host->state;
	char json[160];

	(void)t;
	snprintf(json, sizeof(json),
		 "{\"clients\": %u, \"to_host\": %" PRIu64 ", \"from_host\": %" PRIu64
		 ", \"dropped\": %" PRIu64 "}",
		 b->current.peers, b->current.to_host, b->current.from_host, b->current.dropped);
	b->reported = b->current;
	host->call->stats(host, json);
}

static void schedule_stats(struct bridge *b)
{
	b->current.peers = b->n_peers;
	if (!b->stats.running &&
	    (b->current.peers != b->reported.peers || b->current.to_host != b->reported.to_host ||
	     b->current.from_host != b->reported.from_host ||
	     b->current.dropped != b->reported.dropped))
		b->host->call->timer_start(b->host, &b->stats, STATS_MS);
}

void bridge_update(struct bridge *b)
{
	struct peer *p;

	out_move_data(b);
	in_move_data(b);
	remove_closed_peers(b);
	for (p = b->peers; p; p = p->next)
		watch_peer(b, p);
	reopen_if_closed(b);
	if (b->listener.fd >= 0)
		bridge_watch(b, &b->listener, listener_has_room(b) ? EPOLLIN : -1);
	schedule_stats(b);
}

void bridge_set_timers(struct bridge *b)
{
	b->retry.fired = on_retry;
	b->stats.fired = on_stats;
}
