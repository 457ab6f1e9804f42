/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands source, sink and verify: move data in one direction, with `depth` transfers in
 * flight. The callback of libusb submits a completed transfer again; for verify it first compares
 * the data.
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
#define STALE_BYTE                                                                                 \
	0x55 /* a byte that is in no pattern; IN buffers are filled with it before each transfer   \
	      */
#define PATTERN_MODULUS 63 /* in pattern 1 of f_sourcesink, byte n of a packet is n modulo 63 */

struct stream_state {
	const struct device *device;
	const struct options *options;
	struct run_result *result;
	struct error *err;
	enum direction direction;
	unsigned int depth, packet;
	unsigned int size; /* bytes of a transfer */
	struct buffers buffers;
	struct libusb_transfer **libusb_transfers;
	bool verify;
	bool answers_usbtest_read; /* result of answers_usbtest_read() before the run */
	unsigned char
		*expected; /* the data that an IN transfer must have; NULL: data is not compared */
	uint64_t total;	   /* bytes to move */
	unsigned int in_flight;
	unsigned int n_ended; /* completions since the last sample */
	bool stopping;	      /* submit no more */
	bool failed;
	bool ignore_completions; /* the transfers were cancelled */
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
	       s->result->bytes + (uint64_t)s->in_flight * s->size < s->total;
}

/* A stall has two possible causes: a sink halts its endpoint after a wrong byte, and the endpoint
   is halted when the worker ends. */
#define STALL_HINT "its worker may have ended, or expect another --pattern"

static void report_stall(struct stream_state *s)
{
	error_set(s->err, EXIT_WRONG_DATA, EIO, NULL,
		  "the device stalled after %" PRIu64 " bytes to endpoint 0x%02x", s->result->bytes,
		  transfer_address(s->device, s->direction));
	error_hint(s->err, STALL_HINT);
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
		     x->endpoint, s->result->bytes);
	if (stalled && s->direction == DIRECTION_OUT)
		error_hint(s->err, STALL_HINT);
	else
		transfer_hint(usb, s->err);
}

/*
 * Compares received data with the pattern. Each transfer starts with the first byte of a packet, on
 * the host and on the device, also after a short packet.
 */
static void compare(struct stream_state *s, const struct libusb_transfer *x)
{
	int at = 0;

	if (memcmp(x->buffer, s->expected, (size_t)x->actual_length) == 0) {
		memset(x->buffer, STALE_BYTE, (size_t)x->length);
		return;
	}
	while (x->buffer[at] == s->expected[at])
		at++;
	error_set(s->err, EXIT_WRONG_DATA, EIO, NULL,
		  "byte %" PRIu64
		  " from the device is 0x%02x, not 0x%02x as in pattern %u (byte %u of a "
		  "packet)",
		  s->result->bytes + (uint64_t)at, x->buffer[at], s->expected[at],
		  s->options->pattern, (unsigned int)at % s->packet);
	s->failed = true;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *x)
{
	struct stream_state *s = x->user_data;

	s->in_flight--;
	s->n_ended++;
	if (s->ignore_completions || s->failed)
		return;
	if (x->status != LIBUSB_TRANSFER_COMPLETED) {
		fail(s, x);
		return;
	}
	if (s->expected)
		compare(s, x);
	s->result->bytes += (uint64_t)x->actual_length;
	s->result->transfers++;
	s->result->short_transfers += x->actual_length < x->length;
	if (needs_more(s))
		submit(s, x);
}

/* Fills a buffer with the pattern. */
static void fill(unsigned char *data, size_t size, unsigned int packet, unsigned int pattern)
{
	for (size_t i = 0; i < size; i++)
		data[i] = pattern == 1 ? (unsigned char)(i % packet % PATTERN_MODULUS) : 0;
}

/*
 * Returns whether the device answers the READ request of usbtest twice. A worker in user space
 * compares data some time after it has arrived, and ends if the data is wrong. When the second
 * answer arrives, the worker has compared all data that it had received before. Devices without
 * such a worker stall the request.
 */
