/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file descriptors and timers of the plugin in the event loop. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "base/loop.h"
#include "base/util.h"
#include "plugin-host/plugin_host_state.h"

/*
 * Returns the value that identifies a watch of the plugin in epoll events. The low 32 bits are
 * PLUGIN_HOST_FD_PLUGIN plus the index of the slot; the high 32 bits are watch_slot.generation. The
 * value is not a pointer, because a callback may free a watch before a later event of the same
 * epoll_wait() is handled.
 */
static uint64_t slot_event_data(const struct plugin_host *h, size_t i)
{
	return (uint64_t)h->watch_slots[i].generation << 32 | (uint32_t)(PLUGIN_HOST_FD_PLUGIN + i);
}

static struct watch_slot *slot_of_event(const struct plugin_host *h, uint64_t event_data)
{
	size_t i = (size_t)(uint32_t)event_data - PLUGIN_HOST_FD_PLUGIN;

	if ((uint32_t)event_data < PLUGIN_HOST_FD_PLUGIN || i >= h->n_watch_slots ||
	    slot_event_data(h, i) != event_data)
		return NULL;
	return &h->watch_slots[i];
}

int plugin_host_watch_fd(struct plugin_host *h, int fd, uint32_t events, uint64_t event_data)
{
	struct epoll_event ev = { .events = events, .data.u64 = event_data };

	return epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static size_t find_free_slot(struct plugin_host *h)
{
	size_t i = 0;

	while (i < h->n_watch_slots && h->watch_slots[i].watch)
		i++;
	if (i == h->n_watch_slots)
		*array_add(h->watch_slots, h->n_watch_slots) = (struct watch_slot){ 0 };
	return i;
}

int plugin_host_watch(struct plugin_host *h, struct ffsctl_watch *w)
{
	struct epoll_event ev = { .events = w->events, .data.u64 = w->host_private };
	size_t i;
	int r;

	if (w->host_private)
		return epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev) < 0 ? -errno : 0;
	i = find_free_slot(h);
	h->watch_slots[i].generation++;
	r = plugin_host_watch_fd(h, w->fd, w->events, slot_event_data(h, i));
	if (r < 0)
		return r;
	h->watch_slots[i].watch = w;
	w->host_private = slot_event_data(h, i);
	return 0;
}

void plugin_host_unwatch(struct plugin_host *h, struct ffsctl_watch *w)
{
	if (!w->host_private)
		return;
	epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	slot_of_event(h, w->host_private)->watch = NULL;
	w->host_private = 0;
}

void plugin_host_handle_watch_event(struct plugin_host *h, uint64_t event_data, uint32_t events)
{
	struct watch_slot *slot = slot_of_event(h, event_data);

	if (slot && slot->watch)
		slot->watch->ready(&h->public, slot->watch, events);
}

static uint64_t now_ms(void)
{
	return (uint64_t)(now_monotonic() * 1000);
}

int plugin_host_open_timers(struct plugin_host *h)
{
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->timer_fd < 0)
		return -errno;
	/* EPOLLET, so that the program need not read the number of expirations. */
	return plugin_host_watch_fd(h, h->timer_fd, EPOLLIN | EPOLLET, PLUGIN_HOST_FD_TIMERS);
}

/* Sets the timerfd to the time of the first timer. A timeout of epoll_wait() would need the current
   time for each call. */
static void set_timerfd(struct plugin_host *h)
{
	uint64_t ms = h->running_timers ? h->running_timers->due_ms : 0;
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000) * 1000000 },
	};

	if (ms == h->timerfd_due_ms)
		return;
	h->timerfd_due_ms = ms;
	timerfd_settime(h->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void insert_timer(struct plugin_host *h, struct ffsctl_timer *t)
{
	struct ffsctl_timer **at = &h->running_timers;

	while (*at && (*at)->due_ms <= t->due_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	t->running = 1;
}

static void remove_timer(struct plugin_host *h, struct ffsctl_timer *t)
{
	struct ffsctl_timer **at = &h->running_timers;

	if (!t->running)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->running = 0;
}

void plugin_host_timer_start(struct plugin_host *h, struct ffsctl_timer *t, uint32_t ms)
{
	remove_timer(h, t);
	t->due_ms = now_ms() + ms + 1; /* + 1 rounds up, because now_ms() rounds down */
	insert_timer(h, t);
	set_timerfd(h);
}

void plugin_host_timer_stop(struct plugin_host *h, struct ffsctl_timer *t)
{
	remove_timer(h, t);
	set_timerfd(h);
}

void plugin_host_fire_timers(struct plugin_host *h)
{
	/* The time is read only once. Therefore a timer that starts itself again with 0 ms fires in
	   the next call and not in this one. */
	uint64_t now = now_ms();

	while (h->running_timers && h->running_timers->due_ms <= now && !h->exiting) {
		struct ffsctl_timer *t = h->running_timers;

		remove_timer(h, t);
		t->fired(&h->public, t);
	}
	set_timerfd(h);
}
