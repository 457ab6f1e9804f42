/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's descriptors and timers in the event loop. */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "base/loop.h"
#include "base/util.h"
#include "plugin-host/host.h"

/*
 * Returns the value that identifies a plugin's descriptor in epoll events: low 32 bits
 * HOST_FD_PLUGIN plus the slot, high 32 bits the slot's generation. A pointer would not do, because
 * a callback may free a watch whose event follows in the same batch.
 */
static uint64_t slot_id(const struct host *h, size_t i)
{
	return (uint64_t)h->slots[i].generation << 32 | (uint32_t)(HOST_FD_PLUGIN + i);
}

static struct watch_slot *slot_of(const struct host *h, uint64_t what)
{
	size_t i = (size_t)(uint32_t)what - HOST_FD_PLUGIN;

	if ((uint32_t)what < HOST_FD_PLUGIN || i >= h->n_slots || slot_id(h, i) != what)
		return NULL;
	return &h->slots[i];
}

int host_watch_fd(struct host *h, int fd, uint32_t events, uint64_t what)
{
	struct epoll_event ev = { .events = events, .data.u64 = what };

	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static size_t free_slot(struct host *h)
{
	size_t i = 0;

	while (i < h->n_slots && h->slots[i].watch)
		i++;
	if (i == h->n_slots)
		*array_add(h->slots, h->n_slots) = (struct watch_slot){ 0 };
	return i;
}

int host_watch(struct host *h, struct ffsctl_watch *w)
{
	struct epoll_event ev = { .events = w->events, .data.u64 = w->host_private };
	size_t i;
	int r;

	if (w->host_private)
		return epoll_ctl(h->epoll, EPOLL_CTL_MOD, w->fd, &ev) < 0 ? -errno : 0;
	i = free_slot(h);
	h->slots[i].generation++;
	r = host_watch_fd(h, w->fd, w->events, slot_id(h, i));
	if (r < 0)
		return r;
	h->slots[i].watch = w;
	w->host_private = slot_id(h, i);
	return 0;
}

void host_unwatch(struct host *h, struct ffsctl_watch *w)
{
	if (!w->host_private)
		return;
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	slot_of(h, w->host_private)->watch = NULL;
	w->host_private = 0;
}

void host_watch_event(struct host *h, uint64_t what, uint32_t events)
{
	struct watch_slot *slot = slot_of(h, what);

	if (slot && slot->watch)
		slot->watch->ready(&h->pub, slot->watch, events);
}

static uint64_t now_ms(void)
{
	return (uint64_t)(now_monotonic() * 1000);
}

void host_timer_start(struct host *h, struct ffsctl_timer *t, uint32_t ms)
{
	struct ffsctl_timer **at = &h->timers;

	host_timer_stop(h, t);
	t->due = now_ms() + ms + 1; /* + 1: a part of the current millisecond is over */
	while (*at && (*at)->due <= t->due)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	t->running = 1;
}

void host_timer_stop(struct host *h, struct ffsctl_timer *t)
{
	struct ffsctl_timer **at = &h->timers;

	if (!t->running)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->running = 0;
}

int host_timer_wait(const struct host *h)
{
	uint64_t now;

	if (!h->timers)
		return -1;
	now = now_ms();
	if (h->timers->due <= now)
		return 0;
	return h->timers->due - now > INT_MAX ? INT_MAX : (int)(h->timers->due - now);
}

void host_timers_fire(struct host *h)
{
	uint64_t now;

	if (!h->timers)
		return;
	/* Only timers that are due now: one that restarts itself with 0 waits for the next call. */
	now = now_ms();
	while (h->timers && h->timers->due <= now && !h->exiting) {
		struct ffsctl_timer *t = h->timers;

		host_timer_stop(h, t);
		t->fired(&h->pub, t);
	}
}
