// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends numbered messages to a device that echoes them, as many as the device can hold. Each byte
 * of a message depends on its epoch and number, and is compared. So the first byte shows that a
 * message was lost, doubled, truncated, late or in the wrong order.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "storm.h"

#define MAGIC 0x5a
#define HEADER 12 /* bytes: magic number and epoch, number of the message, length */
#define BODY 0x80 /* highest byte of each word of the body, with the last 7 bits of the epoch */
#define EPOCHS 0x80

/* Returns the length of a message, often close to 0, to the packet size or to the transfer size. */
static size_t length_of(const struct storm *s, uint32_t seq)
{
	uint64_t h = usbfs_mix(s->host.seed ^ usbfs_mix(((uint64_t)s->epoch << 32) + seq));
	size_t length;

	if (s->fixed)
		return s->fixed;
	switch (h % 10) {
	case 0:
		length = 0;
		break;
	case 1:
		length = (h >> 8) % 65;
		break;
	case 2:
		length = (1 + (h >> 8) % 64) * s->packet;
		break;
	case 3:
		length = (1 + (h >> 8) % 3) * TRANSFER_MAX;
		break;
	case 4:
		length = (1 + (h >> 8) % 3) * TRANSFER_MAX - 2 + (h >> 16) % 5;
		break;
	default:
		length = (h >> 8) % 20000;
	}
	if (length > s->longest)
		length = s->longest;
	/* The first message has the header with the epoch, which identifies data of earlier epochs.
	 */
	return seq == 0 && length < HEADER ? HEADER : length;
}

static unsigned char byte_of(const struct storm *s, uint32_t seq, size_t length, size_t at)
{
	uint32_t word = (BODY | s->epoch % EPOCHS) << 24 | (seq & 0xff) << 16 | ((at / 4) & 0xffff);

	if (at < HEADER)
		word = at < 4 ? MAGIC << 24 | s->epoch : at < 8 ? seq : (uint32_t)length;
	return (unsigned char)(word >> 8 * (at % 4));
}

/* --- the transfers --- */

static bool submit(struct storm *s, struct direction *d, struct slot *slot, size_t length)
{
	slot->urb->type = USBDEVFS_URB_TYPE_BULK;
	slot->urb->endpoint = d->address;
	slot->urb->buffer = slot->data;
	slot->urb->buffer_length = (int)length;
	slot->urb->actual_length = 0;
	slot->urb->usercontext = slot;
	if (ioctl(s->host.fd, USBDEVFS_SUBMITURB, slot->urb) < 0) {
		if (errno == ENODEV)
			return false;
		usbfs_fail(&s->host, "cannot submit to endpoint 0x%02x: %s", d->address,
			   strerror(errno));
	}
	slot->busy = true;
	slot->order = ++s->counts.transfers;
	d->busy++;
	return true;
}

/* Sends the next piece of a message, which is at most a transfer and often shorter. */
static bool send_next(struct storm *s, struct slot *slot)
{
	struct place *next = &s->out.next;
	size_t length = length_of(s, next->seq), n = length - next->at, i;

	slot->from = *next;
	slot->urb->flags = 0;
	if (n > TRANSFER_MAX)
		n = TRANSFER_MAX;
	if (n > s->packet && usbfs_random(&s->host, 4) == 0)
		n = (1 + usbfs_random(&s->host, n / s->packet)) * s->packet;
	for (i = 0; i < n; i++)
		slot->data[i] = byte_of(s, next->seq, length, next->at + i);
	next->at += n;
	if (next->at == length) {
		if (!s->fixed && n > 0 && n % s->packet == 0)
			slot->urb->flags = USBDEVFS_URB_ZERO_PACKET;
		*next = (struct place){ .seq = next->seq + 1 };
	}
	return submit(s, &s->out, slot, n);
}

