/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves data from the host to peers. The bridge writes the data to every peer, directly from the
 * buffers of OUT transfers. It submits a transfer again when all its data was written to all peers.
 * Therefore the host must wait while a peer does not read.
 */
#include "bridge.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRANSFERS_MAX 256 /* largest io.depth */

static struct ffsctl_transfer *queued_transfer(const struct bridge *b, unsigned int i)
{
	return b->out_queue[(b->queue_first_index + i) % b->host->transfers_per_endpoint];
}

/* Returns how many transfers at the start of the queue must be written together: with
   FRAMING_PACKET all transfers of a message, 0 if the message is incomplete; else 1. */
static unsigned int n_transfers_to_write_together(const struct bridge *b)
{
	unsigned int i;

	if (b->framing != FRAMING_PACKET)
		return b->n_queued_transfers ? 1 : 0;
	for (i = 0; i < b->n_queued_transfers; i++)
		if (queued_transfer(b, i)->flags & FFSCTL_END)
			return i + 1;
	return 0;
}

/* Submits all free transfers if there is a peer for their data, or if the bridge discards data
   while it has no peer. */
static void submit_free_transfers(struct bridge *b)
{
	struct ffsctl_transfer *t;

	while (b->link_up && (b->n_open_writers || b->discard_without_peer) &&
	       (t = b->host->call->get_transfer(b->host, b->out_endpoint_index))) {
		if (b->host->call->submit(b->host, b->out_endpoint_index, t) == 0)
			continue;
		b->host->call->release_transfer(b->host, t);
		return;
	}
}

static void release_first_queued_transfers(struct bridge *b, unsigned int n_transfers,
					   bool was_written)
{
	struct ffsctl_transfer *t;
	struct peer *p;

	while (n_transfers-- > 0) {
		t = queued_transfer(b, 0);
		b->queue_first_index = (b->queue_first_index + 1) % b->host->transfers_per_endpoint;
		b->n_queued_transfers--;
		b->queue_head_continues_message =
			b->framing != FRAMING_NONE && !(t->flags & FFSCTL_END);
		if (was_written)
			b->statistics.bytes_from_host += t->length;
		else
			b->statistics.bytes_dropped += t->length;
		b->host->call->release_transfer(b->host, t);
	}
	b->queue_head_resume_offset = 0;
	for (p = b->first_peer; p; p = p->next) {
		p->writer.queue_head_bytes_written = 0;
		p->writer.queue_head_written = false;
		if (!b->queue_head_continues_message)
			p->writer.waits_for_next_message = false;
	}
}

/* If the current message was too long, drops its transfers that have been received so far. */
static void drop_rest_of_long_message(struct bridge *b)
{
	while (b->dropping_too_long_message && b->n_queued_transfers) {
		release_first_queued_transfers(b, 1, false);
		b->dropping_too_long_message = b->queue_head_continues_message;
	}
}

/* Writes the part of the queue's first transfer that the peer has not got yet; with
   FRAMING_LENGTH the transfer is a piece, and its header is written first. Returns true if all
   of it was written. *n: result of writev(). */
static bool write_queue_head(struct bridge *b, struct peer_writer *k, ssize_t *n)
{
	struct ffsctl_transfer *t = queued_transfer(b, 0);
	size_t head = b->framing == FRAMING_LENGTH ? HEADER_SIZE : 0, at = 0;
	uint32_t word = htole32((uint32_t)t->length | (t->flags & FFSCTL_END ? 0 : HEADER_MORE));
	struct iovec iov[2] = { { &word, head }, { t->data, t->length } };

	if (k->queue_head_bytes_written < head) {
		iov[0].iov_base = (char *)&word + k->queue_head_bytes_written;
		iov[0].iov_len = head - k->queue_head_bytes_written;
	} else {
		iov[0].iov_len = 0;
		at = k->queue_head_bytes_written - head;
		iov[1].iov_base = (char *)t->data + at;
		iov[1].iov_len = t->length - at;
	}
	*n = 0;
	if (iov[0].iov_len + iov[1].iov_len > 0)
		*n = writev(k->watch.fd, iov, 2);
	if (*n > 0)
		k->queue_head_bytes_written += (size_t)*n;
	return k->queue_head_bytes_written == head + t->length;
}

/* Writes the first `n_transfers` transfers of the queue as one packet. Returns true if it was
   written. *n: result of sendmsg(). */
static bool write_queue_head_as_packet(struct bridge *b, struct peer_writer *k,
				       unsigned int n_transfers, ssize_t *n)
{
	struct iovec iov[TRANSFERS_MAX];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n_transfers };
	unsigned int i;

	for (i = 0; i < n_transfers; i++)
		iov[i] = (struct iovec){ queued_transfer(b, i)->data,
					 queued_transfer(b, i)->length };
	*n = sendmsg(k->watch.fd, &msg, MSG_NOSIGNAL);
	return *n >= 0;
}

/* Writes the first `n_transfers` transfers of the queue to a peer. Returns true if all their
   data was written, or if the peer must not get this data. */
