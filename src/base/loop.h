/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An epoll loop. Every event comes from a descriptor: socket, ep0, signalfd, pidfd, timerfd. The
 * loop dispatches one event at a time, so a callback may remove any watch, also its own, and free
 * the data of that watch.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop {
	int epoll_fd;
};

struct fd_watch {
	int fd; /* -1: the watch is not in a loop. The caller owns the descriptor; a timer owns its
		   timerfd. */
	void (*fn)(void *data, uint32_t events);
	void *data;
};
#define FD_WATCH_NONE ((struct fd_watch){ .fd = -1 })

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);
/*
 * Waits for one event and dispatches it. timeout_ms is -1 for no limit. Returns 1 after an event, 0
 * after the timeout or a signal, or a negative errno.
 */
int loop_once(struct loop *loop, int timeout_ms);

/*
 * Watches `fd` for `events` of epoll(7). The address of `watch` must not change until it is
 * removed. Returns 0 or a negative errno.
 */
int fd_watch_add(struct loop *loop, struct fd_watch *watch, int fd, uint32_t events,
		 void (*fn)(void *data, uint32_t events), void *data);
void fd_watch_remove(struct loop *loop, struct fd_watch *watch);
/*
 * Removes the watch and closes its descriptor, if it has one. Timers are closed by this function,
 * too.
 */
void fd_watch_close(struct loop *loop, struct fd_watch *watch);

/*
 * Makes a one-shot timer, a watch that owns its timerfd, but does not start it. Returns 0 or a
 * negative errno.
 */
int timer_open(struct loop *loop, struct fd_watch *timer, void (*fn)(void *data, uint32_t events),
	       void *data);
void timer_start(struct fd_watch *timer, double seconds);
void timer_stop(struct fd_watch *timer);

/* Returns CLOCK_MONOTONIC in seconds. */
double now_monotonic(void);
/*
 * Returns the timeout of a poll(2) that must end at `monotonic`, a time of now_monotonic:
 * milliseconds, rounded up.
 */
int poll_until(double monotonic);
