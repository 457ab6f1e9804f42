/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands source, sink and verify move data in one direction, with `depth` transfers in
 * flight. When a transfer has completed, a callback submits it again. For verify, the callback
 * first compares the received data.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ffsbench/bench.h"
#include "ffsbench/timing.h"
#include "ffsbench/transfer.h"

#define SOURCESINK_READ_COMPARED 0x5d /* bRequest; see src/plugins/sourcesink.c */
#define ENDPOINT_HALTED 1	      /* bit in the answer to GET_STATUS (USB 2.0, 9.4.5) */
/* A byte that no pattern contains. IN buffers are filled with this byte before each transfer. */
#define STALE_BYTE 0x55
#define PATTERN_MODULUS 63 /* in pattern 1, byte n of each packet is n modulo 63 */

struct stream_state {
	const struct device *device;
	const struct options *options;
	struct run_result *result;
	struct error *err;
	enum direction direction;
	unsigned int depth, packet_size;
	unsigned int transfer_size; /* bytes */
	struct transfer_buffers buffers;
	struct libusb_transfer **libusb_transfers;
	bool verify;
	/* What read_n_compared() returned before the first transfer. */
	int64_t n_compared_before;
	/* Data of a correct IN transfer; NULL: received data is not compared. */
	unsigned char *expected_data;
	uint64_t max_run_bytes; /* bytes to move in this run */
	unsigned int n_in_flight;
	unsigned int n_completed_since_sample; /* completions since the last sample of the host's
						  queue */
	bool stop_submitting;
	bool failed;
	bool ignore_completions; /* the run is over and its transfers were cancelled */
};

static void submit_transfer(struct stream_state *s, struct libusb_transfer *x)
{
	int r = libusb_submit_transfer(x);

	if (r == 0) {
		s->n_in_flight++;
		return;
	}
	transfer_set_submit_error(s->device, x->endpoint, &s->buffers, r, s->err);
	s->failed = true;
}

static bool needs_more_transfers(const struct stream_state *s)
{
	return !s->stop_submitting && !s->failed &&
	       s->result->bytes + (uint64_t)s->n_in_flight * s->transfer_size < s->max_run_bytes;
}

/* The device halts its OUT endpoint after a wrong byte, and when its worker has ended. */
#define STALL_HINT "perhaps the function's worker has ended, or expects another --pattern"

static void fail_endpoint_halted(struct stream_state *s)
{
	error_set(s->err, EXIT_WRONG_DATA, EIO, NULL,
		  "the device stalled after %" PRIu64 " bytes to endpoint 0x%02x", s->result->bytes,
		  transfer_endpoint_address(s->device, s->direction));
	error_add_hint(s->err, STALL_HINT);
	s->failed = true;
}

static void fail_transfer(struct stream_state *s, const struct libusb_transfer *x)
{
	int libusb_error = x->status == LIBUSB_TRANSFER_CANCELLED
				   ? LIBUSB_ERROR_IO
				   : transfer_libusb_error(x->status);
	bool stalled = libusb_error == LIBUSB_ERROR_PIPE;

	s->failed = true;
	if (stalled && s->verify && s->direction == DIRECTION_OUT) {
		fail_endpoint_halted(s);
		return;
	}
	fail_libusb(s->err, libusb_error,
		    "transfer on endpoint 0x%02x failed after %" PRIu64 " bytes", x->endpoint,
		    s->result->bytes);
	if (stalled && s->direction == DIRECTION_OUT)
		error_add_hint(s->err, STALL_HINT);
	else
		transfer_add_hint(libusb_error, s->err);
}

/*
 * Compares received data with the pattern. The pattern begins again with each packet. A transfer
 * always begins with a new packet, on the host and on the device, even after a short packet.
 */
