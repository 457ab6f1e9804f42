/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source, sink and verify: data flows in one direction, with `depth` transfers in flight. libusb's
 * callback submits a completed transfer again and, for verify, compares its data.
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
#define STALE 0x55 /* in neither pattern: fills IN buffers, so that old data is not accepted */
#define MOD63 63   /* f_sourcesink's pattern 1: byte n of a packet is n modulo 63 */

struct stream_state {
	const struct device *device;
	const struct options *options;
	struct measure *measure;
	struct error *err;
	enum direction direction;
	unsigned int depth, packet;
	unsigned int size; /* bytes of a transfer */
	struct buffers buffers;
	struct libusb_transfer **libusb_transfers;
	bool verify, answers_read; /* answers_read: what answers_read() returned before the run */
	unsigned char *expected;   /* data of an IN transfer; NULL: not compared */
	uint64_t total;		   /* bytes to move */
	unsigned int in_flight;
	unsigned int n_ended; /* completions since the last sample */
	bool stopping;	      /* submit no more */
	bool failed;
	bool draining; /* ignore further completions */
};

static void submit(struct stream_state *s, struct libusb_transfer *x)
{
	int r = libusb_submit_transfer(x);

	if (r == 0) {
		s->in_flight++;
		return;
	}
	transfer_refused(s->device, x->endpoint, &s->buffers, r, s->err);
	s->failed = true;
}

static bool needs_more(const struct stream_state *s)
{
	return !s->stopping && !s->failed &&
	       s->measure->bytes + (uint64_t)s->in_flight * s->size < s->total;
}

/* A sink halts its endpoint after a wrong byte, the kernel when the worker ends. */
#define ENDED_OR_PATTERN "its worker may have ended, or expect another --pattern"

static void report_stall(struct stream_state *s)
{
	error_set(s->err, EXIT_WRONG, EIO, NULL,
		  "the device stalled after %" PRIu64 " bytes to endpoint 0x%02x",
		  s->measure->bytes, transfer_address(s->device, s->direction));
	error_hint(s->err, ENDED_OR_PATTERN);
	s->failed = true;
}

static void fail(struct stream_state *s, const struct libusb_transfer *x)
{
	int usb = x->status == LIBUSB_TRANSFER_CANCELLED ? LIBUSB_ERROR_IO
							 : transfer_status(x->status);
	bool stalled = usb == LIBUSB_ERROR_PIPE;

	s->failed = true;
	if (stalled && s->verify && s->direction == DIRECTION_OUT) {
		report_stall(s);
		return;
	}
	device_error(s->err, usb, "transfer on endpoint 0x%02x failed after %" PRIu64 " bytes",
		     x->endpoint, s->measure->bytes);
	if (stalled && s->direction == DIRECTION_OUT)
		error_hint(s->err, ENDED_OR_PATTERN);
	else
		transfer_hint(usb, s->err);
}

/*
 * Compares received data with the pattern. A transfer always begins with a packet on both sides,
 * also after a short one.
 */
static void compare(struct stream_state *s, const struct libusb_transfer *x)
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
		  " from the device is 0x%02x, not 0x%02x as in pattern %u (byte %u of a "
		  "packet)",
		  s->measure->bytes + (uint64_t)at, x->buffer[at], s->expected[at],
		  s->options->pattern, (unsigned int)at % s->packet);
	s->failed = true;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *x)
{
	struct stream_state *s = x->user_data;

	s->in_flight--;
	s->n_ended++;
	if (s->draining || s->failed)
		return;
	if (x->status != LIBUSB_TRANSFER_COMPLETED) {
		fail(s, x);
		return;
	}
	if (s->expected)
		compare(s, x);
	s->measure->bytes += (uint64_t)x->actual_length;
	s->measure->transfers++;
	s->measure->short_transfers += x->actual_length < x->length;
	if (needs_more(s))
		submit(s, x);
}