static bool fill(struct storm *s)
{
	unsigned int i;
	size_t packets;

	for (i = 0; i < s->depth; i++) {
		struct slot *out = &s->out.slots[i], *in = &s->in.slots[i];

		if (!s->out.paused && !out->busy && !(s->finishing && s->out.next.at == 0) &&
		    !send_next(s, out))
			return false;
		if (s->in.paused || in->busy)
			continue;
		in->urb->flags = 0;
		/* Without message ends an IN transfer must not wait for more data than was sent. */
		packets = s->fixed % s->packet == 0 && s->fixed
				  ? 1
				  : 1 + usbfs_random(&s->host, TRANSFER_MAX / s->packet);
		if (!submit(s, &s->in, in, packets * s->packet))
			return false;
	}
	return true;
}

/* --- what comes back --- */

static uint32_t word_at(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_of_earlier_epoch(const struct storm *s, const unsigned char *p, size_t n)
{
	uint32_t word;

	if (n < 4)
		return true; /* the end of a message of an earlier epoch */
	word = word_at(p);
	if (word >> 24 == MAGIC)
		return (word & 0xffffff) < s->epoch;
	return word >> 24 >= BODY && word >> 24 != (BODY | s->epoch % EPOCHS);
}

/*
 * Returns how many of the received bytes are of an earlier epoch. Without ffsctl's kernel patches
 * FunctionFS does not report that the link was down for a short time. Then a worker may read data
 * before that time and write it afterwards. Such data may precede all other data of an epoch, which
 * is counted.
 */
static size_t stale(struct storm *s, const unsigned char *p, size_t n, bool ended)
{
	size_t at = 0, unit;

	if (s->in.next.seq > 0 || s->in.next.at > 0)
		return 0;
	while (at < n) {
		unit = n - at < s->packet ? n - at : s->packet;
		if (!is_of_earlier_epoch(s, p + at, unit))
			break;
		at += unit;
	}
	if (at > 0 || (n == 0 && ended)) {
		s->counts.stale += s->stale_epoch != s->epoch;
		s->stale_epoch = s->epoch;
	}
	return at;
}

static _Noreturn void wrong(const struct storm *s, const unsigned char *p, size_t i, size_t n)
{
	const struct place *next = &s->in.next;
	size_t length = length_of(s, next->seq);
	uint32_t words[3] = { 0 };
	size_t at = i & ~(size_t)3;

	for (size_t k = 0; k < 3 && at + 4 * k + 4 <= n; k++)
		words[k] = word_at(p + at + 4 * k);
	usbfs_fail(&s->host,
		   "message %u of epoch %u (%zu bytes): byte %zu is wrong, at %zu of the %zu of a "
		   "transfer: %08x %08x %08x",
		   next->seq, s->epoch, length, next->at, i, n, words[0], words[1], words[2]);
}

static void message_ended(struct storm *s)
{
	struct place *next = &s->in.next;

	s->counts.messages++;
	*next = (struct place){ .seq = next->seq + 1 };
}

/* Checks received data. `ended`: whether a short packet has ended it. */
static void receive(struct storm *s, const unsigned char *p, size_t n, bool ended)
{
	struct place *next = &s->in.next;
	size_t i = stale(s, p, n, ended), length;

	if (i == n && (i > 0 || (ended && next->seq == 0 && next->at == 0)))
		return;
	for (; i < n; i++) {
		length = length_of(s, next->seq);
		if (next->at >= length || p[i] != byte_of(s, next->seq, length, next->at))
			wrong(s, p, i, n);
		next->at++;
		if (s->fixed && next->at == length)
			message_ended(s);
	}
	s->counts.bytes += n;
	if (s->fixed || !ended)
		return;
	length = length_of(s, next->seq);
	if (next->at != length)
		usbfs_fail(&s->host, "message %u of epoch %u has %zu bytes, not %zu", next->seq,
			   s->epoch, next->at, length);
	message_ended(s);
}

/*
 * Handles the end of an OUT transfer. Cancelled transfers end in reverse order. Sending continues
 * after the last byte of the first incomplete transfer; no later transfer may have moved bytes.
 */
static void sent(struct storm *s, const struct slot *slot)
{
	const struct usbdevfs_urb *urb = slot->urb;
	struct direction *d = &s->out;
	size_t n = (size_t)urb->actual_length;

	if (urb->status == 0 && n != (size_t)urb->buffer_length)
		usbfs_fail(&s->host, "a transfer is done with %zu bytes of %d", n,
			   urb->buffer_length);
	if (urb->status == 0 || n > 0)
		d->gone = slot->order > d->gone ? slot->order : d->gone;
	if (urb->status && (!d->broken || slot->order < d->broken)) {
		d->broken = slot->order;
		/* If all bytes were sent, only the ZLP that ends the message is missing. */
		d->next = slot->from;
		d->next.at += n;
	}
	if (!d->busy && d->broken && d->gone > d->broken)
		usbfs_fail(&s->host, "a transfer went behind one that did not");
}

static void ended(struct storm *s, struct slot *slot)
{
	bool is_in = slot->urb->endpoint & 0x80;
	struct direction *d = is_in ? &s->in : &s->out;
	int status = slot->urb->status;

	slot->busy = false;
	d->busy--;
	if (s->ignoring)
		return;
	if (status && !d->paused)
		usbfs_fail(&s->host, "a transfer on endpoint 0x%02x failed: %s", d->address,
			   strerror(-status));
	if (!is_in)
		sent(s, slot);
	else
		receive(s, slot->data, (size_t)slot->urb->actual_length,
			!status && slot->urb->actual_length < slot->urb->buffer_length);
}

bool flow_reap(struct storm *s)
{
	void *urb;

	while (ioctl(s->host.fd, USBDEVFS_REAPURBNDELAY, &urb) == 0)
		ended(s, ((struct usbdevfs_urb *)urb)->usercontext);
	if (errno != EAGAIN && errno != ENODEV)
		usbfs_fail(&s->host, "cannot reap: %s", strerror(errno));
	return errno == EAGAIN;
}

static void wait_for_end(struct storm *s)
{
	struct pollfd fd = { .fd = s->host.fd, .events = POLLOUT };
	int r = poll(&fd, 1, (int)s->host.seconds * 1000);

	if (r < 0)
		usbfs_fail(&s->host, "poll: %s", strerror(errno));
	if (r == 0)
		usbfs_fail(&s->host,
			   "nothing has moved for %u s: %u transfers are out, %u in; message %u of "
			   "epoch %u is at byte %zu of %zu, number %u is sent next",
			   s->host.seconds, s->out.busy, s->in.busy, s->in.next.seq, s->epoch,
			   s->in.next.at, length_of(s, s->in.next.seq), s->out.next.seq);
}

bool flow_pump(struct storm *s)
{
	if (!fill(s))
		return false;
	wait_for_end(s);
	return flow_reap(s);
}

void flow_settle(struct storm *s, struct direction *d)
{
	while (d->busy) {
		wait_for_end(s);
		if (!flow_reap(s) && d->busy)
			usbfs_fail(&s->host, "the device was removed");
	}
}

static struct slot *last_before(const struct storm *s, struct direction *d, uint64_t order)
{
	struct slot *last = NULL;
	unsigned int i;

	for (i = 0; i < s->depth; i++)
		if (d->slots[i].busy && d->slots[i].order < order &&
		    (!last || d->slots[i].order > last->order))
			last = &d->slots[i];
	return last;
}

void flow_discard(struct storm *s, struct direction *d)
{
	uint64_t order = UINT64_MAX;
	struct slot *slot;

	d->paused = true;
	while ((slot = last_before(s, d, order))) {
		order = slot->order;
		/* EINVAL: the transfer has ended */
		if (ioctl(s->host.fd, USBDEVFS_DISCARDURB, slot->urb) < 0 && errno != EINVAL)
			usbfs_fail(&s->host, "cannot take a transfer back: %s", strerror(errno));
	}
}

void flow_go_on(struct direction *d)
{
	d->paused = false;
	d->broken = d->gone = 0;
}

void flow_forget(struct storm *s)
{
	unsigned int i;

	for (i = 0; i < s->depth; i++)
		s->out.slots[i].busy = s->in.slots[i].busy = false;
	s->out.busy = s->in.busy = 0;
}

void flow_begin(struct storm *s)
{
	s->epoch++;
	s->ignoring = false;
	s->out.next = s->in.next = (struct place){ 0 };
	flow_go_on(&s->out);
	flow_go_on(&s->in);
}