static void compare_with_pattern(struct stream_state *s, const struct libusb_transfer *x)
{
	int at = 0;

	if (memcmp(x->buffer, s->expected_data, (size_t)x->actual_length) == 0) {
		memset(x->buffer, STALE_BYTE, (size_t)x->length);
		return;
	}
	while (x->buffer[at] == s->expected_data[at])
		at++;
	error_set(s->err, EXIT_WRONG_DATA, EIO, NULL,
		  "byte %" PRIu64
		  " from the device is 0x%02x, not 0x%02x as in pattern %u (byte %u of a "
		  "packet)",
		  s->result->bytes + (uint64_t)at, x->buffer[at], s->expected_data[at],
		  s->options->usbtest_pattern, (unsigned int)at % s->packet_size);
	s->failed = true;
}

static void LIBUSB_CALL on_completion(struct libusb_transfer *x)
{
	struct stream_state *s = x->user_data;

	s->n_in_flight--;
	s->n_completed_since_sample++;
	if (s->ignore_completions || s->failed)
		return;
	if (x->status != LIBUSB_TRANSFER_COMPLETED) {
		fail_transfer(s, x);
		return;
	}
	if (s->expected_data)
		compare_with_pattern(s, x);
	s->result->bytes += (uint64_t)x->actual_length;
	s->result->transfers++;
	s->result->short_transfers += x->actual_length < x->length;
	if (needs_more_transfers(s))
		submit_transfer(s, x);
}

/* Fills a buffer with the data of --pattern `pattern`. `packet`: packet size in bytes. */
static void fill_with_pattern(unsigned char *data, size_t size, unsigned int packet,
			      unsigned int pattern)
{
	for (size_t i = 0; i < size; i++)
		data[i] = pattern == 1 ? (unsigned char)(i % packet % PATTERN_MODULUS) : 0;
}

/*
 * Returns how many bytes the plugin sourcesink has compared since its worker began. A worker in
 * user space compares data some time after it has arrived, and exits if the data is wrong. Other
 * devices do not know this request and stall it: -1.
 */
static int64_t read_n_compared(const struct stream_state *s)
{
	uint64_t n = 0;
	int r = libusb_control_transfer(s->device->handle,
					LIBUSB_ENDPOINT_IN | LIBUSB_REQUEST_TYPE_VENDOR,
					SOURCESINK_READ_COMPARED, 0, 0, (unsigned char *)&n,
					sizeof(n), s->options->timeout_ms);

	return r == (int)sizeof(n) ? (int64_t)le64toh(n) : -1;
}

static int prepare_transfers(struct stream_state *s, const struct run_parameters *c)
{
	unsigned int i;
	int r = buffers_allocate(&s->buffers, s->device, s->options->memory_choice, s->depth,
				 s->transfer_size, s->err);

	if (r < 0)
		return r;
	s->result->zero_copy = s->buffers.zero_copy;
	s->result->memory_warning = buffers_warning(&s->buffers, s->options->memory_choice);
	s->libusb_transfers = xcalloc(s->depth, sizeof(*s->libusb_transfers));
	if (s->verify && c->direction == DIRECTION_IN) {
		s->expected_data = xcalloc(1, s->transfer_size);
		fill_with_pattern(s->expected_data, s->transfer_size, s->packet_size,
				  s->options->usbtest_pattern);
	}
	for (i = 0; i < s->depth; i++) {
		if (c->direction == DIRECTION_OUT)
			fill_with_pattern(s->buffers.data[i], s->transfer_size, s->packet_size,
					  s->options->usbtest_pattern);
		else
			memset(s->buffers.data[i], STALE_BYTE, s->transfer_size);
		s->libusb_transfers[i] =
			transfer_allocate(s->device, c->direction, s->buffers.data[i],
					  (int)s->transfer_size, on_completion, s);
		if (!s->libusb_transfers[i])
			return fail_libusb(s->err, LIBUSB_ERROR_NO_MEM,
					   "cannot allocate a transfer");
	}
	s->n_compared_before = s->verify && c->direction == DIRECTION_OUT ? read_n_compared(s) : -1;
	return transfer_clear_halt(s->device, c->direction, s->err);
}

