/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of ffsctl/control.h as keeper, supervisor and workers exchange them. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* False when the other side does not take it now: what a full socket does not hold is lost. */
bool message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size);

/*
 * The next message; head is in this machine's byte order. Returns its body's size, -EAGAIN when
 * there is none (or one that nobody understands), -EPIPE when the other side has closed.
 * Descriptors that come along are closed by the kernel.
 */
ssize_t message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room);
/* Waits for it, as long as SO_RCVTIMEO says and no signal comes. */
ssize_t message_await(int fd, struct ffsctl_msg *head, void *body, size_t room);

/* The same with descriptors: copies of at most MESSAGE_FDS of the sender's. */
#define MESSAGE_FDS 3
bool message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
		      const int *fds, size_t n_fds);
/* fds[MESSAGE_FDS]: what has come, which the caller owns, then -1. */
ssize_t message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room, int *fds);
