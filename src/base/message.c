/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/message.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/cleanup.h"

/* Space for the descriptors of a message, aligned as cmsg(3) requires. */
union ancillary {
	char space[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
	struct cmsghdr align;
};

static void attach_descriptors(struct msghdr *msg, union ancillary *room, const int *fds,
			       size_t n_fds)
{
	struct cmsghdr *c = &room->align;

	msg->msg_control = room;
	msg->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
}

bool message_send_fds(int fd, uint16_t type, uint32_t id, const void *body, size_t size,
		      const int *fds, size_t n_fds)
{
	union ancillary room = { 0 };
	struct ffsctl_msg head = {
		.version = htole16(FFSCTL_CONTROL_VERSION),
		.type = htole16(type),
		.length = htole32((uint32_t)size),
		.id = htole32(id),
	};
	struct iovec iov[] = { { &head, sizeof(head) }, { (void *)body, size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = size > 0 ? 2 : 1 };

	if (n_fds > 0)
		attach_descriptors(&msg, &room, fds, n_fds);
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

bool message_send(int fd, uint16_t type, uint32_t id, const void *body, size_t size)
{
	return message_send_fds(fd, type, id, body, size, NULL, 0);
}

static ssize_t receive(int fd, struct msghdr *msg, int flags, struct ffsctl_msg *head, void *body,
		       size_t room)
{
	struct iovec iov[] = { { head, sizeof(*head) }, { body, room } };
	ssize_t n;

	msg->msg_iov = iov;
	msg->msg_iovlen = 2;
	n = recvmsg(fd, msg, flags | MSG_CMSG_CLOEXEC);
	/*
	 * ECONNRESET: the other side has closed the socket with messages unread
	 * (net/unix/af_unix.c). The kernel reports it once, before the messages that the other side
	 * had sent: the second call reads the first of them.
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

ssize_t message_receive(int fd, struct ffsctl_msg *head, void *body, size_t room)
{
	struct msghdr msg = { 0 };

	return receive(fd, &msg, MSG_DONTWAIT, head, body, room);
}

ssize_t message_await(int fd, struct ffsctl_msg *head, void *body, size_t room)
{
	struct msghdr msg = { 0 };

	return receive(fd, &msg, 0, head, body, room);
}

ssize_t message_receive_fds(int fd, struct ffsctl_msg *head, void *body, size_t room, int *fds)
{
	union ancillary ancillary = { 0 };
	/*
	 * The length is not sizeof(ancillary), because the kernel would use the padding for one
	 * more descriptor.
	 */
	struct msghdr msg = { .msg_control = &ancillary,
			      .msg_controllen = CMSG_LEN(MESSAGE_FDS * sizeof(int)) };
	ssize_t n = receive(fd, &msg, MSG_DONTWAIT, head, body, room);
	const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	for (size_t i = 0; i < MESSAGE_FDS; i++)
		fds[i] = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	/* Closes the descriptors of a message that has an unknown version. */
	for (size_t i = 0; n < 0 && i < MESSAGE_FDS; i++)
		cleanup_close(&fds[i]);
	return n;
}