static void fail_timeout(struct stream_state *s)
{
	error_set(s->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved on endpoint 0x%02x for %.1f s, after %" PRIu64 " bytes",
		  transfer_endpoint_address(s->device, s->direction),
		  s->options->timeout_ms / 1000.0, s->result->bytes);
	error_add_hint(s->err, "perhaps the device's function has no worker, or is not a %s",
		       s->direction == DIRECTION_IN ? "source" : "sink");
	s->failed = true;
}

/* How a run proceeds. Times are in seconds. */
struct run_progress {
	double started_at;
	double data_last_moved_at;   /* time at which data last moved */
	uint64_t bytes_at_last_move; /* number of bytes that had moved at data_last_moved_at */
};

static void update_bar_and_check_time(struct stream_state *s, struct run_progress *l,
				      struct progress_bar *p)
{
	double now = now_seconds(), elapsed = now - l->started_at;
	double fraction =
		s->options->max_run_bytes ? (double)s->result->bytes / (double)s->max_run_bytes : 0;

	if (s->options->max_run_ms && elapsed * 1000 / s->options->max_run_ms > fraction)
		fraction = elapsed * 1000 / s->options->max_run_ms;
	progress_bar_update(p, fraction, s->result->bytes, elapsed);
	if (s->result->bytes != l->bytes_at_last_move) {
		l->bytes_at_last_move = s->result->bytes;
		l->data_last_moved_at = now;
	}
	if (run_interrupted() ||
	    (s->options->max_run_ms && elapsed * 1000 >= s->options->max_run_ms))
		s->stop_submitting = true;
	if (!s->failed && (now - l->data_last_moved_at) * 1000 >= s->options->timeout_ms)
		fail_timeout(s);
}

/*
 * Returns whether the run continues. At its end, a run waits for the OUT transfers in flight: if
 * they were cancelled, the device might receive only a part of a transfer.
 */
static bool run_continues(const struct stream_state *s)
{
	return s->n_in_flight && !s->failed &&
	       !(s->stop_submitting && s->direction == DIRECTION_IN);
}

static void run_transfers(struct stream_state *s, struct progress_bar *p)
{
	struct run_progress l = { .started_at = now_seconds() };
	double cpu = cpu_seconds();
	unsigned int i;

	l.data_last_moved_at = l.started_at;
	for (i = 0; i < s->depth && needs_more_transfers(s); i++)
		submit_transfer(s, s->libusb_transfers[i]);
	while (run_continues(s)) {
		s->n_completed_since_sample = 0;
		transfer_handle_completions(s->device, 1000);
		/* No sample is taken at the end of the run, when completed transfers are not
		   submitted again. */
		if (s->n_completed_since_sample && s->n_in_flight == s->depth)
			queue_samples_add(&s->result->host_queue, s->depth,
					  s->n_completed_since_sample);
		if (tick_elapsed())
			update_bar_and_check_time(s, &l, p);
	}
	s->result->seconds = now_seconds() - l.started_at;
	s->result->cpu_seconds = cpu_seconds() - cpu;
}

/* Cancels all transfers and waits a short time until they have ended. */
static void cancel_transfers_and_wait(struct stream_state *s)
{
	s->ignore_completions = true;
	for (unsigned int i = 0; s->n_in_flight && i < s->depth; i++)
		libusb_cancel_transfer(s->libusb_transfers[i]);
	while (s->n_in_flight)
		transfer_handle_completions(s->device, 1000);
}

static void stream_state_free(struct stream_state *s)
{
	for (unsigned int i = 0; s->libusb_transfers && i < s->depth; i++)
		libusb_free_transfer(s->libusb_transfers[i]);
	free(s->libusb_transfers);
	free(s->expected_data);
	buffers_free(&s->buffers);
}

static void send_zero_length_packet(struct stream_state *s)
{
	int64_t deadline = now_ms() + s->options->timeout_ms;

	s->stop_submitting = true;
	s->libusb_transfers[0]->length = 0;
	submit_transfer(s, s->libusb_transfers[0]);
	while (s->n_in_flight && !s->failed) {
		transfer_handle_completions(s->device, TICK_MS);
		if (s->n_in_flight && now_ms() > deadline)
			fail_timeout(s);
	}
}

