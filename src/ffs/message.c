/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffs/message.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size)
{
	struct ffsctl_msg head = {
		.version = htole16(FFSCTL_CONTROL_VERSION),
		.type = htole16(type),
		.length = htole32((uint32_t)size),
		.id = htole32(id),
	};
	struct iovec iov[] = { { &head, sizeof(head) }, { (void *)body, size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = size > 0 ? 2 : 1 };

	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

ssize_t message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room)
{
	struct iovec iov[] = { { head, sizeof(*head) }, { body, room } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	/*
	 * ECONNRESET: the other side has closed with something unread in it (net/unix/af_unix.c).
	 * That is told once, before what it has sent: that, and the end, come with the next calls.
	 */
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
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