static bool answers_usbtest_read(const struct stream_state *s)
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
	s->result->zero_copy = s->buffers.zero_copy;
	s->result->remark = buffers_remark(&s->buffers, s->options->memory);
	s->libusb_transfers = xcalloc(s->depth, sizeof(*s->libusb_transfers));
	if (s->verify && c->direction == DIRECTION_IN) {
		s->expected = xcalloc(1, s->size);
		fill(s->expected, s->size, s->packet, s->options->pattern);
	}
	for (i = 0; i < s->depth; i++) {
		if (c->direction == DIRECTION_OUT)
			fill(s->buffers.data[i], s->size, s->packet, s->options->pattern);
		else
			memset(s->buffers.data[i], STALE_BYTE, s->size);
		s->libusb_transfers[i] = transfer_make(s->device, c->direction, s->buffers.data[i],
						       (int)s->size, on_end, s);
		if (!s->libusb_transfers[i])
			return device_error(s->err, LIBUSB_ERROR_NO_MEM,
					    "cannot allocate a transfer");
	}
	s->answers_usbtest_read =
		s->verify && c->direction == DIRECTION_OUT && answers_usbtest_read(s);
	return transfer_clear_halt(s->device, c->direction, s->err);
}

static void report_timeout(struct stream_state *s)
{
	error_set(s->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved on endpoint 0x%02x for %.1f s, after %" PRIu64 " bytes",
		  transfer_address(s->device, s->direction), s->options->timeout_ms / 1000.0,
		  s->result->bytes);
	error_hint(s->err, "the device's function may have no worker, or may not be a %s",
		   s->direction == DIRECTION_IN ? "source" : "sink");
	s->failed = true;
}

/* Times are in seconds. */
struct run_state {
	double start;
	double progress_at; /* time at which data last moved */
	uint64_t bytes;	    /* bytes that had moved at that time */
};

static void check_progress(struct stream_state *s, struct run_state *l, struct progress *p)
{
	double now = now_seconds(), elapsed = now - l->start;
	double part = s->options->bytes ? (double)s->result->bytes / (double)s->total : 0;

	if (s->options->run_ms && elapsed * 1000 / s->options->run_ms > part)
		part = elapsed * 1000 / s->options->run_ms;
	progress_show(p, part, s->result->bytes, elapsed);
	if (s->result->bytes != l->bytes) {
		l->bytes = s->result->bytes;
		l->progress_at = now;
	}
	if (tick_interrupted() || (s->options->run_ms && elapsed * 1000 >= s->options->run_ms))
		s->stopping = true;
	if (!s->failed && (now - l->progress_at) * 1000 >= s->options->timeout_ms)
		report_timeout(s);
}

/*
 * Returns whether the run continues. It waits for OUT transfers in flight, because the device must
 * not receive only a part of a transfer.
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
		/* Take no sample at the end of the run, when no more transfers are submitted. */
		if (s->n_ended && s->in_flight == s->depth)
			queue_samples_add(&s->result->queue, s->depth, s->n_ended);
		if (tick_due())
			check_progress(s, &l, p);
	}
	s->result->seconds = now_seconds() - l.start;
	s->result->cpu_seconds = cpu_seconds() - cpu;
}

/* Cancels all transfers and waits for their ends, which follow at once. */
static void cancel_and_wait(struct stream_state *s)
{
	s->ignore_completions = true;
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
 * Checks whether the device has halted the endpoint, which means that it found a wrong byte. The
 * device compares a request when it is full or ends with a short packet; end_request() sends one.
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
	/* Wait for the worker's end, because the endpoint is halted after it. */
	ended = s->answers_usbtest_read && !answers_usbtest_read(s);
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
	       struct progress *p, struct run_result *m, bool verify, struct error *err)
{
	struct stream_state s = { .device = d,
				  .options = o,
				  .result = m,
				  .err = err,
				  .direction = c->direction,
				  .depth = c->depth,
				  .packet = transfer_packet(d, c->direction),
				  .size = (unsigned int)c->size,
				  .verify = verify,
				  .total = o->bytes ? o->bytes : UINT64_MAX };
	int r;

	/* IN transfers have whole packets: a longer packet than the transfer is babble. */
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
	       struct progress *p, struct run_result *m, struct error *err)
{
	return run(d, o, c, p, m, false, err);
}

int verify_run(const struct device *d, const struct options *o, const struct combination *c,
	       struct progress *p, struct run_result *m, struct error *err)
{
	return run(d, o, c, p, m, true, err);
}
