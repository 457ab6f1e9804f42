/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop with epoll(7). Every event is an event of a file descriptor: a socket, ep0, a
 * signalfd, a pidfd or a timerfd. The loop handles one event at a time. A callback may therefore
 * remove every watch, also its own, and free the data of that watch.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop {
	int epoll_fd;
};

struct fd_watch {
	int fd; /* -1: the watch is not in a loop. The caller of fd_watch_add owns the file
		   descriptor. A timer owns its timerfd. */
	void (*on_event)(void *data, uint32_t events);
	void *callback_data;
};
#define FD_WATCH_NONE ((struct fd_watch){ .fd = -1 })

int loop_open(struct loop *loop);
void loop_close(struct loop *loop);
/*
 * Waits for one event and calls the on_event() of its watch. timeout_ms is -1 for no limit. Returns
 * 1 after an event, 0 after the timeout or a signal, or a negative errno.
 */
int loop_once(struct loop *loop, int timeout_ms);

/*
 * Watches `fd` for `events` of epoll(7), and calls fn(data, events) for each event. The address of
 * `watch` must not change until the watch is removed. Returns 0 or a negative errno.
 */
int fd_watch_add(struct loop *loop, struct fd_watch *watch, int fd, uint32_t events,
		 void (*fn)(void *data, uint32_t events), void *data);
void fd_watch_remove(struct loop *loop, struct fd_watch *watch);
/*
 * Removes the watch and closes its file descriptor, unless it is -1. This function also closes
 * timers.
 */
void fd_watch_close(struct loop *loop, struct fd_watch *watch);

/*
 * Makes a timer, a watch that owns its timerfd, but does not start it. A started timer fires once.
 * Returns 0 or a negative errno.
 */
int timer_open(struct loop *loop, struct fd_watch *timer, void (*fn)(void *data, uint32_t events),
	       void *data);
void timer_start(struct fd_watch *timer, double seconds);
void timer_stop(struct fd_watch *timer);

/* Returns the time of CLOCK_MONOTONIC in seconds. */
double now_monotonic(void);
/*
 * Returns the timeout for a poll(2) that must end at the time `monotonic` of now_monotonic, in
 * milliseconds. Rounds up.
 */
int poll_timeout_until(double monotonic);
