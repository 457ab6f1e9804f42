/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source, sink and verify: data flows one way, `depth` transfers in flight. What ends is submitted
 * again from libusb's callback, and nothing else is done there, unless it is to be compared.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/bench.h"
#include "ffsbench/tick.h"
#include "ffsbench/transfer.h"

#define USBTEST_READ 0x5c /* f_sourcesink.c, src/plugins/sourcesink.c */
#define ENDPOINT_HALTED 1 /* GET_STATUS (USB 2.0, 9.4.5) */
#define STALE 0x55 /* is in neither pattern: what was there before is not taken for what came */
#define MOD63 63   /* f_sourcesink's pattern 1: the n-th byte of a packet is n modulo 63 */

struct stream {
	const struct device *d;
	const struct options *o;
	struct measure *m;
	struct error *err;
	enum direction direction;
	unsigned int depth, packet;
	unsigned int size; /* of a transfer */
	struct buffers buffers;
	struct libusb_transfer **x;
	bool verify, answered;	 /* answers(), before anything was sent */
	unsigned char *expected; /* verify what comes; NULL: nothing is compared */
	uint64_t want;		 /* bytes */
	unsigned int in_flight;
	unsigned int ended; /* since the last look */
	bool stop;	    /* nothing more is submitted */
	bool failed;
	bool over; /* what still comes is not counted */
};

static void submit(struct stream *s, struct libusb_transfer *x)
{
	int r = libusb_submit_transfer(x);

	if (r == 0) {
		s->in_flight++;
		return;
	}
	transfer_refused(s->d, x->endpoint, &s->buffers, r, s->err);
	s->failed = true;
}

static bool wants_more(const struct stream *s)
{
	return !s->stop && !s->failed && s->m->bytes + (uint64_t)s->in_flight * s->size < s->want;
}

static void wrong_sent(struct stream *s)
{
	error_set(s->err, EXIT_WRONG, EIO, NULL,
		  "the device stalls after %" PRIu64
		  " bytes to endpoint 0x%02x: to it they are not of pattern %u, or its worker has "
		  "ended",
		  s->m->bytes, transfer_address(s->d, s->direction), s->o->pattern);
	s->failed = true;
}

static void fail(struct stream *s, const struct libusb_transfer *x)
{
	int usb = x->status == LIBUSB_TRANSFER_CANCELLED ? LIBUSB_ERROR_IO
							 : transfer_status(x->status);
	bool stalled = usb == LIBUSB_ERROR_PIPE;

	s->failed = true;
	if (stalled && s->verify && s->direction == DIRECTION_OUT) {
		wrong_sent(s);
		return;
	}
	device_error(s->err, usb, "transfer on endpoint 0x%02x failed after %" PRIu64 " bytes",
		     x->endpoint, s->m->bytes);
	transfer_hint(usb, s->err);
	if (stalled && s->direction == DIRECTION_OUT)
		error_hint(s->err, "or it wants data of another --pattern");
}

/* Both sides' packets begin with the transfer, also after a short one. */
static void compare(struct stream *s, const struct libusb_transfer *x)
{
	int at = 0;

	if (memcmp(x->buffer, s->expected, (size_t)x->actual_length) == 0) {
		memset(x->buffer, STALE, (size_t)x->length);
		return;
	}
	while (x->buffer[at] == s->expected[at])
		at++;
	error_set(s->err, EXIT_WRONG, EIO, NULL,
		  "byte %" PRIu64
		  " of what the device sent is 0x%02x, and not 0x%02x as pattern %u "
		  "has it (byte %u of a packet)",
		  s->m->bytes + (uint64_t)at, x->buffer[at], s->expected[at], s->o->pattern,
		  (unsigned int)at % s->packet);
	s->failed = true;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *x)
{
	struct stream *s = x->user_data;

	s->in_flight--;
	s->ended++;
	if (s->over || s->failed)
		return;
	if (x->status != LIBUSB_TRANSFER_COMPLETED) {
		fail(s, x);
		return;
	}
	if (s->expected)
		compare(s, x);
	s->m->bytes += (uint64_t)x->actual_length;
	s->m->transfers++;
	s->m->shorts += x->actual_length < x->length;
	if (wants_more(s))
		submit(s, x);
}

