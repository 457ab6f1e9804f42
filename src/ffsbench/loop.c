/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands loop and messages: send and receive at the same time. The sender is ahead of the
 * receiver by as much data as the device and the transfers in flight can hold.
 *
 * After a stall, which shows that the device's worker has died, it is unknown how much of the sent
 * data will still come back. ffsbench sends the mark, a short message with a unique number, and
 * drops all data that arrives before the echo of the mark. Then it sends the first message that has
 * not come back again.
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
#include "ffsbench/tick.h"
#include "ffsbench/transfer.h"

#define MARK_LENGTH 7 /* shorter than any packet of a bulk endpoint */
#define WAKE_MS 100   /* how often the timeout is checked */
#define UNLIMITED_BYTES (UINT64_C(1) << 60)
/* Time without an echo after which another mark is sent. The worker may have died after it received
   the mark, and a UDC that cannot halt an endpoint with unsent data reports no stall then. */
#define MARK_AGAIN_MS 300

struct ring_slot {
	struct libusb_transfer *transfer;
	bool ended; /* the transfer has completed, but is not handled yet */
};

/* One direction: a ring of transfers, which complete in the order of submission. */
struct loop_direction {
	struct ring_slot *slots;
	unsigned int depth;
	uint64_t n_submitted; /* number of transfers submitted so far */
	uint64_t n_handled;   /* number of completed transfers handled so far */
	uint8_t address;
	int length;	     /* bytes of the longest transfer: whole packets */
	unsigned int packet; /* packet size in bytes */
};

struct loop_state {
	const struct device *device;
	const struct options *options;
	struct error *err;
	const struct lengths *lengths;
	uint64_t count; /* number of messages; reduced when the time is over */
	struct pattern pattern;
	struct buffers buffers;
	struct loop_direction out, in;
	uint64_t send_message, send_offset;
	uint64_t receive_message, receive_offset;
	uint64_t bytes;	       /* bytes of the messages that came back */
	int64_t last_progress; /* time in ms at which data last came back */
	int64_t mark_sent_at;  /* time in ms; 0: the device has not received the mark yet */
	unsigned int recoveries;
	bool stalled;	    /* recover() must be called */
	bool awaiting_mark; /* drop all data until the echo of the mark arrives */
	bool mark_sent;
	unsigned char mark[MARK_LENGTH];
	unsigned char tail[MARK_LENGTH]; /* the last bytes received before the mark */
	bool failed;
};

static struct ring_slot *slot_at(struct loop_direction *s, uint64_t n)
{
	return &s->slots[n % s->depth];
}

static unsigned int in_flight(const struct loop_direction *s)
{
	return (unsigned int)(s->n_submitted - s->n_handled);
}

static bool is_finished(const struct loop_state *l)
{
	return !l->awaiting_mark && l->receive_message == l->count;
}

_printf_(2, 3) static void wrong_message(struct loop_state *l, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	error_set(l->err, EXIT_WRONG_DATA, EIO, NULL, "message %" PRIu64 " (%" PRIu64 " bytes) %s",
		  l->receive_message + 1, lengths_get(l->lengths, l->receive_message), what);
	l->failed = true;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *x)
{
	struct ring_slot *slot = x->user_data;

	slot->ended = true;
}

static void init_direction(struct loop_direction *s, const struct loop_state *l,
			   enum direction direction, unsigned int depth)
{
	*s = (struct loop_direction){ .address = transfer_address(l->device, direction),
				      .packet = transfer_packet(l->device, direction),
				      .depth = depth };
	s->length = (int)transfer_whole_packets(l->options->transfer, s->packet);
	s->slots = xcalloc(depth, sizeof(*s->slots));
}

static int open_direction(struct loop_direction *s, struct loop_state *l, enum direction direction,
			  unsigned char **buffers)
{
	unsigned int i;

	for (i = 0; i < s->depth; i++) {
		s->slots[i].transfer = transfer_make(l->device, direction, buffers[i], s->length,
						     on_end, &s->slots[i]);
		if (!s->slots[i].transfer)
			return device_error(l->err, LIBUSB_ERROR_NO_MEM,
					    "cannot allocate a transfer");
	}
	return transfer_clear_halt(l->device, direction, l->err);
}

