/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves data from the host to peers. Data is written directly from the buffers of OUT transfers to
 * every peer. A transfer is submitted again when all its data is written. So a peer that does not
 * read makes the host wait.
 */
#include "bridge.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PACKETS_MAX 256 /* io.depth */

static struct ffsctl_transfer *queued_transfer(const struct bridge *b, unsigned int i)
{
	return b->queue[(b->head + i) % b->host->depth];
}

/* Returns how many transfers at the head of the queue are written together; 0 if their message is
   incomplete. */
static unsigned int transfers_at_head(const struct bridge *b)
{
	unsigned int i;

	if (b->framing != FRAMING_PACKET)
		return b->n_queue ? 1 : 0;
	for (i = 0; i < b->n_queue; i++)
		if (queued_transfer(b, i)->flags & FFSCTL_END)
			return i + 1;
	return 0;
}

/* Submits all free transfers if there is a use for their data. */
static void submit_free_transfers(struct bridge *b)
{
	struct ffsctl_transfer *t;

	while (b->link_up && (b->n_sinks || b->discard) &&
	       (t = b->host->call->get(b->host, b->out_endpoint))) {
		if (b->host->call->submit(b->host, b->out_endpoint, t) == 0)
			continue;
		b->host->call->put(b->host, t);
		return;
	}
}

static void release_transfers(struct bridge *b, unsigned int n, bool written)
{
	struct ffsctl_transfer *t;
	struct peer *p;

	while (n-- > 0) {
		t = queued_transfer(b, 0);
		b->head = (b->head + 1) % b->host->depth;
		b->n_queue--;
		b->head_continues_message = b->framing != FRAMING_NONE && !(t->flags & FFSCTL_END);
		if (written)
			b->current.from_host += t->length;
		else
			b->current.dropped += t->length;
		b->host->call->put(b->host, t);
	}
	b->head_offset = 0;
	for (p = b->peers; p; p = p->next) {
		p->sink.head_sent = 0;
		p->sink.head_written = false;
		if (!b->head_continues_message)
			p->sink.skip_to_message = false;
	}
}

/* Drops the rest of a message that was too long. */
static void drop_rest_of_message(struct bridge *b)
{
	while (b->drop_message && b->n_queue) {
		release_transfers(b, 1, false);
		b->drop_message = b->head_continues_message;
	}
}

/* Writes the rest of the queue's first transfer. Returns true if all of it is written. */
static bool write_stream(struct bridge *b, struct sink *k, ssize_t *n)
{
	struct ffsctl_transfer *t = queued_transfer(b, 0);
	size_t head = b->framing == FRAMING_LENGTH ? HEADER_SIZE : 0, at = 0;
	uint32_t word = htole32((uint32_t)t->length | (t->flags & FFSCTL_END ? 0 : HEADER_MORE));
	struct iovec iov[2] = { { &word, head }, { t->data, t->length } };

	if (k->head_sent < head) {
		iov[0].iov_base = (char *)&word + k->head_sent;
		iov[0].iov_len = head - k->head_sent;
	} else {
		iov[0].iov_len = 0;
		at = k->head_sent - head;
		iov[1].iov_base = (char *)t->data + at;
		iov[1].iov_len = t->length - at;
	}
	*n = 0;
	if (iov[0].iov_len + iov[1].iov_len > 0)
		*n = writev(k->watch.fd, iov, 2);
	if (*n > 0)
		k->head_sent += (size_t)*n;
	return k->head_sent == head + t->length;
}

static bool write_packet(struct bridge *b, struct sink *k, unsigned int n_transfers, ssize_t *n)
{
	struct iovec iov[PACKETS_MAX];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n_transfers };
	unsigned int i;

	for (i = 0; i < n_transfers; i++)
		iov[i] = (struct iovec){ queued_transfer(b, i)->data,
					 queued_transfer(b, i)->length };
	*n = sendmsg(k->watch.fd, &msg, MSG_NOSIGNAL);
	return *n >= 0;
}

/* Writes the queue's first transfers to a peer. Returns true if all their data is written or the
   peer does not get it. */
