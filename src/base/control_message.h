/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends and receives the messages of ffsctl/control.h between supervisor, keepers and workers. */
#pragma once

#include <ffsctl/control.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Sends a message without waiting. Returns false and sets errno if the message was not sent, for
 * example because the socket is full.
 */
bool control_message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size);

/*
 * Receives the next message without waiting, and stores its header in native byte order. Returns
 * the size of its body; -EAGAIN if there is no message or if its version is unknown; -EPIPE if the
 * peer has closed the socket. File descriptors are not accepted: the kernel closes those that were
 * sent with the message.
 */
ssize_t control_message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room);
/*
 * Receives the next message as control_message_receive does, but waits for it until SO_RCVTIMEO is
 * over or a signal arrives.
 */
ssize_t control_message_await(int fd, struct ffsctl_msg *head, void *body, size_t room);

/*
 * Sends a message with at most CONTROL_MESSAGE_FDS file descriptors. The receiver gets duplicates
 * of them.
 */
#define CONTROL_MESSAGE_FDS 3
bool control_message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
			      const int *fds, size_t n_fds);
/*
 * Receives a message as control_message_receive does, and stores its file descriptors in
 * fds[CONTROL_MESSAGE_FDS]. The caller closes them. Unused elements are -1.
 */
ssize_t control_message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room,
				    int *fds);
