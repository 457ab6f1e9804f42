/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sender runs ahead of the receiver by what fits into the device and into the transfers in
 * flight: both directions are always busy.
 *
 * After a stall (the device's worker has died) nobody knows how much of what was sent will still
 * come back. So a short message with a number of its own, the mark, is sent, and everything up to
 * its echo is thrown away; then the first message that has not come back is sent again.
 */
#include "host/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "host/pattern.h"

#define MARK_LENGTH 7 /* shorter than any packet of a bulk endpoint */
#define WAKE_MS 100   /* how exact the timeout is */
/* A worker may take the mark and die; a UDC that still holds data for the host cannot be halted
   then, and so nothing tells. */
#define MARK_AGAIN_MS 300

struct slot {
	struct libusb_transfer *x;
	bool ended; /* it is back from libusb and was not looked at */
};

/* One direction: a ring of transfers, which end in the order of submission. */
struct side {
	struct slot *slots;
	unsigned int depth;
	uint64_t submitted, taken; /* so far */
	uint8_t address;
	int length; /* of the longest transfer: whole packets */
	unsigned int packet;
};

struct loop {
	const struct device *d;
	const struct loop_options *o;
	struct error *err;
	struct pattern pattern;
	struct side out, in;
	uint64_t send_message, send_offset;
	uint64_t recv_message, recv_offset;
	uint64_t bytes;			   /* of the messages that came back */
	int64_t last_progress, mark_taken; /* ms; mark_taken 0: the device has not taken it */
	unsigned int recoveries;
	bool stalled;		 /* recover() is due */
	bool marking, mark_sent; /* waiting for the mark's echo */
	unsigned char mark[MARK_LENGTH];
	unsigned char tail[MARK_LENGTH]; /* the last bytes received while marking */
	bool failed;
};

static struct slot *slot_at(struct side *s, uint64_t n)
{
	return &s->slots[n % s->depth];
}

static unsigned int in_flight(const struct side *s)
{
	return (unsigned int)(s->submitted - s->taken);
}

static bool finished(const struct loop *l)
{
	return !l->marking && l->recv_message == l->o->lengths.count;
}

_printf_(2, 3) static void wrong(struct loop *l, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	error_set(l->err, LOOP_EXIT_WRONG, EIO, NULL, "message %" PRIu64 " (%" PRIu64 " bytes) %s",
		  l->recv_message + 1, lengths_of(&l->o->lengths, l->recv_message), what);
	l->failed = true;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *x)
{
	struct slot *slot = x->user_data;

	slot->ended = true;
}

static int side_open(struct side *s, const struct device *d, const struct loop_options *o,
		     uint8_t address, unsigned int packet, bool interrupt, struct error *err)
{
	unsigned int i;

	*s = (struct side){ .address = address, .packet = packet, .depth = o->depth };
	s->length = (int)(o->transfer > packet ? o->transfer - o->transfer % packet : packet);
	s->slots = xcalloc(s->depth, sizeof(*s->slots));
	for (i = 0; i < s->depth; i++) {
		struct libusb_transfer *x = libusb_alloc_transfer(0);

		if (!x)
			return device_error(err, LIBUSB_ERROR_NO_MEM, "cannot make a transfer");
		libusb_fill_bulk_transfer(x, d->handle, address, xcalloc(1, (size_t)s->length), 0,
					  on_end, &s->slots[i], 0);
		if (interrupt)
			x->type = LIBUSB_TRANSFER_TYPE_INTERRUPT;
		s->slots[i].x = x;
	}
	return 0;
}

static void side_close(struct side *s)
{
	unsigned int i;

	for (i = 0; s->slots && i < s->depth; i++) {
		if (!s->slots[i].x)
			continue;
		free(s->slots[i].x->buffer);
		libusb_free_transfer(s->slots[i].x);
	}
	free(s->slots);
}

static void submit(struct loop *l, struct side *s, int length, uint8_t flags)
{
	struct slot *slot = slot_at(s, s->submitted);
	int r;

	slot->x->length = length;
	slot->x->flags = flags;
	slot->ended = false;
	r = libusb_submit_transfer(slot->x);
	if (r == 0) {
		s->submitted++;
		return;
	}
	device_error(l->err, r, "cannot send a transfer to endpoint 0x%02x", s->address);
	l->failed = true;
}

static void send_mark(struct loop *l)
{
	memcpy(slot_at(&l->out, l->out.submitted)->x->buffer, l->mark, MARK_LENGTH);
	l->mark_sent = true;
	submit(l, &l->out, MARK_LENGTH, 0);
}

static void send_next(struct loop *l)
{
	uint64_t length = lengths_of(&l->o->lengths, l->send_message);
	uint64_t left = length - l->send_offset;
	int n = left < (uint64_t)l->out.length ? (int)left : l->out.length;
	bool last = (uint64_t)n == left;
	bool zlp = last && n > 0 && length % l->out.packet == 0;

	pattern_fill(&l->pattern, l->send_message, l->send_offset,
		     slot_at(&l->out, l->out.submitted)->x->buffer, (size_t)n);
	l->send_offset += (uint64_t)n;
	if (last) {
		l->send_message++;
		l->send_offset = 0;
	}
	submit(l, &l->out, n, zlp ? LIBUSB_TRANSFER_ADD_ZERO_PACKET : 0);
}

static void pump(struct loop *l)
{
	while (!l->failed && in_flight(&l->in) < l->in.depth)
		submit(l, &l->in, l->in.length, 0);
	if (l->marking && !l->mark_sent)
		send_mark(l);
	while (!l->failed && !l->marking && in_flight(&l->out) < l->out.depth &&
	       l->send_message < l->o->lengths.count)
		send_next(l);
}

/* Keeps the last bytes of what came; at the end of a message they may be the mark. */
static void take_marked(struct loop *l, const unsigned char *data, int n, bool end)
{
	if (n >= MARK_LENGTH) {
		memcpy(l->tail, data + n - MARK_LENGTH, MARK_LENGTH);
	} else {
		memmove(l->tail, l->tail + n, (size_t)(MARK_LENGTH - n));
		memcpy(l->tail + MARK_LENGTH - n, data, (size_t)n);
	}
	if (end && memcmp(l->tail, l->mark, MARK_LENGTH) == 0)
		l->marking = false;
}

static void take_data(struct loop *l, const unsigned char *data, int n, bool end)
{
	uint64_t length;
	size_t same;

	if (l->marking) {
		take_marked(l, data, n, end);
		return;
	}
	if (l->recv_message == l->o->lengths.count) {
		error_set(l->err, LOOP_EXIT_WRONG, EIO, NULL,
			  "the device sent %d bytes more than it was sent", n);
		l->failed = true;
		return;
	}
	length = lengths_of(&l->o->lengths, l->recv_message);
	if (l->recv_offset + (uint64_t)n > length) {
		wrong(l, "came back longer than it was: the device did not end it");
		return;
	}
	same = pattern_compare(&l->pattern, l->recv_message, l->recv_offset, data, (size_t)n);
	if (same < (size_t)n) {
		wrong(l, "came back wrong: byte %" PRIu64 " is 0x%02x and was 0x%02x",
		      l->recv_offset + same, data[same],
		      pattern_byte(&l->pattern, l->recv_message, l->recv_offset + same));
		return;
	}
	l->recv_offset += (uint64_t)n;
	if (!end)
		return;
	if (l->recv_offset < length) {
		wrong(l, "came back with only %" PRIu64 " bytes", l->recv_offset);
		return;
	}
	l->bytes += length;
	l->recv_message++;
	l->recv_offset = 0;
}

/* libusb's status of a transfer as an error; 0: it went well or was taken back. */
static int bad_status(enum libusb_transfer_status status)
{
	switch (status) {
	case LIBUSB_TRANSFER_COMPLETED:
	case LIBUSB_TRANSFER_CANCELLED:
		return 0;
	case LIBUSB_TRANSFER_STALL:
		return LIBUSB_ERROR_PIPE;
	case LIBUSB_TRANSFER_NO_DEVICE:
		return LIBUSB_ERROR_NO_DEVICE;
	case LIBUSB_TRANSFER_OVERFLOW:
		return LIBUSB_ERROR_OVERFLOW;
	case LIBUSB_TRANSFER_TIMED_OUT:
		return LIBUSB_ERROR_TIMEOUT;
	case LIBUSB_TRANSFER_ERROR:
		break;
	}
	return LIBUSB_ERROR_IO;
}

static void check_status(struct loop *l, struct side *s, const struct libusb_transfer *x)
{
	int usb = bad_status(x->status);

	if (usb == 0)
		return;
	if (usb == LIBUSB_ERROR_PIPE && l->o->recover) {
		l->stalled = true;
		return;
	}
	device_error(l->err, usb,
		     "transfer on endpoint 0x%02x failed in message %" PRIu64 " of %" PRIu64,
		     s->address, l->recv_message + 1, l->o->lengths.count);
	if (usb == LIBUSB_ERROR_PIPE)
		error_hint(l->err, "its worker may have ended; --recover goes on after that");
	l->failed = true;
}

static struct libusb_transfer *take(struct side *s)
{
	struct slot *slot = slot_at(s, s->taken);

	if (!in_flight(s) || !slot->ended)
		return NULL;
	s->taken++;
	return slot->x;
}

/* Looks at what has ended. */
static void collect(struct loop *l)
{
	struct libusb_transfer *x;

	while (!l->failed && !l->stalled && (x = take(&l->out))) {
		check_status(l, &l->out, x);
		if (x->status == LIBUSB_TRANSFER_COMPLETED)
			*(l->marking ? &l->mark_taken : &l->last_progress) = now_ms();
	}
	while (!l->failed && !l->stalled && (x = take(&l->in))) {
		if (x->actual_length > 0 || x->status == LIBUSB_TRANSFER_COMPLETED) {
			if (!l->marking)
				l->last_progress = now_ms();
			take_data(l, x->buffer, x->actual_length,
				  x->status == LIBUSB_TRANSFER_COMPLETED &&
					  x->actual_length < x->length);
		}
		if (!l->failed)
			check_status(l, &l->in, x);
	}
}

static void wait_events(struct loop *l, int ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	libusb_handle_events_timeout_completed(l->d->usb, &t, NULL);
}

static void cancel_side(struct side *s)
{
	uint64_t n;

	for (n = s->taken; n < s->submitted; n++)
		if (!slot_at(s, n)->ended)
			libusb_cancel_transfer(slot_at(s, n)->x);
}

/* Takes every transfer back. The kernel ends a cancelled one at once, so this ends. */
static void quiesce(struct loop *l, bool look)
{
	struct libusb_transfer *x;

	cancel_side(&l->out);
	cancel_side(&l->in);
	while (in_flight(&l->out) || in_flight(&l->in)) {
		while (take(&l->out))
			;
		while ((x = take(&l->in)))
			if (look && !l->failed && x->actual_length > 0)
				take_data(l, x->buffer, x->actual_length, false);
		if (in_flight(&l->out) || in_flight(&l->in))
			wait_events(l, WAKE_MS);
	}
}

static void make_mark(struct loop *l)
{
	uint64_t x = (uint64_t)now_ms() * 0x9e3779b97f4a7c15 + l->recoveries;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 32;
	memcpy(l->mark, &x, MARK_LENGTH);
	memset(l->tail, 0, MARK_LENGTH);
	l->marking = true;
	l->mark_sent = false;
	l->mark_taken = 0;
}

static void clear_halt(struct loop *l, uint8_t address)
{
	int r = l->failed ? 0 : libusb_clear_halt(l->d->handle, address);

	if (r == 0)
		return;
	device_error(l->err, r, "cannot clear the halt of endpoint 0x%02x", address);
	l->failed = true;
}

static void recover(struct loop *l)
{
	l->stalled = false;
	l->recoveries++;
	quiesce(l, false);
	clear_halt(l, l->out.address);
	clear_halt(l, l->in.address);
	make_mark(l);
	l->send_message = l->recv_message;
	l->send_offset = l->recv_offset = 0;
}

static void check_time(struct loop *l)
{
	if (l->marking && l->mark_taken && now_ms() - l->mark_taken >= MARK_AGAIN_MS)
		l->stalled = true;
	if (now_ms() - l->last_progress < l->o->timeout_ms)
		return;
	error_set(l->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved for %.1f s: %" PRIu64 " of %" PRIu64
		  " messages came back, and %" PRIu64 " bytes of the next",
		  l->o->timeout_ms / 1000.0, l->recv_message, l->o->lengths.count, l->recv_offset);
	error_hint(l->err, "the device's function may have no worker, or not echo messages");
	l->failed = true;
}

static void run(struct loop *l, struct progress *progress)
{
	int64_t start = now_ms();

	l->last_progress = start;
	while (!l->failed && !finished(l)) {
		if (l->stalled)
			recover(l);
		pump(l);
		if (l->failed)
			break;
		wait_events(l, WAKE_MS);
		collect(l);
		if (!l->failed)
			check_time(l);
		progress_show(progress, l->bytes + l->recv_offset, l->o->lengths.total,
			      now_ms() - start);
	}
	progress_end(progress);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int loop_run(const struct device *d, const struct loop_options *o, struct progress *progress,
	     struct loop_result *result, struct error *err)
{
	struct loop l = { .d = d, .o = o, .err = err };
	double start;
	int r;

	pattern_init(&l.pattern);
	r = side_open(&l.out, d, o, d->out, d->out_packet, d->out_interrupt, err);
	if (r == 0)
		r = side_open(&l.in, d, o, d->in, d->in_packet, d->in_interrupt, err);
	if (r == 0) {
		/* A halt may be left from whoever used the device before. */
		clear_halt(&l, d->out);
		clear_halt(&l, d->in);
		start = seconds_now();
		run(&l, progress);
		*result = (struct loop_result){
			.messages = l.recv_message,
			.bytes = l.bytes,
			.recoveries = l.recoveries,
			.seconds = seconds_now() - start,
		};
		quiesce(&l, !l.failed);
		r = l.failed ? -EIO : 0;
	}
	side_close(&l.out);
	side_close(&l.in);
	pattern_free(&l.pattern);
	return r;
}