/* Fills a buffer with the pattern. */
static void fill(unsigned char *data, size_t size, unsigned int packet, unsigned int pattern)
{
	for (size_t i = 0; i < size; i++)
		data[i] = pattern == 1 ? (unsigned char)(i % packet % MOD63) : 0;
}

/*
 * Returns whether the device answers usbtest's READ request. A worker in user space compares data
 * some time after it has arrived, and ends if the data is wrong. It handles events in order: the
 * first answer may precede data that arrived earlier, the second does not. Other devices stall the
 * request.
 */
static bool answers_read(const struct stream_state *s)
{
	unsigned char byte;
	int i, r = 0;

	for (i = 0; i < 2 && r >= 0; i++)
		r = libusb_control_transfer(s->device->handle,
					    LIBUSB_ENDPOINT_IN | LIBUSB_REQUEST_TYPE_VENDOR,
					    USBTEST_READ, 0, 0, &byte, 1, s->options->timeout_ms);
	return r >= 0;
}

static int prepare(struct stream_state *s, const struct combination *c)
{
	unsigned int i;
	int r = buffers_make(&s->buffers, s->device, s->options->memory, s->depth, s->size, s->err);

	if (r < 0)
		return r;
	s->measure->zero_copy = s->buffers.zero_copy;
	s->measure->remark = buffers_remark(&s->buffers, s->options->memory);
	s->libusb_transfers = xcalloc(s->depth, sizeof(*s->libusb_transfers));
	if (s->verify && c->direction == DIRECTION_IN) {
		s->expected = xcalloc(1, s->size);
		fill(s->expected, s->size, s->packet, s->options->pattern);
	}
	for (i = 0; i < s->depth; i++) {
		if (c->direction == DIRECTION_OUT)
			fill(s->buffers.data[i], s->size, s->packet, s->options->pattern);
		else
			memset(s->buffers.data[i], STALE, s->size);
		s->libusb_transfers[i] = transfer_make(s->device, c->direction, s->buffers.data[i],
						       (int)s->size, on_end, s);
		if (!s->libusb_transfers[i])
			return device_error(s->err, LIBUSB_ERROR_NO_MEM,
					    "cannot allocate a transfer");
	}
	s->answers_read = s->verify && c->direction == DIRECTION_OUT && answers_read(s);
	return transfer_clear_halt(s->device, c->direction, s->err);
}

static void report_timeout(struct stream_state *s)
{
	error_set(s->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved on endpoint 0x%02x for %.1f s, after %" PRIu64 " bytes",
		  transfer_address(s->device, s->direction), s->options->timeout_ms / 1000.0,
		  s->measure->bytes);
	error_hint(s->err, "the device's function may have no worker, or may not be a %s",
		   s->direction == DIRECTION_IN ? "source" : "sink");
	s->failed = true;
}

/* Times are in seconds. */
struct run_state {
	double start;
	double progress_at; /* last time that data moved */
	uint64_t bytes;
};

static void check_progress(struct stream_state *s, struct run_state *l, struct progress *p)
{
	double now = now_seconds(), elapsed = now - l->start;
	double part = s->options->bytes ? (double)s->measure->bytes / (double)s->total : 0;

	if (s->options->run_ms && elapsed * 1000 / s->options->run_ms > part)
		part = elapsed * 1000 / s->options->run_ms;
	progress_show(p, part, s->measure->bytes, elapsed);
	if (s->measure->bytes != l->bytes) {
		l->bytes = s->measure->bytes;
		l->progress_at = now;
	}
	if (tick_interrupted() || (s->options->run_ms && elapsed * 1000 >= s->options->run_ms))
		s->stopping = true;
	if (!s->failed && (now - l->progress_at) * 1000 >= s->options->timeout_ms)
		report_timeout(s);
}

/*
 * Returns whether to continue. OUT transfers in flight are completed, because the device must not
 * receive a part of one.
 */
static bool still_running(const struct stream_state *s)
{
	return s->in_flight && !s->failed && !(s->stopping && s->direction == DIRECTION_IN);
}

