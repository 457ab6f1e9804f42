/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves data from peers to the host. The bridge reads data directly into the buffers of IN
 * transfers. While no transfer is free or the link is down, it reads nothing, and the peers must
 * wait.
 */
#include "bridge.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static struct ffsctl_transfer *get_in_transfer(struct bridge *b)
{
	return b->link_up ? b->host->call->get_transfer(b->host, b->in_endpoint_index) : NULL;
}

/* Returns how many bytes of a transfer's buffer the bridge may fill. They are whole packets,
   because a short packet would end the message. */
static size_t usable_buffer_bytes(const struct bridge *b)
{
	size_t size = b->host->transfer_size;

	return size - size % b->host->endpoints[b->in_endpoint_index]->max_packet;
}

static void submit_in_transfer(struct bridge *b, struct ffsctl_transfer *t, bool ends_message)
{
	t->flags = ends_message ? FFSCTL_END : 0;
	if (b->host->call->submit(b->host, b->in_endpoint_index, t) == 0)
		return;
	b->statistics.bytes_dropped += t->length;
	b->host->call->release_transfer(b->host, t);
}

/* Handles a read() that has returned no data: closes the reader at the end of file or after an
   error. `n`: result of read(). Returns false, because no data was moved. */
static bool handle_empty_read(struct bridge *b, struct peer *p, ssize_t n)
{
	p->reader.maybe_readable = false;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		bridge_close_reader(b, p);
	return false;
}

static bool more_to_read(const struct peer_reader *s)
{
	int n = 0;

	return ioctl(s->watch.fd, FIONREAD, &n) == 0 && n > 0;
}

/*
 * FRAMING_NONE: moves the data of one read(). If the peer has no more data now, the transfer ends a
 * message, with a short or zero-length packet: the host's transfer may be longer, and must complete
 * without waiting for more data. Returns whether the peer has more data.
 */
static bool move_bytes(struct bridge *b, struct peer *p)
{
	struct ffsctl_transfer *t = get_in_transfer(b);
	size_t limit;
	ssize_t n;

	if (!t)
		return false;
	limit = usable_buffer_bytes(b);
	n = read(p->reader.watch.fd, t->data, limit);
	if (n <= 0) {
		handle_empty_read(b, p, n);
		b->host->call->release_transfer(b->host, t);
		return false;
	}
	t->length = (size_t)n;
	p->reader.maybe_readable = t->length == limit && more_to_read(&p->reader);
	submit_in_transfer(b, t, !p->reader.maybe_readable);
	return p->reader.maybe_readable;
}

/* --- FRAMING_LENGTH --- */

static void parse_header(struct peer_reader *s)
{
	uint32_t word;

	if (s->header_bytes_read < HEADER_SIZE)
		return;
	memcpy(&word, s->header, sizeof(word));
	word = le32toh(word);
	s->message_piece_bytes_left = word & ~HEADER_MORE;
	s->more_message_pieces_follow = word & HEADER_MORE;
	s->inside_message_piece = true;
	s->header_bytes_read = 0;
}

static bool read_header(struct bridge *b, struct peer *p)
{
	struct peer_reader *s = &p->reader;
	ssize_t n = read(s->watch.fd, s->header + s->header_bytes_read,
			 HEADER_SIZE - s->header_bytes_read);

	if (n <= 0)
		return handle_empty_read(b, p, n);
	s->header_bytes_read += (size_t)n;
	parse_header(s);
	return true;
}

static void drop_current_transfer(struct bridge *b, struct peer_reader *s)
{
	if (!s->transfer)
		return;
	b->statistics.bytes_dropped += s->transfer->length;
	b->host->call->release_transfer(b->host, s->transfer);
	s->transfer = NULL;
}

/* Submits the current transfer, or drops it if its message began in an earlier session.
   `ends_message`: the message ends with this transfer. */