static bool endpoint_is_halted(struct stream_state *s)
{
	uint8_t address = transfer_endpoint_address(s->device, s->direction);
	unsigned char status[2] = { 0 };
	int r = libusb_control_transfer(s->device->handle,
					LIBUSB_ENDPOINT_IN | LIBUSB_RECIPIENT_ENDPOINT,
					LIBUSB_REQUEST_GET_STATUS, 0, address, status,
					sizeof(status), s->options->timeout_ms);

	if (r < 0) {
		fail_libusb(s->err, r, "cannot read the status of endpoint 0x%02x", address);
		s->failed = true;
	}
	return status[0] & ENDPOINT_HALTED;
}

static void fail_not_compared(struct stream_state *s, int64_t n)
{
	error_set(s->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "the device compared only %" PRId64 " of %" PRIu64
		  " bytes to endpoint 0x%02x in %.1f s",
		  n, s->result->bytes, transfer_endpoint_address(s->device, s->direction),
		  s->options->timeout_ms / 1000.0);
	s->failed = true;
}

/*
 * Waits until the device has compared what was sent, and fails the run if the endpoint is halted,
 * which means that the device has found a wrong byte. The device compares the data of one of its
 * requests when the request is full or ends with a short packet. Therefore sends a zero-length
 * packet, which ends the request.
 *
 * A worker that has found a wrong byte exits, and the endpoint is halted only afterwards: if the
 * worker no longer answers, or has compared less than before, the data was wrong, too. The kernel's
 * SourceSink halts the endpoint before the transfer ends.
 */
static void wait_for_comparison(struct stream_state *s)
{
	int64_t deadline, n, wanted = s->n_compared_before + (int64_t)s->result->bytes;
	bool halted;

	send_zero_length_packet(s);
	deadline = now_ms() + s->options->timeout_ms;
	while (!s->failed) {
		n = s->n_compared_before < 0 ? wanted : read_n_compared(s);
		halted = endpoint_is_halted(s);
		if (s->failed)
			return;
		if (halted || n < s->n_compared_before)
			fail_endpoint_halted(s);
		else if (n >= wanted)
			return;
		else if (now_ms() > deadline)
			fail_not_compared(s, n - s->n_compared_before);
	}
}

static int run_stream(const struct device *d, const struct options *o,
		      const struct run_parameters *c, struct progress_bar *p, struct run_result *m,
		      bool verify, struct error *err)
{
	struct stream_state s = { .device = d,
				  .options = o,
				  .result = m,
				  .err = err,
				  .direction = c->direction,
				  .depth = c->depth,
				  .packet_size = transfer_packet_size(d, c->direction),
				  .transfer_size = (unsigned int)c->size,
				  .verify = verify,
				  .max_run_bytes =
					  o->max_run_bytes ? o->max_run_bytes : UINT64_MAX };
	int r;

	/* The length of an IN transfer must be a multiple of the packet size: a packet that does
	   not fit into the transfer is an error (babble). */
	if (c->direction == DIRECTION_IN)
		s.transfer_size =
			(s.transfer_size + s.packet_size - 1) / s.packet_size * s.packet_size;
	m->size_rounded_to_packets = s.transfer_size;
	r = prepare_transfers(&s, c);
	if (r >= 0) {
		run_transfers(&s, p);
		if (verify && c->direction == DIRECTION_OUT && !s.failed)
			wait_for_comparison(&s);
		cancel_transfers_and_wait(&s);
		r = s.failed ? -EIO : 0;
	}
	stream_state_free(&s);
	return r;
}

int run_stream_command(const struct device *d, const struct options *o,
		       const struct run_parameters *c, struct progress_bar *p, struct run_result *m,
		       struct error *err)
{
	return run_stream(d, o, c, p, m, false, err);
}

int run_verify_command(const struct device *d, const struct options *o,
		       const struct run_parameters *c, struct progress_bar *p, struct run_result *m,
		       struct error *err)
{
	return run_stream(d, o, c, p, m, true, err);
}