/* Once, before the run. */
static void fill(unsigned char *data, size_t size, unsigned int packet, unsigned int pattern)
{
	for (size_t i = 0; i < size; i++)
		data[i] = pattern == 1 ? (unsigned char)(i % packet % MOD63) : 0;
}

/*
 * A device in user space compares when it gets round to it, and ends then. It answers this request
 * of usbtest's (what was written last?) one event after the other: the first answer may be ahead
 * of what has arrived before, the second is not. Other devices refuse it.
 */
static bool answers(const struct stream *s)
{
	unsigned char byte;
	int i, r = 0;

	for (i = 0; i < 2 && r >= 0; i++)
		r = libusb_control_transfer(s->d->handle,
					    LIBUSB_ENDPOINT_IN | LIBUSB_REQUEST_TYPE_VENDOR,
					    USBTEST_READ, 0, 0, &byte, 1, s->o->timeout_ms);
	return r >= 0;
}

static int prepare(struct stream *s, const struct combination *c)
{
	unsigned int i;
	int r = buffers_make(&s->buffers, s->d, s->o->memory, s->depth, s->size, s->err);

	if (r < 0)
		return r;
	s->m->zero_copy = s->buffers.zero_copy;
	s->m->remark = buffers_remark(&s->buffers, s->o->memory);
	s->x = xcalloc(s->depth, sizeof(*s->x));
	if (s->verify && c->direction == DIRECTION_IN) {
		s->expected = xcalloc(1, s->size);
		fill(s->expected, s->size, s->packet, s->o->pattern);
	}
	for (i = 0; i < s->depth; i++) {
		if (c->direction == DIRECTION_OUT)
			fill(s->buffers.at[i], s->size, s->packet, s->o->pattern);
		else
			memset(s->buffers.at[i], STALE, s->size);
		s->x[i] = transfer_make(s->d, c->direction, s->buffers.at[i], (int)s->size, on_end,
					s);
		if (!s->x[i])
			return device_error(s->err, LIBUSB_ERROR_NO_MEM, "cannot make a transfer");
	}
	s->answered = s->verify && c->direction == DIRECTION_OUT && answers(s);
	return transfer_clear_halt(s->d, c->direction, s->err);
}

static void nothing_moved(struct stream *s)
{
	error_set(s->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved on endpoint 0x%02x for %.1f s, after %" PRIu64 " bytes",
		  transfer_address(s->d, s->direction), s->o->timeout_ms / 1000.0, s->m->bytes);
	error_hint(s->err, "the device's function may have no worker, or not be a %s",
		   s->direction == DIRECTION_IN ? "source" : "sink");
	s->failed = true;
}

struct look {
	double start;
	double progress_at; /* when bytes last moved */
	uint64_t bytes;
};

static void look_around(struct stream *s, struct look *l, struct progress *p)
{
	double now = now_seconds(), elapsed = now - l->start;
	double part = s->o->bytes ? (double)s->m->bytes / (double)s->want : 0;

	if (s->o->run_ms && elapsed * 1000 / s->o->run_ms > part)
		part = elapsed * 1000 / s->o->run_ms;
	progress_show(p, part, s->m->bytes, elapsed);
	if (s->m->bytes != l->bytes) {
		l->bytes = s->m->bytes;
		l->progress_at = now;
	}
	if (tick_interrupted() || (s->o->run_ms && elapsed * 1000 >= s->o->run_ms))
		s->stop = true;
	if (!s->failed && (now - l->progress_at) * 1000 >= s->o->timeout_ms)
		nothing_moved(s);
}

/* What is in flight to the device is let through: half a transfer would be its user's problem. */
static bool goes_on(const struct stream *s)
{
	return s->in_flight && !s->failed && !(s->stop && s->direction == DIRECTION_IN);
}