static void submit_unless_of_earlier_session(struct bridge *b, struct peer *p, bool ends_message)
{
	struct peer_reader *s = &p->reader;

	if (s->message_is_of_earlier_session) {
		drop_current_transfer(b, s);
		/* The other peers must be read before this one is read again. If this peer has more
		   data, epoll will report it. */
		s->maybe_readable = false;
	} else {
		submit_in_transfer(b, s->transfer, ends_message);
		s->transfer = NULL;
		b->message_sender = ends_message ? NULL : p;
	}
	if (ends_message)
		s->message_begun = s->message_is_of_earlier_session = false;
}

/* Reads as much of the current piece as the current transfer can hold. If it can hold all that is
   left of the piece, the same readv() also reads the header of the next piece. */
static bool read_message_piece(struct bridge *b, struct peer *p)
{
	struct peer_reader *s = &p->reader;
	size_t limit = usable_buffer_bytes(b), room = limit - s->transfer->length, body;
	struct iovec iov[2] = { { (char *)s->transfer->data + s->transfer->length,
				  s->message_piece_bytes_left },
				{ s->header, HEADER_SIZE } };
	ssize_t n = 0;

	if (s->message_piece_bytes_left > room)
		iov[0].iov_len = room;
	if (s->message_piece_bytes_left > 0)
		n = readv(s->watch.fd, iov, s->message_piece_bytes_left <= room ? 2 : 1);
	if (s->message_piece_bytes_left > 0 && n <= 0)
		return handle_empty_read(b, p, n);
	body = (size_t)n < iov[0].iov_len ? (size_t)n : iov[0].iov_len;
	s->transfer->length += body;
	s->message_piece_bytes_left -= (uint32_t)body;
	s->inside_message_piece = s->message_piece_bytes_left > 0;
	s->message_begun = true;
	if (!s->inside_message_piece && !s->more_message_pieces_follow)
		submit_unless_of_earlier_session(b, p, true);
	else if (s->transfer->length == limit)
		submit_unless_of_earlier_session(b, p, false);
	s->header_bytes_read = (size_t)n - body;
	parse_header(s);
	return true;
}

static bool move_message(struct bridge *b, struct peer *p)
{
	struct peer_reader *s = &p->reader;

	if (!s->inside_message_piece)
		return read_header(b, p);
	if (!s->transfer)
		s->transfer = get_in_transfer(b);
	return s->transfer && read_message_piece(b, p);
}

/* --- FRAMING_PACKET --- */

/*
 * Returns the length of the next packet, or -1 with errno; at the end of file errno is EPIPE. For
 * an empty packet and for the end of file, recvmsg() returns 0. But an empty packet has the
 * credentials of its sender (SO_PASSCRED), and the end of file has none.
 */
static ssize_t next_packet_length(int fd)
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

static bool drop_next_packet(struct bridge *b, struct peer *p, size_t length)
{
	b->host->call->log(
		b->host, FFSCTL_LOG_ERROR,
		"dropped a message of %zu bytes to the host: longer than io.size times io.depth",
		length);
	b->statistics.bytes_dropped += length;
	if (recv(p->reader.watch.fd, NULL, 0, MSG_TRUNC) < 0)
		return handle_empty_read(b, p, -1);
	return true;
}

/* Gets `n_transfers` transfers from the engine and returns true. If fewer transfers are free, gets
   none and returns false. */
static bool get_packet_transfers(struct bridge *b, size_t n_transfers)
{
	size_t i;

	for (i = 0; i < n_transfers && (b->transfers_of_one_packet[i] = get_in_transfer(b)); i++)
		;
	if (i == n_transfers)
		return true;
	while (i-- > 0)
		b->host->call->release_transfer(b->host, b->transfers_of_one_packet[i]);
	return false;
}

