/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of ffsctl/control.h between supervisor, keepers and workers. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Sends a message and never waits. Returns false and sets errno if the message was not sent, for
 * example because the socket is full.
 */
bool message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size);

/*
 * Receives the next message without waiting; stores its header in native byte order. Returns the
 * size of its body; -EAGAIN if there is no message, or only one of an unknown version; -EPIPE if
 * the peer has closed the socket. The kernel closes file descriptors that were sent with the
 * message.
 */
ssize_t message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room);
/*
 * Receives the next message like message_receive, but waits for it: at most SO_RCVTIMEO, or until a
 * signal arrives.
 */
ssize_t message_await(int fd, struct ffsctl_msg *head, void *body, size_t room);

/*
 * Sends a message with file descriptors, MESSAGE_FDS at most. The receiver gets duplicates of them.
 */
#define MESSAGE_FDS 3
bool message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
		      const int *fds, size_t n_fds);
/*
 * Receives a message like message_receive, and stores its descriptors in fds[MESSAGE_FDS]. The
 * caller owns them; unused elements are -1.
 */
ssize_t message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room, int *fds);