static void flow(struct stream *s, struct progress *p)
{
	struct look l = { .start = now_seconds() };
	double cpu = cpu_seconds();
	unsigned int i;

	l.progress_at = l.start;
	for (i = 0; i < s->depth && wants_more(s); i++)
		submit(s, s->x[i]);
	while (goes_on(s)) {
		s->ended = 0;
		transfer_wait(s->d, 1000);
		/* At its end there is no more to keep the queue full with. */
		if (s->ended && s->in_flight == s->depth)
			queue_look(&s->m->queue, s->depth, s->ended);
		if (tick_due())
			look_around(s, &l, p);
	}
	s->m->seconds = now_seconds() - l.start;
	s->m->cpu_seconds = cpu_seconds() - cpu;
}

/* Takes every transfer back. The kernel ends a cancelled one at once, so this ends. */
static void quiesce(struct stream *s)
{
	s->over = true;
	for (unsigned int i = 0; s->in_flight && i < s->depth; i++)
		libusb_cancel_transfer(s->x[i]);
	while (s->in_flight)
		transfer_wait(s->d, 1000);
}

static void stream_free(struct stream *s)
{
	for (unsigned int i = 0; s->x && i < s->depth; i++)
		libusb_free_transfer(s->x[i]);
	free(s->x);
	free(s->expected);
	buffers_free(&s->buffers);
}

static void end_request(struct stream *s)
{
	int64_t deadline = now_ms() + s->o->timeout_ms;

	s->stop = true;
	s->x[0]->length = 0;
	submit(s, s->x[0]);
	while (s->in_flight && !s->failed) {
		transfer_wait(s->d, TICK_MS);
		if (s->in_flight && now_ms() > deadline)
			nothing_moved(s);
	}
}

/*
 * The device compares a request when it is full or has a short packet, and says with a halt that a
 * byte is wrong.
 */
static void ask_verdict(struct stream *s)
{
	uint8_t address = transfer_address(s->d, s->direction);
	unsigned char status[2] = { 0 };
	bool ended;
	int r;

	end_request(s);
	if (s->failed)
		return;
	/* The halt comes a moment after the worker's end. */
	ended = s->answered && !answers(s);
	r = libusb_control_transfer(s->d->handle, LIBUSB_ENDPOINT_IN | LIBUSB_RECIPIENT_ENDPOINT,
				    LIBUSB_REQUEST_GET_STATUS, 0, address, status, sizeof(status),
				    s->o->timeout_ms);
	if (r < 0) {
		device_error(s->err, r, "cannot ask for the status of endpoint 0x%02x", address);
		s->failed = true;
	} else if (ended || status[0] & ENDPOINT_HALTED) {
		wrong_sent(s);
	}
}

static int run(const struct device *d, const struct options *o, const struct combination *c,
	       struct progress *p, struct measure *m, bool verify, struct error *err)
{
	struct stream s = { .d = d,
			    .o = o,
			    .m = m,
			    .err = err,
			    .direction = c->direction,
			    .depth = c->depth,
			    .packet = transfer_packet(d, c->direction),
			    .size = (unsigned int)c->size,
			    .verify = verify,
			    .want = o->bytes ? o->bytes : UINT64_MAX };
	int r;

	/* A device that sends more than was asked for babbles. */
	if (c->direction == DIRECTION_IN)
		s.size = (s.size + s.packet - 1) / s.packet * s.packet;
	m->size = s.size;
	r = prepare(&s, c);
	if (r >= 0) {
		flow(&s, p);
		if (verify && c->direction == DIRECTION_OUT && !s.failed)
			ask_verdict(&s);
		quiesce(&s);
		r = s.failed ? -EIO : 0;
	}
	stream_free(&s);
	return r;
}

int stream_run(const struct device *d, const struct options *o, const struct combination *c,
	       struct progress *p, struct measure *m, struct error *err)
{
	return run(d, o, c, p, m, false, err);
}

int verify_run(const struct device *d, const struct options *o, const struct combination *c,
	       struct progress *p, struct measure *m, struct error *err)
{
	return run(d, o, c, p, m, true, err);
}