static void close_direction(struct loop_direction *s)
{
	unsigned int i;

	for (i = 0; s->slots && i < s->depth; i++)
		libusb_free_transfer(s->slots[i].transfer);
	free(s->slots);
}

static void submit(struct loop_state *l, struct loop_direction *s, int length, uint8_t flags)
{
	struct ring_slot *slot = slot_at(s, s->n_submitted);
	int r;

	slot->transfer->length = length;
	slot->transfer->flags = flags;
	slot->ended = false;
	r = libusb_submit_transfer(slot->transfer);
	if (r == 0) {
		s->n_submitted++;
		return;
	}
	transfer_refused(l->device, s->address, &l->buffers, r, l->err);
	l->failed = true;
}

static void send_mark(struct loop_state *l)
{
	memcpy(slot_at(&l->out, l->out.n_submitted)->transfer->buffer, l->mark, MARK_LENGTH);
	l->mark_sent = true;
	submit(l, &l->out, MARK_LENGTH, 0);
}

static void send_next(struct loop_state *l)
{
	uint64_t length = lengths_get(l->lengths, l->send_message);
	uint64_t left = length - l->send_offset;
	int n = left < (uint64_t)l->out.length ? (int)left : l->out.length;
	bool last = (uint64_t)n == left;
	bool zlp = last && n > 0 && length % l->out.packet == 0;

	pattern_fill(&l->pattern, l->send_message, l->send_offset,
		     slot_at(&l->out, l->out.n_submitted)->transfer->buffer, (size_t)n);
	l->send_offset += (uint64_t)n;
	if (last) {
		l->send_message++;
		l->send_offset = 0;
	}
	submit(l, &l->out, n, zlp ? LIBUSB_TRANSFER_ADD_ZERO_PACKET : 0);
}

static void submit_all(struct loop_state *l)
{
	while (!l->failed && in_flight(&l->in) < l->in.depth)
		submit(l, &l->in, l->in.length, 0);
	if (l->awaiting_mark && !l->mark_sent)
		send_mark(l);
	while (!l->failed && !l->awaiting_mark && in_flight(&l->out) < l->out.depth &&
	       l->send_message < l->count)
		send_next(l);
}

/* Stores the last received bytes. Stops waiting if they are the mark and end a message. */
static void check_mark(struct loop_state *l, const unsigned char *data, int n, bool end)
{
	if (n >= MARK_LENGTH) {
		memcpy(l->tail, data + n - MARK_LENGTH, MARK_LENGTH);
	} else {
		memmove(l->tail, l->tail + n, (size_t)(MARK_LENGTH - n));
		memcpy(l->tail + MARK_LENGTH - n, data, (size_t)n);
	}
	if (end && memcmp(l->tail, l->mark, MARK_LENGTH) == 0)
		l->awaiting_mark = false;
}

static void check_data(struct loop_state *l, const unsigned char *data, int n, bool end)
{
	uint64_t length;
	size_t same;

	if (l->awaiting_mark) {
		check_mark(l, data, n, end);
		return;
	}
	if (l->receive_message == l->count) {
		error_set(l->err, EXIT_WRONG_DATA, EIO, NULL,
			  "received %d bytes more than were sent", n);
		l->failed = true;
		return;
	}
	length = lengths_get(l->lengths, l->receive_message);
	if (l->receive_offset + (uint64_t)n > length) {
		wrong_message(l, "came back too long: the device did not end it");
		return;
	}
	same = pattern_compare(&l->pattern, l->receive_message, l->receive_offset, data, (size_t)n);
	if (same < (size_t)n) {
		wrong_message(
			l, "came back wrong: byte %" PRIu64 " is 0x%02x, not 0x%02x",
			l->receive_offset + same, data[same],
			pattern_byte(&l->pattern, l->receive_message, l->receive_offset + same));
		return;
	}
	l->receive_offset += (uint64_t)n;
	if (!end)
		return;
	if (l->receive_offset < length) {
		wrong_message(l, "came back with only %" PRIu64 " bytes", l->receive_offset);
		return;
	}
	l->bytes += length;
	l->receive_message++;
	l->receive_offset = 0;
}

