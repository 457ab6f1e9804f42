/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands `loop` and `messages`: they send messages, and receive the echoes at the same time.
 * At any moment, the data that was sent but not received yet is in the device and in transfers in
 * flight.
 *
 * A stall means that the device's worker has ended. ffsbench cannot know how much of the sent data
 * will still come back. Therefore it sends the resync marker, a short message with a unique number,
 * and drops all data that arrives before the echo of the marker. Then it sends all messages again
 * whose echoes have not arrived.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ffsbench/bench.h"
#include "ffsbench/pattern.h"
#include "ffsbench/timing.h"
#include "ffsbench/transfer.h"

#define RESYNC_MARKER_LENGTH 7 /* bytes; less than the packet size of any bulk endpoint */
#define WAKE_MS 100	       /* interval between two checks of the timeout */
/* Data of a run that is limited only by time: more than any device can move. */
#define UNLIMITED_BYTES (UINT64_C(1) << 60)
/* If the marker does not come back within this time, ffsbench sends another marker. This is
   necessary if the worker ends after it has received the marker: some UDCs cannot halt an
   endpoint that has unsent data, so that no stall shows that the worker has ended. */
#define RESYNC_MARKER_RESEND_MS 300

struct ring_slot {
	struct libusb_transfer *transfer;
	/* Completed, but take_next_completed_transfer() has not returned the transfer yet. */
	bool completed;
};

/* The transfers of one direction, in a ring. They complete in the order of submission. */
struct echo_direction {
	struct ring_slot *slots;
	unsigned int n_slots;
	uint64_t n_submitted; /* number of transfers submitted so far */
	/* Number of completed transfers that take_next_completed_transfer() has returned so far. */
	uint64_t n_taken_completions;
	uint8_t endpoint_address;
	int max_transfer_length; /* bytes of the longest transfer: whole packets */
	unsigned int packet_size;
};

struct echo_state {
	const struct device *device;
	const struct options *options;
	struct error *err;
	const struct message_lengths *message_lengths;
	uint64_t n_messages_to_send; /* in this run; reduced when the time is over */
	struct pattern pattern;
	struct transfer_buffers buffers;
	struct echo_direction out, in;
	/* Index of the message, and offset in the message, to send next. */
	uint64_t send_index, send_offset;
	/* Index of the message, and offset in the message, to receive next. */
	uint64_t receive_index, receive_offset;
	uint64_t echoed_bytes;	    /* bytes of the messages that came back */
	int64_t data_last_moved_ms; /* time at which data was last sent or received */
	/* Time at which the resync marker's OUT transfer completed; 0: not yet. */
	int64_t resync_marker_sent_at_ms;
	unsigned int n_recovered_stalls;
	bool stall_recovery_needed;  /* recover_from_stall() must be called */
	bool awaiting_resync_marker; /* data is dropped until the echo of the marker arrives */
	bool resync_marker_sent;
	unsigned char resync_marker[RESYNC_MARKER_LENGTH];
	/* Last bytes that arrived since the stall. */
	unsigned char last_received[RESYNC_MARKER_LENGTH];
	bool failed;
};

static struct ring_slot *slot_at(struct echo_direction *s, uint64_t n)
{
	return &s->slots[n % s->n_slots];
}

static unsigned int n_in_flight(const struct echo_direction *s)
{
	return (unsigned int)(s->n_submitted - s->n_taken_completions);
}

static bool all_messages_echoed(const struct echo_state *l)
{
	return !l->awaiting_resync_marker && l->receive_index == l->n_messages_to_send;
}

_printf_(2, 3) static void fail_wrong_message(struct echo_state *l, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	error_set(l->err, EXIT_WRONG_DATA, EIO, NULL, "message %" PRIu64 " (%" PRIu64 " bytes) %s",
		  l->receive_index + 1, message_length(l->message_lengths, l->receive_index), what);
	l->failed = true;
}

static void LIBUSB_CALL on_completion(struct libusb_transfer *x)
{
	struct ring_slot *slot = x->user_data;

	slot->completed = true;
}

