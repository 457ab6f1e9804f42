/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of ffsctl/control.h between supervisor, keepers and workers. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Sends a message; never waits. False, with errno: it was lost, for example because the socket is
   full. */
bool message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size);

/*
 * Receives the next message, without waiting; stores its header in native byte order. Returns the
 * size of its body. -EAGAIN: there is no message, or only one of an unknown version. -EPIPE: the
 * other side has closed the socket. The kernel closes file descriptors that come with it.
 */
ssize_t message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room);
/* Does the same, but waits: until SO_RCVTIMEO or a signal. */
ssize_t message_await(int fd, struct ffsctl_msg *head, void *body, size_t room);

/* The same with file descriptors: copies of at most MESSAGE_FDS descriptors of the sender. */
#define MESSAGE_FDS 3
bool message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
		      const int *fds, size_t n_fds);
/* fds[MESSAGE_FDS]: the received descriptors, which the caller owns; the rest is -1. */
ssize_t message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room, int *fds);
