/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TIMER_MAX 1e9 /* seconds (30 years); fits into every time_t */

int loop_open(struct loop *loop)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_close(struct loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

int loop_once(struct loop *loop, int timeout_ms)
{
	struct epoll_event event;
	struct fd_watch *watch;
	int n = epoll_wait(loop->epoll_fd, &event, 1, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 0;
	watch = event.data.ptr;
	watch->on_event(watch->callback_data, event.events);
	return 1;
}

int fd_watch_add(struct loop *loop, struct fd_watch *watch, int fd, uint32_t events,
		 void (*fn)(void *data, uint32_t events), void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	*watch = (struct fd_watch){ .fd = fd, .on_event = fn, .callback_data = data };
	return 0;
}

void fd_watch_remove(struct loop *loop, struct fd_watch *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = -1;
}

void fd_watch_close(struct loop *loop, struct fd_watch *watch)
{
	int fd = watch->fd;

	fd_watch_remove(loop, watch);
	if (fd >= 0)
		close(fd);
}

int timer_open(struct loop *loop, struct fd_watch *timer, void (*fn)(void *data, uint32_t events),
	       void *data)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_watch_add(loop, timer, fd, EPOLLIN, fn, data);
	if (r < 0)
		close(fd);
	return r;
}

void timer_start(struct fd_watch *timer, double seconds)
{
	struct itimerspec when = { 0 };

	if (timer->fd < 0)
		return;
	if (seconds > TIMER_MAX)
		seconds = TIMER_MAX;
	when.it_value.tv_sec = (time_t)seconds;
	when.it_value.tv_nsec = (long)((seconds - (double)when.it_value.tv_sec) * 1e9);
	if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0)
		when.it_value.tv_nsec = 1; /* 0 would stop the timer */
	timerfd_settime(timer->fd, 0, &when, NULL);
}

void timer_stop(struct fd_watch *timer)
{
	static const struct itimerspec never;

	/* timerfd_settime() also clears an expiration that was not yet read. */
	if (timer->fd >= 0)
		timerfd_settime(timer->fd, 0, &never, NULL);
}

double now_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int poll_timeout_until(double monotonic)
{
	double left = monotonic - now_monotonic();

	if (left <= 0)
		return 0;
	return left * 1e3 < INT_MAX ? (int)(left * 1e3) + 1 : INT_MAX;
}