static void init_direction(struct echo_direction *s, const struct echo_state *l,
			   enum direction direction, unsigned int depth)
{
	*s = (struct echo_direction){ .endpoint_address =
					      transfer_endpoint_address(l->device, direction),
				      .packet_size = transfer_packet_size(l->device, direction),
				      .n_slots = depth };
	s->max_transfer_length =
		(int)transfer_round_down_to_packets(l->options->max_transfer_size, s->packet_size);
	s->slots = xcalloc(depth, sizeof(*s->slots));
}

static int allocate_direction_transfers(struct echo_direction *s, struct echo_state *l,
					enum direction direction, unsigned char **buffers)
{
	unsigned int i;

	for (i = 0; i < s->n_slots; i++) {
		s->slots[i].transfer =
			transfer_allocate(l->device, direction, buffers[i], s->max_transfer_length,
					  on_completion, &s->slots[i]);
		if (!s->slots[i].transfer)
			return fail_libusb(l->err, LIBUSB_ERROR_NO_MEM,
					   "cannot allocate a transfer");
	}
	return transfer_clear_halt(l->device, direction, l->err);
}

static void free_direction_transfers(struct echo_direction *s)
{
	unsigned int i;

	for (i = 0; s->slots && i < s->n_slots; i++)
		libusb_free_transfer(s->slots[i].transfer);
	free(s->slots);
}

static void submit_transfer(struct echo_state *l, struct echo_direction *s, int length,
			    uint8_t flags)
{
	struct ring_slot *slot = slot_at(s, s->n_submitted);
	int r;

	slot->transfer->length = length;
	slot->transfer->flags = flags;
	slot->completed = false;
	r = libusb_submit_transfer(slot->transfer);
	if (r == 0) {
		s->n_submitted++;
		return;
	}
	transfer_set_submit_error(l->device, s->endpoint_address, &l->buffers, r, l->err);
	l->failed = true;
}

static void send_resync_marker(struct echo_state *l)
{
	memcpy(slot_at(&l->out, l->out.n_submitted)->transfer->buffer, l->resync_marker,
	       RESYNC_MARKER_LENGTH);
	l->resync_marker_sent = true;
	submit_transfer(l, &l->out, RESYNC_MARKER_LENGTH, 0);
}

static void send_next_transfer(struct echo_state *l)
{
	uint64_t length = message_length(l->message_lengths, l->send_index);
	uint64_t left = length - l->send_offset;
	int n = left < (uint64_t)l->out.max_transfer_length ? (int)left
							    : l->out.max_transfer_length;
	bool last = (uint64_t)n == left;
	bool zlp = last && n > 0 && length % l->out.packet_size == 0;

	pattern_fill(&l->pattern, l->send_index, l->send_offset,
		     slot_at(&l->out, l->out.n_submitted)->transfer->buffer, (size_t)n);
	l->send_offset += (uint64_t)n;
	if (last) {
		l->send_index++;
		l->send_offset = 0;
	}
	submit_transfer(l, &l->out, n, zlp ? LIBUSB_TRANSFER_ADD_ZERO_PACKET : 0);
}

static void submit_free_transfers(struct echo_state *l)
{
	while (!l->failed && n_in_flight(&l->in) < l->in.n_slots)
		submit_transfer(l, &l->in, l->in.max_transfer_length, 0);
	if (l->awaiting_resync_marker && !l->resync_marker_sent)
		send_resync_marker(l);
	while (!l->failed && !l->awaiting_resync_marker && n_in_flight(&l->out) < l->out.n_slots &&
	       l->send_index < l->n_messages_to_send)
		send_next_transfer(l);
}

/* Keeps the last received bytes in l->last_received. If these bytes are the marker, and a
   message ends with them, ffsbench stops dropping data. */
