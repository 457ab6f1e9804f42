/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command latency measures the time from the submission of a message until its last byte has
 * come back from the device. The IN transfer is submitted before the OUT transfer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/bench.h"
#include "ffsbench/pattern.h"
#include "ffsbench/timing.h"
#include "ffsbench/transfer.h"

struct latency_state {
	const struct device *device;
	const struct options *options;
	struct run_result *result;
	struct error *err;
	struct pattern pattern;
	struct transfer_buffers buffers;
	struct libusb_transfer *out_transfer, *in_transfer;
	unsigned int message_size; /* bytes */
	unsigned int n_in_flight;
	bool transfer_failed;
	bool progress_update_due; /* a tick has elapsed, so the progress bar must be updated */
	double echo_received_at;  /* time in seconds at which the whole message had come back */
};

static void LIBUSB_CALL on_completion(struct libusb_transfer *x)
{
	struct latency_state *t = x->user_data;

	t->n_in_flight--;
	t->transfer_failed = t->transfer_failed || x->status != LIBUSB_TRANSFER_COMPLETED;
	if (x == t->in_transfer)
		t->echo_received_at = now_seconds();
}

static int prepare_transfers(struct latency_state *t)
{
	unsigned int packet = t->device->in_packet_size;
	/* The IN transfer is longer than the message, so that it receives the short packet that
	   ends the message, too. */
	unsigned int room = (t->message_size / packet + 1) * packet;
	int r = buffers_allocate(&t->buffers, t->device, t->options->memory_choice, 2, room,
				 t->err);

	if (r < 0)
		return r;
	t->result->zero_copy = t->buffers.zero_copy;
	t->result->memory_warning = buffers_warning(&t->buffers, t->options->memory_choice);
	t->out_transfer = transfer_allocate(t->device, DIRECTION_OUT, t->buffers.data[0],
					    (int)t->message_size, on_completion, t);
	t->in_transfer = transfer_allocate(t->device, DIRECTION_IN, t->buffers.data[1], (int)room,
					   on_completion, t);
	if (!t->out_transfer || !t->in_transfer)
		return fail_libusb(t->err, LIBUSB_ERROR_NO_MEM, "cannot allocate a transfer");
	if (t->message_size % t->device->out_packet_size == 0)
		t->out_transfer->flags = LIBUSB_TRANSFER_ADD_ZERO_PACKET;
	r = transfer_clear_halt(t->device, DIRECTION_OUT, t->err);
	return r < 0 ? r : transfer_clear_halt(t->device, DIRECTION_IN, t->err);
}

static int submit_transfer(struct latency_state *t, struct libusb_transfer *x)
{
	int r = libusb_submit_transfer(x);

	if (r < 0)
		return transfer_set_submit_error(t->device, x->endpoint, &t->buffers, r, t->err);
	t->n_in_flight++;
	return 0;
}

static int check_transfer_status(struct latency_state *t, const struct libusb_transfer *x)
{
	int libusb_error = transfer_libusb_error(x->status);

	if (libusb_error == 0)
		return 0;
	fail_libusb(t->err, libusb_error,
		    "transfer on endpoint 0x%02x failed in round trip %" PRIu64, x->endpoint,
		    t->result->messages + 1);
	return transfer_add_hint(libusb_error, t->err);
}

static int check_echo(struct latency_state *t)
{
	size_t same;
	int r = check_transfer_status(t, t->out_transfer);

	if (r == 0)
		r = check_transfer_status(t, t->in_transfer);
	if (r < 0)
		return r;
	if ((unsigned int)t->in_transfer->actual_length != t->message_size)
		return error_set(t->err, EXIT_WRONG_DATA, EIO, NULL,
				 "message %" PRIu64 " (%u bytes) came back with %d bytes",
				 t->result->messages + 1, t->message_size,
				 t->in_transfer->actual_length);
	same = pattern_n_matching_bytes(&t->pattern, t->result->messages, 0, t->in_transfer->buffer,
					t->message_size);
	if (same < t->message_size)
		return error_set(t->err, EXIT_WRONG_DATA, EIO, NULL,
				 "message %" PRIu64 " (%u bytes) came back wrong: byte %zu is "
				 "0x%02x, not 0x%02x",
				 t->result->messages + 1, t->message_size, same,
				 t->in_transfer->buffer[same], t->out_transfer->buffer[same]);
	return 0;
}

