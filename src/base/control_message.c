/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/control_message.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/cleanup.h"

/* Space for the file descriptors of a message, aligned as cmsg(3) requires. */
union ancillary_data {
	char fd_space[CMSG_SPACE(CONTROL_MESSAGE_FDS * sizeof(int))];
	struct cmsghdr align;
};

static void attach_fds(struct msghdr *msg, union ancillary_data *room, const int *fds, size_t n_fds)
{
	struct cmsghdr *c = &room->align;

	msg->msg_control = room;
	msg->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
}

bool control_message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
			      const int *fds, size_t n_fds)
{
	union ancillary_data room = { 0 };
	struct ffsctl_msg head = {
		.version = htole16(FFSCTL_CONTROL_VERSION),
		.type = htole16(type),
		.length = htole32((uint32_t)size),
		.id = htole32(id),
	};
	struct iovec iov[] = { { &head, sizeof(head) }, { (void *)body, size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = size > 0 ? 2 : 1 };

	if (n_fds > 0)
		attach_fds(&msg, &room, fds, n_fds);
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

bool control_message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size)
{
	return control_message_send_fds(fd, type, id, body, size, NULL, 0);
}

static ssize_t receive_message(int fd, struct msghdr *msg, int flags, struct ffsctl_msg *head,
			       void *body, size_t room)
{
	struct iovec iov[] = { { head, sizeof(*head) }, { body, room } };
	ssize_t n;

	msg->msg_iov = iov;
	msg->msg_iovlen = 2;
	n = recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC);
	/*
	 * ECONNRESET: the peer has closed the socket before it read all messages
	 * (net/unix/af_unix.c). The kernel returns this error only once; another call then receives
	 * the messages that the peer sent before.
	 */
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n <= 0)
		return -EPIPE;
	if (n < (ssize_t)sizeof(*head) || le16toh(head->version) != FFSCTL_CONTROL_VERSION)
		return -EAGAIN;
	head->type = le16toh(head->type);
	head->id = le32toh(head->id);
	head->length = le32toh(head->length);
	return n - (ssize_t)sizeof(*head);
}

ssize_t control_message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room)
{
	struct msghdr msg = { 0 };

	return receive_message(fd, &msg, MSG_DONTWAIT, head, body, room);
}

ssize_t control_message_await(int fd, struct ffsctl_msg *head, void *body, size_t room)
{
	struct msghdr msg = { 0 };

	return receive_message(fd, &msg, 0, head, body, room);
}

ssize_t control_message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room,
				    int *fds)
{
	union ancillary_data ancillary = { 0 };
	/*
	 * The length is less than sizeof(ancillary), because the kernel would use the padding for
	 * one more file descriptor.
	 */
	struct msghdr msg = { .msg_control = &ancillary,
			      .msg_controllen = CMSG_LEN(CONTROL_MESSAGE_FDS * sizeof(int)) };
	ssize_t n = receive_message(fd, &msg, MSG_DONTWAIT, head, body, room);
	const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	for (size_t i = 0; i < CONTROL_MESSAGE_FDS; i++)
		fds[i] = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	/* Closes the file descriptors if the version of the message is unknown. */
	for (size_t i = 0; n < 0 && i < CONTROL_MESSAGE_FDS; i++)
		cleanup_close(&fds[i]);
	return n;
}