static void check_for_resync_marker(struct echo_state *l, const unsigned char *data, int n,
				    bool end)
{
	if (n >= RESYNC_MARKER_LENGTH) {
		memcpy(l->last_received, data + n - RESYNC_MARKER_LENGTH, RESYNC_MARKER_LENGTH);
	} else {
		memmove(l->last_received, l->last_received + n, (size_t)(RESYNC_MARKER_LENGTH - n));
		memcpy(l->last_received + RESYNC_MARKER_LENGTH - n, data, (size_t)n);
	}
	if (end && memcmp(l->last_received, l->resync_marker, RESYNC_MARKER_LENGTH) == 0)
		l->awaiting_resync_marker = false;
}

static void check_received_data(struct echo_state *l, const unsigned char *data, int n, bool end)
{
	uint64_t length;
	size_t same;

	if (l->awaiting_resync_marker) {
		check_for_resync_marker(l, data, n, end);
		return;
	}
	if (l->receive_index == l->n_messages_to_send) {
		error_set(l->err, EXIT_WRONG_DATA, EIO, NULL,
			  "received %d bytes more than were sent", n);
		l->failed = true;
		return;
	}
	length = message_length(l->message_lengths, l->receive_index);
	if (l->receive_offset + (uint64_t)n > length) {
		fail_wrong_message(l, "came back too long: no short packet follows its last byte");
		return;
	}
	same = pattern_n_matching_bytes(&l->pattern, l->receive_index, l->receive_offset, data,
					(size_t)n);
	if (same < (size_t)n) {
		fail_wrong_message(
			l, "came back wrong: byte %" PRIu64 " is 0x%02x, not 0x%02x",
			l->receive_offset + same, data[same],
			pattern_byte(&l->pattern, l->receive_index, l->receive_offset + same));
		return;
	}
	l->receive_offset += (uint64_t)n;
	if (!end)
		return;
	if (l->receive_offset < length) {
		fail_wrong_message(l, "came back with only %" PRIu64 " bytes", l->receive_offset);
		return;
	}
	l->echoed_bytes += length;
	l->receive_index++;
	l->receive_offset = 0;
}

static void check_transfer_status(struct echo_state *l, struct echo_direction *s,
				  const struct libusb_transfer *x)
{
	int libusb_error = transfer_libusb_error(x->status);

	if (libusb_error == 0)
		return;
	if (libusb_error == LIBUSB_ERROR_PIPE && l->options->recover_from_stall) {
		l->stall_recovery_needed = true;
		return;
	}
	fail_libusb(l->err, libusb_error,
		    "transfer on endpoint 0x%02x failed in message %" PRIu64 " of %" PRIu64,
		    s->endpoint_address, l->receive_index + 1, l->n_messages_to_send);
	transfer_add_hint(libusb_error, l->err);
	if (libusb_error == LIBUSB_ERROR_PIPE)
		error_add_hint(l->err, "--recover continues after a stall");
	l->failed = true;
}

static struct libusb_transfer *take_next_completed_transfer(struct echo_direction *s)
{
	struct ring_slot *slot = slot_at(s, s->n_taken_completions);

	if (!n_in_flight(s) || !slot->completed)
		return NULL;
	s->n_taken_completions++;
	return slot->transfer;
}

/* Checks the status of completed transfers, and the data of IN transfers. */
static void handle_completions(struct echo_state *l)
{
	struct libusb_transfer *x;

	while (!l->failed && !l->stall_recovery_needed &&
	       (x = take_next_completed_transfer(&l->out))) {
		check_transfer_status(l, &l->out, x);
		if (x->status == LIBUSB_TRANSFER_COMPLETED)
			*(l->awaiting_resync_marker ? &l->resync_marker_sent_at_ms
						    : &l->data_last_moved_ms) = now_ms();
	}
	while (!l->failed && !l->stall_recovery_needed &&
	       (x = take_next_completed_transfer(&l->in))) {
		if (x->actual_length > 0 || x->status == LIBUSB_TRANSFER_COMPLETED) {
			if (!l->awaiting_resync_marker)
				l->data_last_moved_ms = now_ms();
			check_received_data(l, x->buffer, x->actual_length,
					    x->status == LIBUSB_TRANSFER_COMPLETED &&
						    x->actual_length < x->length);
		}
		if (!l->failed)
			check_transfer_status(l, &l->in, x);
	}
}