static void cancel_transfers(struct latency_state *t)
{
	if (t->n_in_flight) {
		libusb_cancel_transfer(t->out_transfer);
		libusb_cancel_transfer(t->in_transfer);
	}
	while (t->n_in_flight)
		transfer_handle_completions(t->device, 1000);
}

/*
 * Waits until the message has come back, even after SIGINT: otherwise the next program that uses
 * the device would receive the message.
 */
static int wait_for_echo(struct latency_state *t, double start)
{
	while (t->n_in_flight) {
		transfer_handle_completions(t->device, 1000);
		if (t->transfer_failed)
			/* If a transfer fails, the message cannot come back. */
			cancel_transfers(t);
		if (!t->n_in_flight || !tick_elapsed())
			continue;
		t->progress_update_due = true;
		if ((now_seconds() - start) * 1000 < t->options->timeout_ms)
			continue;
		error_set(t->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
			  "message %" PRIu64 " (%u bytes) did not come back in %.1f s",
			  t->result->messages + 1, t->message_size,
			  t->options->timeout_ms / 1000.0);
		return error_add_hint(t->err, NO_ECHO_HINT);
	}
	return 0;
}

/* Sends one message and receives its echo. Stores the time that this takes in *took, in seconds. */
static int measure_round_trip(struct latency_state *t, double *took)
{
	double start;
	int r;

	pattern_fill(&t->pattern, t->result->messages, 0, t->out_transfer->buffer, t->message_size);
	r = submit_transfer(t, t->in_transfer);
	if (r < 0)
		return r;
	start = now_seconds();
	r = submit_transfer(t, t->out_transfer);
	if (r == 0)
		r = wait_for_echo(t, start);
	cancel_transfers(t);
	if (r == 0)
		r = check_echo(t);
	*took = t->echo_received_at - start;
	return r;
}

static void set_latency_percentiles(struct run_result *m, double *took, size_t n)
{
	static const double percent[LATENCIES] = { 0, 50, 90, 99, 99.9, 100 };

	stats_sort(took, n);
	for (size_t i = 0; i < LATENCIES; i++)
		m->latency_seconds[i] = stats_percentile(took, n, percent[i]);
}

static void update_progress_bar(struct latency_state *t, struct progress_bar *p, double elapsed)
{
	double messages = (double)t->result->messages / (double)t->options->n_messages;
	double time = t->options->max_run_ms ? elapsed * 1000 / t->options->max_run_ms : 0;

	if (!t->progress_update_due && !tick_elapsed())
		return;
	t->progress_update_due = false;
	progress_bar_update(p, messages > time ? messages : time, t->result->bytes, elapsed);
}

static int run_round_trips(struct latency_state *t, struct progress_bar *p)
{
	double *took = xcalloc(t->options->n_messages, sizeof(*took));
	double start = now_seconds(), cpu = cpu_seconds(), elapsed = 0;
	int r = 0;

	while (r == 0 && t->result->messages < t->options->n_messages &&
	       !(t->options->max_run_ms && elapsed * 1000 >= t->options->max_run_ms) &&
	       !run_interrupted()) {
		r = measure_round_trip(t, &took[t->result->messages]);
		if (r == 0) {
			t->result->messages++;
			t->result->bytes += t->message_size;
		}
		elapsed = t->echo_received_at - start;
		update_progress_bar(t, p, elapsed);
	}
	t->result->seconds = now_seconds() - start;
	t->result->cpu_seconds = cpu_seconds() - cpu;
	set_latency_percentiles(t->result, took, t->result->messages);
	free(took);
	return r;
}

int run_latency_command(const struct device *d, const struct options *o,
			const struct run_parameters *c, struct progress_bar *p,
			struct run_result *m, struct error *err)
{
	struct latency_state t = { .device = d,
				   .options = o,
				   .result = m,
				   .err = err,
				   .message_size = (unsigned int)c->size };
	int r;

	m->size_rounded_to_packets = c->size;
	pattern_init(&t.pattern);
	r = prepare_transfers(&t);
	if (r >= 0)
		r = run_round_trips(&t, p);
	libusb_free_transfer(t.out_transfer);
	libusb_free_transfer(t.in_transfer);
	buffers_free(&t.buffers);
	pattern_free(&t.pattern);
	return r;
}
