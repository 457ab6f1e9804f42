/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves data from peers to the host. Data is read directly into the buffers of IN transfers. While
 * no transfer is free or the link is down, nothing is read and the peers must wait.
 */
#include "bridge.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct ffsctl_transfer *get_transfer(struct bridge *b)
{
	return b->link_up ? b->host->call->get(b->host, b->in_endpoint) : NULL;
}

/* Returns how many bytes of a transfer's buffer can be used: whole packets only, because a short
   packet ends the message. */
static size_t usable_bytes(const struct bridge *b)
{
	size_t size = b->host->transfer_size;

	return size - size % b->host->endpoints[b->in_endpoint]->max_packet;
}

static void submit(struct bridge *b, struct ffsctl_transfer *t, bool end)
{
	t->flags = end ? FFSCTL_END : 0;
	if (b->host->call->submit(b->host, b->in_endpoint, t) == 0)
		return;
	b->current.dropped += t->length;
	b->host->call->put(b->host, t);
}

/* Handles a read() without data: closes the source at end of file or after an error. Returns false,
   because nothing was moved. */
static bool read_failed(struct bridge *b, struct peer *p, ssize_t n)
{
	p->source.readable = false;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		bridge_end_source(b, p);
	return false;
}

static bool more_to_read(const struct source *s)
{
	int n = 0;

	return ioctl(s->watch.fd, FIONREAD, &n) == 0 && n > 0;
}

/*
 * Reads bytes. If no more data is available the transfer ends with a short or empty packet, because
 * the host may have submitted a longer transfer, which must not wait for more data.
 */
static bool move_bytes(struct bridge *b, struct peer *p)
{
	struct ffsctl_transfer *t = get_transfer(b);
	size_t limit;
	ssize_t n;

	if (!t)
		return false;
	limit = usable_bytes(b);
	n = read(p->source.watch.fd, t->data, limit);
	if (n <= 0) {
		read_failed(b, p, n);
		b->host->call->put(b->host, t);
		return false;
	}
	t->length = (size_t)n;
	p->source.readable = t->length == limit && more_to_read(&p->source);
	submit(b, t, !p->source.readable);
	return p->source.readable;
}

/* --- pieces with lengths --- */

static void parse_header(struct source *s)
{
	uint32_t word;

	if (s->header_read < HEADER_SIZE)
		return;
	memcpy(&word, s->header, sizeof(word));
	word = le32toh(word);
	s->piece_left = word & ~HEADER_MORE;
	s->more_pieces = word & HEADER_MORE;
	s->in_piece = true;
	s->header_read = 0;
}

static bool read_header(struct bridge *b, struct peer *p)
{
	struct source *s = &p->source;
	ssize_t n = read(s->watch.fd, s->header + s->header_read, HEADER_SIZE - s->header_read);

	if (n <= 0)
		return read_failed(b, p, n);
	s->header_read += (size_t)n;
	parse_header(s);
	return true;
}

static void drop_transfer(struct bridge *b, struct source *s)
{
	if (!s->transfer)
		return;
	b->current.dropped += s->transfer->length;
	b->host->call->put(b->host, s->transfer);
	s->transfer = NULL;
}

/* Submits or drops a transfer that is full or has the end of its message. */
static void finish_transfer(struct bridge *b, struct peer *p, bool end)
{
	struct source *s = &p->source;

	if (s->discard_message) {
		drop_transfer(b, s);
		s->readable = false; /* other peers are read first; epoll reports remaining data */
	} else {
		submit(b, s->transfer, end);
		s->transfer = NULL;
		b->message_sender = end ? NULL : p;
	}
	if (end)
		s->message_begun = s->discard_message = false;
}

/* Reads as much of the piece as the transfer can hold, and the header that follows the piece. */
static bool read_piece(struct bridge *b, struct peer *p)
{
	struct source *s = &p->source;
	size_t limit = usable_bytes(b), room = limit - s->transfer->length, body;
	struct iovec iov[2] = { { (char *)s->transfer->data + s->transfer->length, s->piece_left },
				{ s->header, HEADER_SIZE } };
	ssize_t n = 0;

	if (s->piece_left > room)
		iov[0].iov_len = room;
	if (s->piece_left > 0)
		n = readv(s->watch.fd, iov, s->piece_left <= room ? 2 : 1);
	if (s->piece_left > 0 && n <= 0)
		return read_failed(b, p, n);
	body = (size_t)n < iov[0].iov_len ? (size_t)n : iov[0].iov_len;
	s->transfer->length += body;
	s->piece_left -= (uint32_t)body;
	s->in_piece = s->piece_left > 0;
	s->message_begun = true;
	if (!s->in_piece && !s->more_pieces)
		finish_transfer(b, p, true);
	else if (s->transfer->length == limit)
		finish_transfer(b, p, false);
	s->header_read = (size_t)n - body;
	parse_header(s);
	return true;
}

static bool move_message(struct bridge *b, struct peer *p)
{
	struct source *s = &p->source;

	if (!s->in_piece)
		return read_header(b, p);
	if (!s->transfer)
		s->transfer = get_transfer(b);
	return s->transfer && read_piece(b, p);
}

/* --- packets --- */

