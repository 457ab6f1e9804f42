/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latency: measures the time from sending a message until its last byte has come back. The IN
 * transfer is submitted before the message is sent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/bench.h"
#include "ffsbench/pattern.h"
#include "ffsbench/tick.h"
#include "ffsbench/transfer.h"

struct latency_state {
	const struct device *device;
	const struct options *options;
	struct run_result *result;
	struct error *err;
	struct pattern pattern;
	struct buffers buffers;
	struct libusb_transfer *out, *in;
	unsigned int size; /* bytes of the message */
	unsigned int in_flight;
	bool failed;	    /* a transfer failed */
	bool progress_due;  /* the progress bar must be updated */
	double returned_at; /* time at which the message was back, seconds */
};

static void LIBUSB_CALL on_end(struct libusb_transfer *x)
{
	struct latency_state *t = x->user_data;

	t->in_flight--;
	t->failed = t->failed || x->status != LIBUSB_TRANSFER_COMPLETED;
	if (x == t->in)
		t->returned_at = now_seconds();
}

static int prepare(struct latency_state *t)
{
	unsigned int packet = t->device->in_packet;
	/* The IN transfer is longer than the message, so that it includes the short packet that
	   ends the message. */
	unsigned int room = (t->size / packet + 1) * packet;
	int r = buffers_make(&t->buffers, t->device, t->options->memory, 2, room, t->err);

	if (r < 0)
		return r;
	t->result->zero_copy = t->buffers.zero_copy;
	t->result->remark = buffers_remark(&t->buffers, t->options->memory);
	t->out = transfer_make(t->device, DIRECTION_OUT, t->buffers.data[0], (int)t->size, on_end,
			       t);
	t->in = transfer_make(t->device, DIRECTION_IN, t->buffers.data[1], (int)room, on_end, t);
	if (!t->out || !t->in)
		return device_error(t->err, LIBUSB_ERROR_NO_MEM, "cannot allocate a transfer");
	if (t->size % t->device->out_packet == 0)
		t->out->flags = LIBUSB_TRANSFER_ADD_ZERO_PACKET;
	r = transfer_clear_halt(t->device, DIRECTION_OUT, t->err);
	return r < 0 ? r : transfer_clear_halt(t->device, DIRECTION_IN, t->err);
}

static int submit(struct latency_state *t, struct libusb_transfer *x)
{
	int r = libusb_submit_transfer(x);

	if (r < 0)
		return transfer_refused(t->device, x->endpoint, &t->buffers, r, t->err);
	t->in_flight++;
	return 0;
}

static int check_status(struct latency_state *t, const struct libusb_transfer *x)
{
	int usb = transfer_status(x->status);

	if (usb == 0)
		return 0;
	device_error(t->err, usb, "transfer on endpoint 0x%02x failed in round trip %" PRIu64,
		     x->endpoint, t->result->messages + 1);
	return transfer_hint(usb, t->err);
}

static int check(struct latency_state *t)
{
	size_t same;
	int r = check_status(t, t->out);

	if (r == 0)
		r = check_status(t, t->in);
	if (r < 0)
		return r;
	if ((unsigned int)t->in->actual_length != t->size)
		return error_set(t->err, EXIT_WRONG_DATA, EIO, NULL,
				 "message %" PRIu64 " (%u bytes) came back with %d bytes",
				 t->result->messages + 1, t->size, t->in->actual_length);
	same = pattern_compare(&t->pattern, t->result->messages, 0, t->in->buffer, t->size);
	if (same < t->size)
		return error_set(t->err, EXIT_WRONG_DATA, EIO, NULL,
				 "message %" PRIu64 " (%u bytes) came back wrong: byte %zu is "
				 "0x%02x, not 0x%02x",
				 t->result->messages + 1, t->size, same, t->in->buffer[same],
				 t->out->buffer[same]);
	return 0;
}

static void cancel_all(struct latency_state *t)
{
	if (t->in_flight) {
		libusb_cancel_transfer(t->out);
		libusb_cancel_transfer(t->in);
	}
	while (t->in_flight)
		transfer_wait(t->device, 1000);
}

/*
 * Waits for the message even after an interrupt: otherwise the next program that uses the device
 * would receive the message.
 */
static int wait_for_message(struct latency_state *t, double start)
{
	while (t->in_flight) {
		transfer_wait(t->device, 1000);
		if (t->failed)
			cancel_all(t); /* one transfer failed, so the other one cannot succeed */
		if (!t->in_flight || !tick_due())
			continue;
		t->progress_due = true;
		if ((now_seconds() - start) * 1000 < t->options->timeout_ms)
			continue;
		error_set(t->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
			  "message %" PRIu64 " (%u bytes) did not come back in %.1f s",
			  t->result->messages + 1, t->size, t->options->timeout_ms / 1000.0);
		return error_hint(t->err, NO_ECHO);
	}
	return 0;
}

/* Sends one message and receives it. Stores the time it took in *took, in seconds. */
static int round_trip(struct latency_state *t, double *took)
{
	double start;
	int r;

	pattern_fill(&t->pattern, t->result->messages, 0, t->out->buffer, t->size);
	r = submit(t, t->in);
	if (r < 0)
		return r;
	start = now_seconds();
	r = submit(t, t->out);
	if (r == 0)
		r = wait_for_message(t, start);
	cancel_all(t);
	if (r == 0)
		r = check(t);
	*took = t->returned_at - start;
	return r;
}

static void set_percentiles(struct run_result *m, double *took, size_t n)
{
	static const double percent[LATENCIES] = { 0, 50, 90, 99, 99.9, 100 };

	stats_sort(took, n);
	for (size_t i = 0; i < LATENCIES; i++)
		m->latency[i] = stats_percentile(took, n, percent[i]);
}

static void show_progress(struct latency_state *t, struct progress *p, double elapsed)
{
	double part = (double)t->result->messages / (double)t->options->count;
	double time = t->options->run_ms ? elapsed * 1000 / t->options->run_ms : 0;

	if (!t->progress_due && !tick_due())
		return;
	t->progress_due = false;
	progress_show(p, part > time ? part : time, t->result->bytes, elapsed);
}

static int run_round_trips(struct latency_state *t, struct progress *p)
{
	double *took = xcalloc(t->options->count, sizeof(*took));
	double start = now_seconds(), cpu = cpu_seconds(), elapsed = 0;
	int r = 0;

	while (r == 0 && t->result->messages < t->options->count &&
	       !(t->options->run_ms && elapsed * 1000 >= t->options->run_ms) &&
	       !tick_interrupted()) {
		r = round_trip(t, &took[t->result->messages]);
		if (r == 0) {
			t->result->messages++;
			t->result->bytes += t->size;
		}
		elapsed = t->returned_at - start;
		show_progress(t, p, elapsed);
	}
	t->result->seconds = now_seconds() - start;
	t->result->cpu_seconds = cpu_seconds() - cpu;
	set_percentiles(t->result, took, t->result->messages);
	free(took);
	return r;
}

int latency_run(const struct device *d, const struct options *o, const struct combination *c,
		struct progress *p, struct run_result *m, struct error *err)
{
	struct latency_state t = {
		.device = d, .options = o, .result = m, .err = err, .size = (unsigned int)c->size
	};
	int r;

	m->size = c->size;
	pattern_init(&t.pattern);
	r = prepare(&t);
	if (r >= 0)
		r = run_round_trips(&t, p);
	libusb_free_transfer(t.out);
	libusb_free_transfer(t.in);
	buffers_free(&t.buffers);
	pattern_free(&t.pattern);
	return r;
}
