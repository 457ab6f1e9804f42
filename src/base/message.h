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
 * other side has closed the socket. The kernel closes file descriptors that were sent with it.
 */
ssize_t message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room);
/* Receives the next message; waits for it, at most SO_RCVTIMEO, or until a signal. */
ssize_t message_await(int fd, struct ffsctl_msg *head, void *body, size_t room);

/*
 * Send or receive a message with file descriptors: at most MESSAGE_FDS, of which the receiver gets
 * copies.
 */
#define MESSAGE_FDS 3
bool message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
		      const int *fds, size_t n_fds);
/*
 * Stores the received descriptors in fds[MESSAGE_FDS]; the caller owns them; unused elements are
 * -1.
 */
ssize_t message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room, int *fds);
