/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An epoll loop. Every event comes from a descriptor: socket, ep0, signalfd, pidfd, timerfd. The
 * loop dispatches one event at a time, so a callback may remove any watch, its own or another,
 * and free its data.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop {
	int epoll_fd;
};

struct fd_watch {
	int fd; /* -1: not in a loop. Owned by the caller; a timer's descriptor is owned by the
		   watch. */
	void (*fn)(void *data, uint32_t events);
	void *data;
};
#define FD_WATCH_NONE ((struct fd_watch){ .fd = -1 })

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);
/*
 * Waits for one event and dispatches it; timeout_ms -1: no limit. Returns 1: dispatched, 0: timed
 * out or interrupted, -errno.
 */
int loop_once(struct loop *loop, int timeout_ms);

/* Watches `fd` for `events` (of epoll). `watch` must not move until it is removed. -errno. */
int fd_watch_add(struct loop *loop, struct fd_watch *watch, int fd, uint32_t events,
		 void (*fn)(void *data, uint32_t events), void *data);
void fd_watch_remove(struct loop *loop, struct fd_watch *watch);
/* Removes the watch and closes its descriptor, if it has one; also ends a timer. */
void fd_watch_close(struct loop *loop, struct fd_watch *watch);

/* Makes a one-shot timer: a watch that owns its timerfd. It is not started. -errno. */
int timer_open(struct loop *loop, struct fd_watch *timer, void (*fn)(void *data, uint32_t events),
	       void *data);
void timer_start(struct fd_watch *timer, double seconds);
void timer_stop(struct fd_watch *timer);

/* Returns CLOCK_MONOTONIC in seconds. */
double now_monotonic(void);
/* Returns the timeout for poll(2) until a time of now_monotonic: milliseconds, rounded up. */
int poll_until(double monotonic);