static bool move_packet(struct bridge *b, struct peer *p)
{
	struct iovec iov[256]; /* largest io.depth */
	struct msghdr msg = { .msg_iov = iov };
	size_t limit, n, i, left;
	ssize_t length;

	if (!get_packet_transfers(b, 1))
		return false;
	b->host->call->release_transfer(b->host, b->transfers_of_one_packet[0]);
	length = next_packet_length(p->reader.watch.fd);
	if (length < 0)
		return handle_empty_read(b, p, -1);
	limit = usable_buffer_bytes(b);
	n = length ? ((size_t)length + limit - 1) / limit : 1;
	if (n > b->host->transfers_per_endpoint || n > sizeof(iov) / sizeof(iov[0]))
		return drop_next_packet(b, p, (size_t)length);
	/* If too few transfers are free, the packets of other peers must wait, even a shorter one
	   for which enough transfers are free. */
	if (!get_packet_transfers(b, n)) {
		b->message_sender = p;
		return false;
	}
	b->message_sender = NULL;
	for (i = 0, left = (size_t)length; i < n; i++, left -= limit) {
		b->transfers_of_one_packet[i]->length = left < limit ? left : limit;
		iov[i] = (struct iovec){ b->transfers_of_one_packet[i]->data,
					 b->transfers_of_one_packet[i]->length };
	}
	msg.msg_iovlen = n;
	length = recvmsg(p->reader.watch.fd, &msg, 0);
	if (length < 0)
		handle_empty_read(b, p, -1);
	for (i = 0; i < n; i++) {
		if (length < 0)
			b->host->call->release_transfer(b->host, b->transfers_of_one_packet[i]);
		else
			submit_in_transfer(b, b->transfers_of_one_packet[i], i + 1 == n);
	}
	return length >= 0;
}

/* --- all framings --- */

/* Moves a part of the data of one peer. Returns true if the peer may have more data. */
static bool move_peer_data(struct bridge *b, struct peer *p)
{
	if (!p->reader.maybe_readable || (b->message_sender && b->message_sender != p))
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

/* If the sender of a message was closed before the message ended, submits an empty transfer that
   ends the message. Returns false if no transfer is free for this. */
static bool submit_end_of_truncated_message(struct bridge *b)
{
	struct ffsctl_transfer *t;

	if (!b->sender_closed_inside_message)
		return true;
	t = get_in_transfer(b);
	if (!t)
		return false;
	submit_in_transfer(b, t, true);
	b->sender_closed_inside_message = false;
	return true;
}

void in_move_data(struct bridge *b)
{
	unsigned int idle = 0;

	if (!b->has_in_endpoint || !b->link_up || !submit_end_of_truncated_message(b))
		return;
	/* last_read_peer is kept between calls, so that all peers are read in turn, even if only
	   one transfer is free at a time. */
	while (idle < b->n_peers && !b->sender_closed_inside_message) {
		b->last_read_peer = b->last_read_peer && b->last_read_peer->next
					    ? b->last_read_peer->next
					    : b->first_peer;
		idle = move_peer_data(b, b->last_read_peer) ? 0 : idle + 1;
	}
}

void in_transfer_done(struct bridge *b, struct ffsctl_transfer *t)
{
	if (t->status == 0)
		b->statistics.bytes_to_host += t->length;
	else
		b->statistics.bytes_dropped += t->length;
	b->host->call->release_transfer(b->host, t);
}

/* Drops the messages that were begun in the previous session: what was read of them is not sent,
   and what the peers still send of them is discarded. */
void in_drop_unfinished_messages(struct bridge *b)
{
	struct peer *p;

	for (p = b->first_peer; p; p = p->next) {
		struct peer_reader *s = &p->reader;

		drop_current_transfer(b, s);
		s->message_is_of_earlier_session = s->message_begun;
	}
	b->message_sender = NULL;
	b->sender_closed_inside_message = false;
}

void in_reader_closed(struct bridge *b, struct peer *p)
{
	struct peer_reader *s = &p->reader;

	drop_current_transfer(b, s);
	if (b->message_sender != p)
		return;
	b->message_sender = NULL;
	b->sender_closed_inside_message = b->framing == FRAMING_LENGTH;
	if (b->sender_closed_inside_message)
		b->host->call->log(b->host, FFSCTL_LOG_ERROR,
				   "truncated a message to the host: its sender disconnected");
}
