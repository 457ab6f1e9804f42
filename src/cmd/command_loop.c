/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/command_loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

int command_loop_open(struct command_loop *l, const int *signals, size_t n,
		      const struct command_loop_events *events, void *data)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, signals[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&set, SIGPIPE);
	r = fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : loop_open(&l->loop);
	if (r == 0)
		r = fd_watch_add(&l->loop, &l->signals, fd, EPOLLIN, events->on_signal, data);
	if (r == 0)
		r = timer_open(&l->loop, &l->timer, events->on_timer, data);
	/*
	 * With the events 0, epoll reports only EPOLLERR and EPOLLHUP. Ignores the error of epoll
	 * for a regular file: no reader can close it.
	 */
	if (r == 0)
		fd_watch_add(&l->loop, &l->reader, STDOUT_FILENO, 0, events->on_reader_closed,
			     data);
	return r;
}

void command_loop_close(struct command_loop *l)
{
	fd_watch_remove(&l->loop, &l->reader);
	fd_watch_close(&l->loop, &l->signals);
	fd_watch_close(&l->loop, &l->timer);
	loop_close(&l->loop);
}