static bool write_to(struct bridge *b, struct peer *p, unsigned int n_transfers)
{
	struct sink *k = &p->sink;
	ssize_t n;

	if (k->watch.fd < 0 || k->head_written || k->skip_to_message)
		return true;
	if (k->blocked)
		return false;
	k->head_written = b->framing == FRAMING_PACKET ? write_packet(b, k, n_transfers, &n)
						       : write_stream(b, k, &n);
	if (k->head_written)
		return true;
	if (n >= 0 || errno == EAGAIN || errno == EINTR) {
		k->blocked = true; /* the descriptor did not accept all data */
		return false;
	}
	if (errno == EMSGSIZE) {
		b->host->call->log(b->host, FFSCTL_LOG_ERROR,
				   "dropped a message from the host: longer than the socket's "
				   "buffer (net.core.wmem_max)");
		k->skip_to_message = true;
		return true;
	}
	bridge_end_sink(b, p);
	return true;
}

static bool write_all(struct bridge *b, unsigned int n_transfers)
{
	bool all = true;
	struct peer *p;

	for (p = b->peers; p; p = p->next)
		all &= write_to(b, p, n_transfers);
	return all;
}

static bool any_peer_got_transfers(const struct bridge *b)
{
	const struct peer *p;

	for (p = b->peers; p; p = p->next)
		if (p->sink.watch.fd >= 0 && p->sink.head_written)
			return true;
	return false;
}

/*
 * Drops a message that fills all transfers but is incomplete: it cannot be sent as one packet.
 */
static void drop_too_long_message(struct bridge *b)
{
	b->host->call->log(b->host, FFSCTL_LOG_ERROR,
			   "dropped a message from the host: longer than io.size times io.depth");
	b->drop_message = true;
}

void out_move_data(struct bridge *b)
{
	unsigned int n;

	if (!b->has_out)
		return;
	for (;;) {
		drop_rest_of_message(b);
		n = transfers_at_head(b);
		if (n == 0 && b->n_queue == b->host->depth) {
			drop_too_long_message(b);
			continue;
		}
		if (n == 0)
			break;
		if (b->n_sinks && !write_all(b, n))
			break;
		if (b->drop_message)
			continue;
		if (b->n_sinks == 0 && !b->discard)
			break;
		release_transfers(b, n, any_peer_got_transfers(b));
	}
	submit_free_transfers(b);
}

void out_done(struct bridge *b, struct ffsctl_transfer *t)
{
	if (t->status) {
		b->host->call->put(b->host, t);
		return;
	}
	b->queue[(b->head + b->n_queue) % b->host->depth] = t;
	b->n_queue++;
}

/* Returns whether a peer has got a part of the message at the head of the queue. */
static bool any_peer_got_part(const struct bridge *b)
{
	const struct peer *p;

	if (b->head_continues_message)
		return true;
	for (p = b->peers; p; p = p->next)
		if (p->sink.watch.fd >= 0 && (p->sink.head_sent || p->sink.head_written))
			return true;
	return false;
}

/*
 * Drops a message whose end was lost with the last session. Closes the connection of a peer that
 * has got a part of this message, because the peer would take the next message for the rest of it.
 */
void out_session_started(struct bridge *b)
{
	unsigned int whole = b->n_queue;
	struct peer *p;

	if (b->framing == FRAMING_NONE || !b->has_out)
		return;
	while (whole > 0 && !(queued_transfer(b, whole - 1)->flags & FFSCTL_END))
		whole--;
	if (whole == 0 && b->framing == FRAMING_LENGTH && any_peer_got_part(b) &&
	    !b->drop_message) {
		for (p = b->peers; p; p = p->next) {
			if (p->sink.skip_to_message)
				continue;
			bridge_end_source(b, p);
			bridge_end_sink(b, p);
		}
	}
	while (b->n_queue > whole) {
		struct ffsctl_transfer *t = queued_transfer(b, b->n_queue - 1);

		b->n_queue--;
		b->current.dropped += t->length;
		b->host->call->put(b->host, t);
	}
	if (whole == 0) {
		b->drop_message = b->head_continues_message = false;
		for (p = b->peers; p; p = p->next)
			p->sink.skip_to_message = false;
	}
}

/* Sets which data a new peer gets first: data that no other peer has begun to get. */
void out_sink_added(struct bridge *b, struct peer *p)
{
	bool late = b->n_sinks > 1 && b->n_queue > 0 && any_peer_got_part(b);

	if (b->framing != FRAMING_NONE)
		p->sink.skip_to_message = late || b->head_continues_message;
	else if (b->n_sinks == 1)
		p->sink.head_sent = b->head_offset;
	else
		p->sink.head_written = late;
}

/* Stores how many bytes the last peer got. The next peer continues at that byte, or gets the whole
 * message.
 */
void out_sink_ended(struct bridge *b, struct peer *p)
{
	if (b->n_sinks == 0 && b->framing == FRAMING_NONE)
		b->head_offset = p->sink.head_sent;
}