static bool write_to_peer(struct bridge *b, struct peer *p, unsigned int n_transfers)
{
	struct peer_writer *k = &p->writer;
	ssize_t n;

	if (k->watch.fd < 0 || k->queue_head_written || k->waits_for_next_message)
		return true;
	if (k->blocked)
		return false;
	k->queue_head_written = b->framing == FRAMING_PACKET
					? write_queue_head_as_packet(b, k, n_transfers, &n)
					: write_queue_head(b, k, &n);
	if (k->queue_head_written)
		return true;
	if (n >= 0 || errno == EAGAIN || errno == EINTR) {
		k->blocked = true; /* the file descriptor did not accept all data */
		return false;
	}
	if (errno == EMSGSIZE) {
		b->host->call->log(b->host, FFSCTL_LOG_ERROR,
				   "dropped a message from the host: longer than the socket's "
				   "buffer (net.core.wmem_max)");
		k->waits_for_next_message = true;
		return true;
	}
	bridge_close_writer(b, p);
	return true;
}

static bool write_to_all_peers(struct bridge *b, unsigned int n_transfers)
{
	bool all = true;
	struct peer *p;

	for (p = b->first_peer; p; p = p->next)
		all &= write_to_peer(b, p, n_transfers);
	return all;
}

static bool any_peer_got_queue_head(const struct bridge *b)
{
	const struct peer *p;

	for (p = b->first_peer; p; p = p->next)
		if (p->writer.watch.fd >= 0 && p->writer.queue_head_written)
			return true;
	return false;
}

/*
 * Drops a message that is longer than the buffers of all transfers together: it cannot be written
 * as one packet.
 */
static void drop_too_long_message(struct bridge *b)
{
	b->host->call->log(b->host, FFSCTL_LOG_ERROR,
			   "dropped a message from the host: longer than io.size times io.depth");
	b->dropping_too_long_message = true;
}

void out_move_data(struct bridge *b)
{
	unsigned int n;

	if (!b->has_out_endpoint)
		return;
	for (;;) {
		drop_rest_of_long_message(b);
		n = n_transfers_to_write_together(b);
		if (n == 0 && b->n_queued_transfers == b->host->transfers_per_endpoint) {
			drop_too_long_message(b);
			continue;
		}
		if (n == 0)
			break;
		if (b->n_open_writers && !write_to_all_peers(b, n))
			break;
		if (b->dropping_too_long_message)
			continue;
		if (b->n_open_writers == 0 && !b->discard_without_peer)
			break;
		release_first_queued_transfers(b, n, any_peer_got_queue_head(b));
	}
	submit_free_transfers(b);
}

void out_transfer_done(struct bridge *b, struct ffsctl_transfer *t)
{
	if (t->status) {
		b->host->call->release_transfer(b->host, t);
		return;
	}
	b->out_queue[(b->queue_first_index + b->n_queued_transfers) %
		     b->host->transfers_per_endpoint] = t;
	b->n_queued_transfers++;
}

/* Returns whether a peer has got a part of the message at the start of the queue. */
static bool any_peer_began_message(const struct bridge *b)
{
	const struct peer *p;

	if (b->queue_head_continues_message)
		return true;
	for (p = b->first_peer; p; p = p->next)
		if (p->writer.watch.fd >= 0 &&
		    (p->writer.queue_head_bytes_written || p->writer.queue_head_written))
			return true;
	return false;
}

/*
 * Drops a message whose end was lost when the last session ended. If a peer has got a part of this
 * message, closes the peer's connection, because the peer would take the next message for the rest
 * of this one.
 */
void out_drop_unfinished_message(struct bridge *b)
{
	unsigned int whole = b->n_queued_transfers;
	struct peer *p;

	if (b->framing == FRAMING_NONE || !b->has_out_endpoint)
		return;
	while (whole > 0 && !(queued_transfer(b, whole - 1)->flags & FFSCTL_END))
		whole--;
	if (whole == 0 && b->framing == FRAMING_LENGTH && any_peer_began_message(b) &&
	    !b->dropping_too_long_message) {
		for (p = b->first_peer; p; p = p->next) {
			if (p->writer.waits_for_next_message)
				continue;
			bridge_close_reader(b, p);
			bridge_close_writer(b, p);
		}
	}
	while (b->n_queued_transfers > whole) {
		struct ffsctl_transfer *t = queued_transfer(b, b->n_queued_transfers - 1);

		b->n_queued_transfers--;
		b->statistics.bytes_dropped += t->length;
		b->host->call->release_transfer(b->host, t);
	}
	if (whole == 0) {
		b->dropping_too_long_message = b->queue_head_continues_message = false;
		for (p = b->first_peer; p; p = p->next)
			p->writer.waits_for_next_message = false;
	}
}

/* Selects the data that a new peer gets first. If another peer has already got a part of a
   message or transfer, the new peer does not get this message or transfer. */
void out_writer_added(struct bridge *b, struct peer *p)
{
	bool late = b->n_open_writers > 1 && b->n_queued_transfers > 0 && any_peer_began_message(b);

	if (b->framing != FRAMING_NONE)
		p->writer.waits_for_next_message = late || b->queue_head_continues_message;
	else if (b->n_open_writers == 1)
		p->writer.queue_head_bytes_written = b->queue_head_resume_offset;
	else
		p->writer.queue_head_written = late;
}

/* If the bridge now has no open writer left, stores how many bytes of the queue's first transfer
   were written to this peer. The next peer continues with the byte after them. This is for
   FRAMING_NONE: with the other framings the next peer gets the whole message. */
void out_writer_closed(struct bridge *b, struct peer *p)
{
	if (b->n_open_writers == 0 && b->framing == FRAMING_NONE)
		b->queue_head_resume_offset = p->writer.queue_head_bytes_written;
}
