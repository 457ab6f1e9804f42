/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop of a command that prints until a signal, a timer or the reader of stdout ends it.
 */
#pragma once

#include <stddef.h>

#include "base/loop.h"

struct command_loop {
	struct loop loop;
	struct fd_watch signals; /* of a signalfd, which it owns */
	struct fd_watch timer;	 /* not started */
	struct fd_watch reader;	 /* reports that the reader of stdout has closed the pipe */
};
#define COMMAND_LOOP_CLOSED                                                                        \
	((struct command_loop){ .loop = { .epoll_fd = -1 },                                        \
				.signals = FD_WATCH_NONE,                                          \
				.timer = FD_WATCH_NONE,                                            \
				.reader = FD_WATCH_NONE })

/* What happens at the events; each gets the data of command_loop_open. */
struct command_loop_events {
	void (*on_signal)(void *data, uint32_t events);
	void (*on_timer)(void *data, uint32_t events);
	void (*on_reader_closed)(void *data, uint32_t events);
};

/*
 * Opens the loop, and blocks the signals, of which there are `n`, and SIGPIPE: a write to a closed
 * pipe fails with EPIPE. Returns 0 or a negative errno. The caller closes the loop, also on
 * failure.
 */
int command_loop_open(struct command_loop *l, const int *signals, size_t n,
		      const struct command_loop_events *events, void *data);
void command_loop_close(struct command_loop *l);