/*
 * Returns the length of the next packet, or -1 with errno, which is EPIPE at end of file. An empty
 * packet differs from the end of file only in the sender's credentials (SO_PASSCRED), which only a
 * packet has.
 */
static ssize_t next_packet(int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))]; /* struct ucred */
	} control;
	struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_PEEK | MSG_TRUNC | MSG_CMSG_CLOEXEC);

	if (n == 0 && msg.msg_controllen == 0) {
		errno = EPIPE;
		return -1;
	}
	return n;
}

static bool drop_packet(struct bridge *b, struct peer *p, size_t length)
{
	b->host->call->log(
		b->host, FFSCTL_LOG_ERROR,
		"dropped a message of %zu bytes to the host: longer than io.size times io.depth",
		length);
	b->current.dropped += length;
	if (recv(p->source.watch.fd, NULL, 0, MSG_TRUNC) < 0)
		return read_failed(b, p, -1);
	return true;
}

/* Gets n transfers and returns true; if there are fewer it gets none and returns false. */
static bool get_transfers(struct bridge *b, size_t n)
{
	size_t i;

	for (i = 0; i < n && (b->packet_transfers[i] = get_transfer(b)); i++)
		;
	if (i == n)
		return true;
	while (i-- > 0)
		b->host->call->put(b->host, b->packet_transfers[i]);
	return false;
}

static bool move_packet(struct bridge *b, struct peer *p)
{
	struct iovec iov[256]; /* io.depth */
	struct msghdr msg = { .msg_iov = iov };
	size_t limit, n, i, left;
	ssize_t length;

	if (!get_transfers(b, 1))
		return false;
	b->host->call->put(b->host, b->packet_transfers[0]);
	length = next_packet(p->source.watch.fd);
	if (length < 0)
		return read_failed(b, p, -1);
	limit = usable_bytes(b);
	n = length ? ((size_t)length + limit - 1) / limit : 1;
	if (n > b->host->depth || n > sizeof(iov) / sizeof(iov[0]))
		return drop_packet(b, p, (size_t)length);
	if (!get_transfers(b, n)) {
		b->message_sender = p; /* keeps short packets of other peers waiting */
		return false;
	}
	b->message_sender = NULL;
	for (i = 0, left = (size_t)length; i < n; i++, left -= limit) {
		b->packet_transfers[i]->length = left < limit ? left : limit;
		iov[i] = (struct iovec){ b->packet_transfers[i]->data,
					 b->packet_transfers[i]->length };
	}
	msg.msg_iovlen = n;
	length = recvmsg(p->source.watch.fd, &msg, 0);
	if (length < 0)
		read_failed(b, p, -1);
	for (i = 0; i < n; i++) {
		if (length < 0)
			b->host->call->put(b->host, b->packet_transfers[i]);
		else
			submit(b, b->packet_transfers[i], i + 1 == n);
	}
	return length >= 0;
}

/* --- all framings --- */

/* Moves some data of one peer. Returns true if the peer may have more data. */
static bool move_some(struct bridge *b, struct peer *p)
{
	if (!p->source.readable || (b->message_sender && b->message_sender != p))
		return false;
	switch (b->framing) {
	case FRAMING_NONE:
		return move_bytes(b, p);
	case FRAMING_LENGTH:
		return move_message(b, p);
	case FRAMING_PACKET:
		return move_packet(b, p);
	}
	return false;
}

/* Ends the message of a peer that was closed in the middle of the message. Returns false if no
   transfer is free. */
static bool end_truncated(struct bridge *b)
{
	struct ffsctl_transfer *t;

	if (!b->message_truncated)
		return true;
	t = get_transfer(b);
	if (!t)
		return false;
	submit(b, t, true);
	b->message_truncated = false;
	return true;
}

void in_move_data(struct bridge *b)
{
	unsigned int idle = 0;

	if (!b->has_in || !b->link_up || !end_truncated(b))
		return;
	/* Read the peers in turn, even if only one transfer is free at a time. */
	while (idle < b->n_peers && !b->message_truncated) {
		b->last_read = b->last_read && b->last_read->next ? b->last_read->next : b->peers;
		idle = move_some(b, b->last_read) ? 0 : idle + 1;
	}
}

void in_done(struct bridge *b, struct ffsctl_transfer *t)
{
	if (t->status == 0)
		b->current.to_host += t->length;
	else
		b->current.dropped += t->length;
	b->host->call->put(b->host, t);
}

/* Drops messages that were begun in the last session. */
void in_session_started(struct bridge *b)
{
	struct peer *p;

	for (p = b->peers; p; p = p->next) {
		struct source *s = &p->source;

		drop_transfer(b, s);
		s->discard_message = s->message_begun;
	}
	b->message_sender = NULL;
	b->message_truncated = false;
}

void in_source_ended(struct bridge *b, struct peer *p)
{
	struct source *s = &p->source;

	drop_transfer(b, s);
	if (b->message_sender != p)
		return;
	b->message_sender = NULL;
	b->message_truncated = b->framing == FRAMING_LENGTH;
	if (b->message_truncated)
		b->host->call->log(b->host, FFSCTL_LOG_ERROR,
				   "truncated a message to the host: its sender disconnected");
}