static void check_status(struct loop_state *l, struct loop_direction *s,
			 const struct libusb_transfer *x)
{
	int usb = transfer_status(x->status);

	if (usb == 0)
		return;
	if (usb == LIBUSB_ERROR_PIPE && l->options->recover) {
		l->stalled = true;
		return;
	}
	device_error(l->err, usb,
		     "transfer on endpoint 0x%02x failed in message %" PRIu64 " of %" PRIu64,
		     s->address, l->receive_message + 1, l->count);
	transfer_hint(usb, l->err);
	if (usb == LIBUSB_ERROR_PIPE)
		error_hint(l->err, "--recover continues after a stall");
	l->failed = true;
}

static struct libusb_transfer *next_ended(struct loop_direction *s)
{
	struct ring_slot *slot = slot_at(s, s->n_handled);

	if (!in_flight(s) || !slot->ended)
		return NULL;
	s->n_handled++;
	return slot->transfer;
}

/* Checks completed transfers and their data. */
static void handle_completions(struct loop_state *l)
{
	struct libusb_transfer *x;

	while (!l->failed && !l->stalled && (x = next_ended(&l->out))) {
		check_status(l, &l->out, x);
		if (x->status == LIBUSB_TRANSFER_COMPLETED)
			*(l->awaiting_mark ? &l->mark_sent_at : &l->last_progress) = now_ms();
	}
	while (!l->failed && !l->stalled && (x = next_ended(&l->in))) {
		if (x->actual_length > 0 || x->status == LIBUSB_TRANSFER_COMPLETED) {
			if (!l->awaiting_mark)
				l->last_progress = now_ms();
			check_data(l, x->buffer, x->actual_length,
				   x->status == LIBUSB_TRANSFER_COMPLETED &&
					   x->actual_length < x->length);
		}
		if (!l->failed)
			check_status(l, &l->in, x);
	}
}

static void cancel_direction(struct loop_direction *s)
{
	uint64_t n;

	for (n = s->n_handled; n < s->n_submitted; n++)
		if (!slot_at(s, n)->ended)
			libusb_cancel_transfer(slot_at(s, n)->transfer);
}

/* Cancels all transfers and waits for their ends, which follow at once. `check`: whether to check
   the data that was received. */
static void cancel_and_wait(struct loop_state *l, bool check)
{
	struct libusb_transfer *x;

	cancel_direction(&l->out);
	cancel_direction(&l->in);
	while (in_flight(&l->out) || in_flight(&l->in)) {
		while (next_ended(&l->out))
			;
		while ((x = next_ended(&l->in)))
			if (check && !l->failed && x->actual_length > 0)
				check_data(l, x->buffer, x->actual_length, false);
		if (in_flight(&l->out) || in_flight(&l->in))
			transfer_wait(l->device, WAKE_MS);
	}
}

static void make_mark(struct loop_state *l)
{
	uint64_t x = (uint64_t)now_ms() * 0x9e3779b97f4a7c15 + l->recoveries;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 32;
	memcpy(l->mark, &x, MARK_LENGTH);
	memset(l->tail, 0, MARK_LENGTH);
	l->awaiting_mark = true;
	l->mark_sent = false;
	l->mark_sent_at = 0;
}

static void clear_halt(struct loop_state *l, enum direction direction)
{
	if (!l->failed && transfer_clear_halt(l->device, direction, l->err) < 0)
		l->failed = true;
}

static void recover(struct loop_state *l)
{
	l->stalled = false;
	l->recoveries++;
	cancel_and_wait(l, false);
	clear_halt(l, DIRECTION_OUT);
	clear_halt(l, DIRECTION_IN);
	make_mark(l);
	l->send_message = l->receive_message;
	l->send_offset = l->receive_offset = 0;
}

static void check_time(struct loop_state *l)
{
	if (l->awaiting_mark && l->mark_sent_at && now_ms() - l->mark_sent_at >= MARK_AGAIN_MS)
		l->stalled = true;
	if (now_ms() - l->last_progress < l->options->timeout_ms)
		return;
	error_set(l->err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "nothing moved for %.1f s: %" PRIu64 " of %" PRIu64
		  " messages came back, and %" PRIu64 " bytes of the next",
		  l->options->timeout_ms / 1000.0, l->receive_message, l->count, l->receive_offset);
	error_hint(l->err, NO_ECHO);
	l->failed = true;
}