static void cancel_direction_transfers(struct echo_direction *s)
{
	uint64_t n;

	for (n = s->n_taken_completions; n < s->n_submitted; n++)
		if (!slot_at(s, n)->completed)
			libusb_cancel_transfer(slot_at(s, n)->transfer);
}

/* Cancels all transfers and waits until they have ended, which is a short time.
   `compare_received_data`: the data that was received meanwhile is compared, too. */
static void cancel_transfers_and_wait(struct echo_state *l, bool compare_received_data)
{
	struct libusb_transfer *x;

	cancel_direction_transfers(&l->out);
	cancel_direction_transfers(&l->in);
	while (n_in_flight(&l->out) || n_in_flight(&l->in)) {
		while (take_next_completed_transfer(&l->out))
			;
		while ((x = take_next_completed_transfer(&l->in)))
			if (compare_received_data && !l->failed && x->actual_length > 0)
				check_received_data(l, x->buffer, x->actual_length, false);
		if (n_in_flight(&l->out) || n_in_flight(&l->in))
			transfer_handle_completions(l->device, WAKE_MS);
	}
}

static void make_resync_marker(struct echo_state *l)
{
	uint64_t x = (uint64_t)now_ms() * 0x9e3779b97f4a7c15 + l->n_recovered_stalls;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 32;
	memcpy(l->resync_marker, &x, RESYNC_MARKER_LENGTH);
	memset(l->last_received, 0, RESYNC_MARKER_LENGTH);
	l->awaiting_resync_marker = true;
	l->resync_marker_sent = false;
	l->resync_marker_sent_at_ms = 0;
}

static void clear_endpoint_halt(struct echo_state *l, enum direction direction)
{
	if (!l->failed && transfer_clear_halt(l->device, direction, l->err) < 0)
		l->failed = true;
}

static void recover_from_stall(struct echo_state *l)
{
	l->stall_recovery_needed = false;
	l->n_recovered_stalls++;
	cancel_transfers_and_wait(l, false);
	clear_endpoint_halt(l, DIRECTION_OUT);
	clear_endpoint_halt(l, DIRECTION_IN);
	make_resync_marker(l);
	l->send_index = l->receive_index;
	l->send_offset = l->receive_offset = 0;
}

static void check_timeout(struct echo_state *l)
{
	if (l->awaiting_resync_marker && l->resync_marker_sent_at_ms &&
	    now_ms() - l->resync_marker_sent_at_ms >= RESYNC_MARKER_RESEND_MS)
		l->stall_recovery_needed = true;
	if (now_ms() - l->data_last_moved_ms < l->options->timeout_ms)
		return;
	error_set(l->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved for %.1f s: %" PRIu64 " of %" PRIu64
		  " messages came back, and %" PRIu64 " bytes of the next",
		  l->options->timeout_ms / 1000.0, l->receive_index, l->n_messages_to_send,
		  l->receive_offset);
	error_add_hint(l->err, NO_ECHO_HINT);
	l->failed = true;
}

/* If the time of the run is over, reduces l->n_messages_to_send to the messages that were begun.
   These messages must be completed, so that none of their data stays in the device. */
static void check_time_limit(struct echo_state *l, double elapsed)
{
	uint64_t begun = l->send_index + (l->send_offset > 0);
	bool over = l->options->max_run_ms && elapsed * 1000 >= l->options->max_run_ms;

	if ((over || run_interrupted()) && begun < l->n_messages_to_send)
		l->n_messages_to_send = begun > l->receive_index ? begun : l->receive_index;
}

static double finished_fraction(const struct echo_state *l, double elapsed)
{
	double bytes = (double)(l->echoed_bytes + l->receive_offset) /
		       (double)l->message_lengths->total_bytes;
	double time = l->options->max_run_ms ? elapsed * 1000 / l->options->max_run_ms : 0;

	return bytes > time ? bytes : time;
}

