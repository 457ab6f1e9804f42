/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One epoll loop. Everything that can happen is a descriptor: sockets, ep0, signalfd, pidfds,
 * timers (timerfd). One event is dispatched at a time, so a callback may remove any source,
 * its own or another's, and free what belongs to it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop {
	int epoll_fd;
};

struct fd_watch {
	int fd; /* -1: not in a loop; the loop does not own it, except for timers */
	void (*fn)(void *data, uint32_t events);
	void *data;
};
#define FD_WATCH_NONE ((struct fd_watch){ .fd = -1 })

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);
/* Waits for one event and dispatches it; timeout_ms -1: for ever. 1 dispatched, 0 timed out,
 * -errno. */
int loop_once(struct loop *loop, int timeout_ms);

/* `source` must stay where it is until it is removed. `events` as for epoll. -errno. */
int fd_watch_add(struct loop *loop, struct fd_watch *source, int fd, uint32_t events,
		 void (*fn)(void *data, uint32_t events), void *data);
void fd_watch_remove(struct loop *loop, struct fd_watch *source);
/* And closes its descriptor, if it has one. Of timers, too, which own theirs. */
void fd_watch_close(struct loop *loop, struct fd_watch *source);

/* A one-shot timer: a source that owns its timerfd. */
int timer_open(struct loop *loop, struct fd_watch *timer, void (*fn)(void *data, uint32_t events),
	       void *data);
void timer_start(struct fd_watch *timer, double seconds);
void timer_stop(struct fd_watch *timer);

/* CLOCK_MONOTONIC, seconds. */
double now_monotonic(void);
/* What poll(2) is to wait until then, in milliseconds: rather too long than in vain. */
int poll_until(double monotonic);
