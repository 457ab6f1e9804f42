/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's descriptors and timers in the event loop. */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "base/loop.h"
#include "base/util.h"
#include "plugin-host/state.h"

/*
 * Returns the value that identifies a descriptor of the plugin in epoll events. The low 32 bits are
 * PLUGIN_HOST_FD_PLUGIN plus the index of the slot, the high 32 bits are the slot's generation. A
 * pointer is not possible, because a callback may free a watch whose event follows in the same
 * batch.
 */
static uint64_t slot_id(const struct plugin_host *h, size_t i)
{
	return (uint64_t)h->slots[i].generation << 32 | (uint32_t)(PLUGIN_HOST_FD_PLUGIN + i);
}

static struct watch_slot *slot_of(const struct plugin_host *h, uint64_t event_data)
{
	size_t i = (size_t)(uint32_t)event_data - PLUGIN_HOST_FD_PLUGIN;

	if ((uint32_t)event_data < PLUGIN_HOST_FD_PLUGIN || i >= h->n_slots ||
	    slot_id(h, i) != event_data)
		return NULL;
	return &h->slots[i];
}

int plugin_host_watch_fd(struct plugin_host *h, int fd, uint32_t events, uint64_t event_data)
{
	struct epoll_event ev = { .events = events, .data.u64 = event_data };

	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static size_t free_slot(struct plugin_host *h)
{
	size_t i = 0;

	while (i < h->n_slots && h->slots[i].watch)
		i++;
	if (i == h->n_slots)
		*array_add(h->slots, h->n_slots) = (struct watch_slot){ 0 };
	return i;
}

int plugin_host_watch(struct plugin_host *h, struct ffsctl_watch *w)
{
	struct epoll_event ev = { .events = w->events, .data.u64 = w->host_private };
	size_t i;
	int r;

	if (w->host_private)
		return epoll_ctl(h->epoll, EPOLL_CTL_MOD, w->fd, &ev) < 0 ? -errno : 0;
	i = free_slot(h);
	h->slots[i].generation++;
	r = plugin_host_watch_fd(h, w->fd, w->events, slot_id(h, i));
	if (r < 0)
		return r;
	h->slots[i].watch = w;
	w->host_private = slot_id(h, i);
	return 0;
}

void plugin_host_unwatch(struct plugin_host *h, struct ffsctl_watch *w)
{
	if (!w->host_private)
		return;
	epoll_ctl(h->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	slot_of(h, w->host_private)->watch = NULL;
	w->host_private = 0;
}

void plugin_host_watch_ready(struct plugin_host *h, uint64_t event_data, uint32_t events)
{
	struct watch_slot *slot = slot_of(h, event_data);

	if (slot && slot->watch)
		slot->watch->ready(&h->pub, slot->watch, events);
}

static uint64_t now_ms(void)
{
	return (uint64_t)(now_monotonic() * 1000);
}

void plugin_host_timer_start(struct plugin_host *h, struct ffsctl_timer *t, uint32_t ms)
{
	struct ffsctl_timer **at = &h->timers;

	plugin_host_timer_stop(h, t);
	t->due = now_ms() + ms + 1; /* + 1, because a part of the current millisecond is over */
	while (*at && (*at)->due <= t->due)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	t->running = 1;
}

void plugin_host_timer_stop(struct plugin_host *h, struct ffsctl_timer *t)
{
	struct ffsctl_timer **at = &h->timers;

	if (!t->running)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->running = 0;
}

int plugin_host_timer_wait_ms(const struct plugin_host *h)
{
	uint64_t now;

	if (!h->timers)
		return -1;
	now = now_ms();
	if (h->timers->due <= now)
		return 0;
	return h->timers->due - now > INT_MAX ? INT_MAX : (int)(h->timers->due - now);
}

void plugin_host_fire_timers(struct plugin_host *h)
{
	uint64_t now;

	if (!h->timers)
		return;
	/* Fire only timers that are due now: a timer that restarts itself with 0 ms fires in the
	   next call. */
	now = now_ms();
	while (h->timers && h->timers->due <= now && !h->exiting) {
		struct ffsctl_timer *t = h->timers;

		plugin_host_timer_stop(h, t);
		t->fired(&h->pub, t);
	}
}