static void run_transfers(struct echo_state *l, struct progress_bar *progress)
{
	double start = now_seconds(), elapsed;

	l->data_last_moved_ms = now_ms();
	while (!l->failed && !all_messages_echoed(l)) {
		if (l->stall_recovery_needed)
			recover_from_stall(l);
		submit_free_transfers(l);
		if (l->failed)
			break;
		transfer_handle_completions(l->device, WAKE_MS);
		handle_completions(l);
		if (!l->failed)
			check_timeout(l);
		elapsed = now_seconds() - start;
		check_time_limit(l, elapsed);
		progress_bar_update(progress, finished_fraction(l, elapsed),
				    l->echoed_bytes + l->receive_offset, elapsed);
	}
}

static int allocate_transfers(struct echo_state *l, struct run_result *m, unsigned int depth)
{
	size_t size;
	int r;

	init_direction(&l->out, l, DIRECTION_OUT, depth);
	init_direction(&l->in, l, DIRECTION_IN, depth);
	size = (size_t)(l->out.max_transfer_length > l->in.max_transfer_length
				? l->out.max_transfer_length
				: l->in.max_transfer_length);
	r = buffers_allocate(&l->buffers, l->device, l->options->memory_choice, 2 * depth, size,
			     l->err);
	if (r < 0)
		return r;
	m->zero_copy = l->buffers.zero_copy;
	m->memory_warning = buffers_warning(&l->buffers, l->options->memory_choice);
	r = allocate_direction_transfers(&l->out, l, DIRECTION_OUT, l->buffers.data);
	return r < 0 ? r
		     : allocate_direction_transfers(&l->in, l, DIRECTION_IN,
						    l->buffers.data + depth);
}

static int run_messages(const struct message_lengths *lengths, const struct device *d,
			const struct options *o, const struct run_parameters *c,
			struct progress_bar *progress, struct run_result *m, struct error *err)
{
	struct echo_state l = { .device = d,
				.options = o,
				.err = err,
				.message_lengths = lengths,
				.n_messages_to_send = lengths->n_messages };
	double start, cpu;
	int r;

	m->size_rounded_to_packets = c->size;
	pattern_init(&l.pattern);
	r = allocate_transfers(&l, m, c->depth);
	if (r >= 0) {
		start = now_seconds();
		cpu = cpu_seconds();
		run_transfers(&l, progress);
		m->seconds = now_seconds() - start;
		m->cpu_seconds = cpu_seconds() - cpu;
		m->messages = l.receive_index;
		m->bytes = l.echoed_bytes;
		m->n_recovered_stalls = l.n_recovered_stalls;
		cancel_transfers_and_wait(&l, !l.failed);
		r = l.failed ? -EIO : 0;
	}
	free_direction_transfers(&l.out);
	free_direction_transfers(&l.in);
	buffers_free(&l.buffers);
	pattern_free(&l.pattern);
	return r;
}

int run_loop_command(const struct device *d, const struct options *o,
		     const struct run_parameters *c, struct progress_bar *p, struct run_result *m,
		     struct error *err)
{
	struct message_lengths even;
	int r;

	if (o->message_lengths.n_messages)
		return run_messages(&o->message_lengths, d, o, c, p, m, err);
	/* If only the time of the run is limited, there must be more messages than the run can
	   send. */
	message_lengths_divide_equally(
		&even, o->max_run_bytes ? o->max_run_bytes : UNLIMITED_BYTES / c->size * c->size,
		c->size);
	r = run_messages(&even, d, o, c, p, m, err);
	message_lengths_free(&even);
	return r;
}

int run_messages_command(const struct device *d, const struct options *o,
			 const struct run_parameters *c, struct progress_bar *p,
			 struct run_result *m, struct error *err)
{
	struct message_lengths random;

	message_lengths_set_random(&random, o->n_messages, c->size, o->random_seed);
	return run_messages(&random, d, o, c, p, m, err);
}