/* Starts no more messages when the time is over. Completes messages that were begun, so that no
   data stays in the device. */
static void check_end(struct loop_state *l, double elapsed)
{
	uint64_t begun = l->send_message + (l->send_offset > 0);
	bool over = l->options->run_ms && elapsed * 1000 >= l->options->run_ms;

	if ((over || tick_interrupted()) && begun < l->count)
		l->count = begun > l->receive_message ? begun : l->receive_message;
}

static double part_done(const struct loop_state *l, double elapsed)
{
	double bytes = (double)(l->bytes + l->receive_offset) / (double)l->lengths->total;
	double time = l->options->run_ms ? elapsed * 1000 / l->options->run_ms : 0;

	return bytes > time ? bytes : time;
}

static void run_transfers(struct loop_state *l, struct progress *progress)
{
	double start = now_seconds(), elapsed;

	l->last_progress = now_ms();
	while (!l->failed && !is_finished(l)) {
		if (l->stalled)
			recover(l);
		submit_all(l);
		if (l->failed)
			break;
		transfer_wait(l->device, WAKE_MS);
		handle_completions(l);
		if (!l->failed)
			check_time(l);
		elapsed = now_seconds() - start;
		check_end(l, elapsed);
		progress_show(progress, part_done(l, elapsed), l->bytes + l->receive_offset,
			      elapsed);
	}
}

static int open_directions(struct loop_state *l, struct run_result *m, unsigned int depth)
{
	size_t size;
	int r;

	init_direction(&l->out, l, DIRECTION_OUT, depth);
	init_direction(&l->in, l, DIRECTION_IN, depth);
	size = (size_t)(l->out.length > l->in.length ? l->out.length : l->in.length);
	r = buffers_make(&l->buffers, l->device, l->options->memory, 2 * depth, size, l->err);
	if (r < 0)
		return r;
	m->zero_copy = l->buffers.zero_copy;
	m->remark = buffers_remark(&l->buffers, l->options->memory);
	r = open_direction(&l->out, l, DIRECTION_OUT, l->buffers.data);
	return r < 0 ? r : open_direction(&l->in, l, DIRECTION_IN, l->buffers.data + depth);
}

static int run_lengths(const struct lengths *lengths, const struct device *d,
		       const struct options *o, const struct combination *c,
		       struct progress *progress, struct run_result *m, struct error *err)
{
	struct loop_state l = {
		.device = d, .options = o, .err = err, .lengths = lengths, .count = lengths->count
	};
	double start, cpu;
	int r;

	m->size = c->size;
	pattern_init(&l.pattern);
	r = open_directions(&l, m, c->depth);
	if (r >= 0) {
		start = now_seconds();
		cpu = cpu_seconds();
		run_transfers(&l, progress);
		m->seconds = now_seconds() - start;
		m->cpu_seconds = cpu_seconds() - cpu;
		m->messages = l.receive_message;
		m->bytes = l.bytes;
		m->recoveries = l.recoveries;
		cancel_and_wait(&l, !l.failed);
		r = l.failed ? -EIO : 0;
	}
	close_direction(&l.out);
	close_direction(&l.in);
	buffers_free(&l.buffers);
	pattern_free(&l.pattern);
	return r;
}

int loop_run(const struct device *d, const struct options *o, const struct combination *c,
	     struct progress *p, struct run_result *m, struct error *err)
{
	struct lengths even;
	int r;

	if (o->lengths.count)
		return run_lengths(&o->lengths, d, o, c, p, m, err);
	/* If only the time is limited, the number of messages must be high enough. */
	lengths_even(&even, o->bytes ? o->bytes : UNLIMITED_BYTES / c->size * c->size, c->size);
	r = run_lengths(&even, d, o, c, p, m, err);
	lengths_free(&even);
	return r;
}

int messages_run(const struct device *d, const struct options *o, const struct combination *c,
		 struct progress *p, struct run_result *m, struct error *err)
{
	struct lengths random;

	lengths_random(&random, o->count, c->size, o->seed);
	return run_lengths(&random, d, o, c, p, m, err);
}