static void run_transfers(struct stream_state *s, struct progress *p)
{
	struct run_state l = { .start = now_seconds() };
	double cpu = cpu_seconds();
	unsigned int i;

	l.progress_at = l.start;
	for (i = 0; i < s->depth && needs_more(s); i++)
		submit(s, s->libusb_transfers[i]);
	while (still_running(s)) {
		s->n_ended = 0;
		transfer_wait(s->device, 1000);
		/* Takes no sample at the end of the run, when the queue is no longer filled. */
		if (s->n_ended && s->in_flight == s->depth)
			queue_sample(&s->measure->queue, s->depth, s->n_ended);
		if (tick_due())
			check_progress(s, &l, p);
	}
	s->measure->seconds = now_seconds() - l.start;
	s->measure->cpu_seconds = cpu_seconds() - cpu;
}

/* Cancels all transfers and waits for them: the kernel ends a cancelled transfer at once. */
static void cancel_and_wait(struct stream_state *s)
{
	s->draining = true;
	for (unsigned int i = 0; s->in_flight && i < s->depth; i++)
		libusb_cancel_transfer(s->libusb_transfers[i]);
	while (s->in_flight)
		transfer_wait(s->device, 1000);
}

static void stream_free(struct stream_state *s)
{
	for (unsigned int i = 0; s->libusb_transfers && i < s->depth; i++)
		libusb_free_transfer(s->libusb_transfers[i]);
	free(s->libusb_transfers);
	free(s->expected);
	buffers_free(&s->buffers);
}

static void end_request(struct stream_state *s)
{
	int64_t deadline = now_ms() + s->options->timeout_ms;

	s->stopping = true;
	s->libusb_transfers[0]->length = 0;
	submit(s, s->libusb_transfers[0]);
	while (s->in_flight && !s->failed) {
		transfer_wait(s->device, TICK_MS);
		if (s->in_flight && now_ms() > deadline)
			report_timeout(s);
	}
}

/*
 * Checks whether the device found a wrong byte, which it reports by a halt. It compares a request
 * that is full or ends with a short packet.
 */
static void check_device_status(struct stream_state *s)
{
	uint8_t address = transfer_address(s->device, s->direction);
	unsigned char status[2] = { 0 };
	bool ended;
	int r;

	end_request(s);
	if (s->failed)
		return;
	/* The halt follows the worker's end. */
	ended = s->answers_read && !answers_read(s);
	r = libusb_control_transfer(s->device->handle,
				    LIBUSB_ENDPOINT_IN | LIBUSB_RECIPIENT_ENDPOINT,
				    LIBUSB_REQUEST_GET_STATUS, 0, address, status, sizeof(status),
				    s->options->timeout_ms);
	if (r < 0) {
		device_error(s->err, r, "cannot read the status of endpoint 0x%02x", address);
		s->failed = true;
	} else if (ended || status[0] & ENDPOINT_HALTED) {
		report_stall(s);
	}
}

static int run(const struct device *d, const struct options *o, const struct combination *c,
	       struct progress *p, struct measure *m, bool verify, struct error *err)
{
	struct stream_state s = { .device = d,
				  .options = o,
				  .measure = m,
				  .err = err,
				  .direction = c->direction,
				  .depth = c->depth,
				  .packet = transfer_packet(d, c->direction),
				  .size = (unsigned int)c->size,
				  .verify = verify,
				  .total = o->bytes ? o->bytes : UINT64_MAX };
	int r;

	/* Whole packets: a shorter IN transfer would cause babble. */
	if (c->direction == DIRECTION_IN)
		s.size = (s.size + s.packet - 1) / s.packet * s.packet;
	m->size = s.size;
	r = prepare(&s, c);
	if (r >= 0) {
		run_transfers(&s, p);
		if (verify && c->direction == DIRECTION_OUT && !s.failed)
			check_device_status(&s);
		cancel_and_wait(&s);
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
