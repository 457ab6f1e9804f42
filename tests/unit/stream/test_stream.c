/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path of transfers through the stream's queues, with a fake engine. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder.h"
#include "stream/stream.h"

#define OUT 0
#define IN 1
#define SIZE 65536
#define DEPTH 4
#define MANY 64

/* The fake engine's state: a queue of requests, and those that it refused. */
static struct {
	struct stream_request *queue[MANY], *refused[MANY], *cancelled[MANY];
	unsigned int n_queue, n_refused, n_cancelled, n_submits;
	size_t longest; /* bytes; longer requests end with `too_long` */
	int too_long;	/* 0: ENOMEM */
	int why;	/* if not 0, every request ends at once with this error */
	bool enabled;
	int session;		      /* 0: sessions are not numbered */
	bool mapped;		      /* its buffers are not copied */
	bool has_scatterlists;	      /* of the controller */
	int refuse_all;		      /* if not 0, submit() fails with it */
	struct stream_request *ended; /* completed at the next reap() */
	long ended_with;
} kernel;

/* The transfers that done() got, in order. */
static struct ffsctl_transfer *done[MANY];
static unsigned int n_done;
static bool resubmit;
static struct stream s;
static struct stream_endpoint eps[2];

static int fake_open(struct stream *st, unsigned int requests)
{
	(void)requests;
	st->completion_fd = -1;
	return 0;
}

static void fake_close(struct stream *st)
{
	(void)st;
}

static void *fake_alloc(struct stream *st, struct stream_endpoint *ep, size_t length)
{
	(void)st;
	ep->kernel_copies_buffers = !kernel.mapped;
	return calloc(1, length);
}

static void fake_release(struct stream *st, struct stream_endpoint *ep, void *data, size_t length)
{
	(void)st;
	(void)ep;
	(void)length;
	free(data);
}

static int fake_submit(struct stream *st, struct stream_request **requests, unsigned int n)
{
	unsigned int i;

	(void)st;
	kernel.n_submits++;
	if (kernel.refuse_all)
		return kernel.refuse_all;
	for (i = 0; i < n; i++) {
		if (kernel.why || (kernel.longest && requests[i]->length > kernel.longest))
			kernel.refused[kernel.n_refused++] = requests[i];
		else
			kernel.queue[kernel.n_queue++] = requests[i];
	}
	return (int)n;
}

static void fake_cancel(struct stream *st, struct stream_request *r)
{
	(void)st;
	kernel.cancelled[kernel.n_cancelled++] = r;
}

static bool fake_enabled(struct stream *st, struct stream_endpoint *ep)
{
	(void)st;
	(void)ep;
	return kernel.enabled;
}

static bool fake_has_scatterlists(struct stream *st)
{
	(void)st;
	return kernel.has_scatterlists;
}

static int fake_accept(struct stream *st)
{
	(void)st;
	if (!kernel.session)
		return -ENOTTY;
	return kernel.enabled ? kernel.session : -EAGAIN;
}

static void fake_reap(struct stream *st)
{
	struct stream_request *r[MANY];
	unsigned int i, n = kernel.n_refused;
	struct stream_request *ended = kernel.ended;

	kernel.ended = NULL;
	if (ended)
		stream_complete_request(st, ended, kernel.ended_with);
	memcpy(r, kernel.refused, sizeof(r));
	kernel.n_refused = 0;
	for (i = 0; i < n; i++)
		stream_complete_request(st, r[i],
					kernel.why	  ? kernel.why
					: kernel.too_long ? kernel.too_long
							  : -ENOMEM);
}

static bool fake_has_completions(struct stream *st)
{
	(void)st;
	return kernel.ended != NULL || kernel.n_refused > 0;
}

static const struct stream_engine engine = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.alloc_buffers = fake_alloc,
	.free_buffers = fake_release,
	.submit = fake_submit,
	.cancel = fake_cancel,
	.endpoint_is_enabled = fake_enabled,
	.has_scatterlists = fake_has_scatterlists,
	.accept_session = fake_accept,
	.has_completions = fake_has_completions,
	.reap_completions = fake_reap,
};

static void on_done(void *user, struct ffsctl_transfer *t)
{
	(void)user;
	if (n_done < MANY)
		record("done");
	done[n_done++ % MANY] = t;
	if (resubmit && t->status == 0)
		stream_submit_transfer(&s, t->endpoint, t);
}

static void on_log(void *user, const char *text)
{
	(void)user;
	(void)text;
	record("log");
}

static const struct stream_callbacks callbacks = { on_up, on_down, on_done, on_log };

static void open_mode(enum ffsctl_framing mode)
{
	struct stream_config config = {
		.engine = &engine,
		.callbacks = &callbacks,
		.framing = mode,
		.buffer_size = SIZE,
		.transfers_per_endpoint = DEPTH,
	};
	unsigned int i;

	memset(&kernel, 0, sizeof(kernel));
	kernel.enabled = true;
	memset(eps, 0, sizeof(eps));
	recorded[0] = 0;
	n_done = 0;
	resubmit = false;
	for (i = 0; i < 2; i++) {
		eps[i].public.name = i == IN ? "ep1-in" : "ep2-out";
		eps[i].public.direction = i == IN ? FFSCTL_IN : FFSCTL_OUT;
		eps[i].packet_size[FFSCTL_SPEED_FULL] = 64;
		eps[i].packet_size[FFSCTL_SPEED_HIGH] = 512;
		eps[i].packet_size[FFSCTL_SPEED_SUPER] = 1000;
	}
	cr_assert_eq(stream_open(&s, &config, eps, 2), 0);
}

static void open_up(void)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	recorded[0] = 0;
}

static struct ffsctl_transfer *submit(uint32_t ep, size_t length, uint32_t flags)
{
	struct ffsctl_transfer *t = stream_get_free_transfer(&s, ep);

	cr_assert_not_null(t);
	t->length = length;
	t->flags = flags;
	cr_assert_eq(stream_submit_transfer(&s, ep, t), 0);
	return t;
}

/* Ends the kernel's oldest request. */
static void end(long result)
{
	struct stream_request *r = kernel.queue[0];

	cr_assert_gt(kernel.n_queue, 0u);
	kernel.n_queue--;
	memmove(kernel.queue, kernel.queue + 1, sizeof(kernel.queue) - sizeof(kernel.queue[0]));
	stream_complete_request(&s, r, result);
	stream_handle_completions(&s);
	stream_submit_queued_requests(&s);
}

/* Ends the kernel's oldest requests, which must have these lengths, one by one and completely. */
static void end_requests_of(const size_t *lengths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cr_assert_gt(kernel.n_queue, 0u, "there is no request %zu", i);
		cr_assert_eq(kernel.queue[0]->length, lengths[i], "request %zu is %zu", i,
			     kernel.queue[0]->length);
		end((long)lengths[i]);
	}
}

/* Submits until the kernel refuses nothing more. */
static void submit_all(void)
{
	stream_submit_queued_requests(&s);
	while (kernel.n_refused) {
		stream_handle_completions(&s);
		stream_submit_queued_requests(&s);
	}
}

/* The driver takes a long write, so that others need not wait. */
static void take_a_long_write(void)
{
	submit(IN, SIZE, 0);
	stream_submit_queued_requests(&s);
	end(SIZE);
	kernel.n_submits = 0;
}

/* Submits two reads; the first ends because the host resets the interface. Returns the second. */
static struct ffsctl_transfer *reset_under_two_reads(void)
{
	struct ffsctl_transfer *second;

	open_up();
	submit(OUT, 0, 0);
	second = submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	end(-ESHUTDOWN);
	return second;
}

static void expect_recorded(const char *wanted)
{
	cr_assert_str_eq(recorded, wanted, "recorded: '%s'", recorded);
}

Test(stream, out_requests_are_whole_packets)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	stream_link_up(&s, FFSCTL_SPEED_SUPER); /* 1000 bytes here */
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
	cr_assert_eq(kernel.queue[0]->length, 65000u);
}

Test(stream, out_requests_have_the_length_that_the_plugin_fixes)
{
	open_mode(FFSCTL_FRAMING_STREAM);
	s.config.out_transfer_length = 1500;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
	cr_assert_eq(kernel.queue[0]->length, 1500u);
	stream_close(&s);
}

Test(stream, reports_how_data_is_moved)
{
	open_mode(FFSCTL_FRAMING_STREAM);
	cr_assert_str_eq(stream_engine_in_use(&s), "fake");
	kernel.mapped = true;
	stream_release_transfer(&s, stream_get_free_transfer(&s, IN));
	kernel.mapped = false;
	stream_release_transfer(&s, stream_get_free_transfer(&s, OUT));
	cr_assert_str_eq(stream_engine_in_use(&s),
			 "fake"); /* this engine copies OUT data by design */
	eps[OUT].fell_back_to_copy = true;
	cr_assert_str_eq(stream_engine_in_use(&s), "mixed");
	eps[IN].kernel_copies_buffers = eps[IN].fell_back_to_copy = true;
	cr_assert_str_eq(stream_engine_in_use(&s), "copy");
	stream_close(&s);
}

Test(stream, buffers_begin_at_a_page_if_the_engine_requires_it)
{
	static const struct stream_engine pages = {
		.page_aligned_buffers = true,
		.open = fake_open,
		.close = fake_close,
		.alloc_buffers = fake_alloc,
		.free_buffers = fake_release,
	};
	struct stream_config config = {
		.engine = &pages,
		.callbacks = &callbacks,
		.buffer_size = 5000,
		.transfers_per_endpoint = DEPTH,
	};
	struct ffsctl_transfer *a, *b;

	open_mode(FFSCTL_FRAMING_STREAM);
	stream_close(&s);
	cr_assert_eq(stream_open(&s, &config, eps, 2), 0);
	a = stream_get_free_transfer(&s, IN);
	b = stream_get_free_transfer(&s, IN);
	cr_assert_eq(a->capacity, 5000u);
	cr_assert_eq((char *)b->data - (char *)a->data, 8192);
	stream_close(&s);
}

Test(stream, a_short_read_ends_the_message_and_a_full_one_does_not)
{
	struct ffsctl_transfer *a, *b, *c;

	open_up();
	a = submit(OUT, 0, 0);
	b = submit(OUT, 0, 0);
	c = submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	end(SIZE);
	end(512);
	end(0);
	expect_recorded("done done done");
	cr_assert(done[0] == a && done[1] == b && done[2] == c);
	cr_assert(a->length == SIZE && a->flags == 0);
	cr_assert(b->length == 512 && b->flags == FFSCTL_END);
	cr_assert(c->length == 0 && c->flags == FFSCTL_END);
}

Test(stream, the_end_of_a_message_of_whole_packets_is_an_empty_packet)
{
	open_up();
	submit(IN, 1024, FFSCTL_END);
	submit(IN, 1000, FFSCTL_END);
	submit(IN, 1024, 0);
	submit(IN, 0, FFSCTL_END);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 5u);
	cr_assert_eq(kernel.queue[0]->length, 1024u);
	cr_assert_eq(kernel.queue[1]->length, 0u);
	cr_assert_eq(kernel.queue[2]->length, 1000u);
	cr_assert_eq(kernel.queue[3]->length, 1024u);
	cr_assert_eq(kernel.queue[4]->length, 0u);
	end(1024);
	expect_recorded("");
	end(0);
	expect_recorded("done");
	cr_assert_eq(kernel.n_submits, 1u, "one system call is enough");
}

Test(stream, stream_mode_has_no_messages)
{
	struct ffsctl_transfer *t;

	open_mode(FFSCTL_FRAMING_STREAM);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	submit(IN, 1024, FFSCTL_END);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
	end(1024);
	t = submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	end(5);
	cr_assert_eq(t->flags, 0u);
}

Test(stream, transfers_that_end_out_of_order_are_delivered_in_order)
{
	struct ffsctl_transfer *a, *b;

	open_up();
	a = submit(OUT, 0, 0);
	b = submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_complete_request(&s, kernel.queue[1], 7);
	stream_handle_completions(&s);
	expect_recorded("");
	stream_complete_request(&s, kernel.queue[0], 5);
	stream_handle_completions(&s);
	expect_recorded("done done");
	cr_assert(done[0] == a && done[1] == b);
}

Test(stream, refuses_transfers_while_the_link_is_down)
{
	struct ffsctl_transfer *t;

	open_mode(FFSCTL_FRAMING_MESSAGES);
	t = stream_get_free_transfer(&s, OUT);
	cr_assert_eq(stream_submit_transfer(&s, OUT, t), -ESHUTDOWN);
	cr_assert_eq(eps[OUT].public.max_packet, 0u);
	stream_link_up(&s, FFSCTL_SPEED_FULL);
	cr_assert_eq(eps[OUT].public.max_packet, 64u);
	cr_assert_eq(stream_submit_transfer(&s, OUT, t), 0);
}

Test(stream, refuses_a_speed_without_packet_sizes)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_UNKNOWN), -EINVAL);
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_SUPER_PLUS), -EINVAL);
	cr_assert_eq(stream_link_up(&s, 200), -EINVAL);
	expect_recorded("");
}

Test(stream, down_is_called_once_and_up_waits_for_the_last_transfer)
{
	open_up();
	submit(IN, 100, 0);
	submit(IN, 100, 0);
	stream_submit_queued_requests(&s);
	end(-ESHUTDOWN);
	expect_recorded("down done");
	stream_link_down(&s);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done");
	end(-ESHUTDOWN);
	expect_recorded("down done done up");
	cr_assert_eq(done[0]->status, -ESHUTDOWN);
	cr_assert_eq(done[1]->status, -ESHUTDOWN);
}

Test(stream, an_enable_before_the_shutdown_starts_the_next_session)
{
	/* The kernel merges DISABLE and ENABLE into one ENABLE, which precedes the completions. */
	open_up();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("");
	end(-ESHUTDOWN);
	expect_recorded("down done up");
}

Test(stream, an_enable_at_another_speed_starts_a_session)
{
	open_up();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_link_up(&s, FFSCTL_SPEED_FULL);
	expect_recorded("down up");
	cr_assert_eq(eps[OUT].public.max_packet, 64u);
	end(3);
	expect_recorded("down up done");
}

/* DISABLE passes through two processes; the host's next data may arrive before it. */
Test(stream, a_late_disable_drops_nothing_of_the_next_session)
{
	open_up();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_link_down(&s);
	expect_recorded("");
	end(7);
	expect_recorded("done");
	cr_assert(done[0]->status == 0 && done[0]->length == 7);
	submit(IN, 7, FFSCTL_END);
	stream_submit_queued_requests(&s);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	end(7);
	expect_recorded("done done");
	cr_assert_eq(done[1]->status, 0);
}

Test(stream, an_outstanding_transfer_reports_the_disable_that_came_late)
{
	open_up();
	submit(IN, 10, 0);
	stream_submit_queued_requests(&s);
	stream_link_down(&s);
	end(-ESHUTDOWN);
	expect_recorded("down done");
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up");
}

Test(stream, a_second_enable_leaves_transfers_alone)
{
	open_up();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	end(3);
	expect_recorded("done");
	cr_assert_eq(kernel.n_cancelled, 0u);
}

Test(stream, a_shutdown_after_the_enable_waits_for_the_next_enable)
{
	open_up();
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	recorded[0] = 0;
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	end(-ESHUTDOWN);
	expect_recorded("down done");
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up");
}

Test(stream, eagain_of_a_disabled_endpoint_is_a_link_down)
{
	open_up();
	kernel.why = -EAGAIN;
	kernel.enabled = false;
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_handle_completions(&s);
	expect_recorded("down done");
	cr_assert_eq(done[0]->status, -ESHUTDOWN);
}

Test(stream, eagain_of_an_enabled_endpoint_is_tried_again)
{
	open_up();
	kernel.why = -EAGAIN;
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	kernel.n_submits = 0;
	fake_reap(&s);
	kernel.why = 0;
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
	end(1);
	expect_recorded("done");
	cr_assert_eq(done[0]->status, 0);
}

/* The endpoint was disabled for a short time, and the kernel took the next request. */
Test(stream, eagain_of_an_enabled_in_endpoint_restarts_the_session)
{
	open_up();
	kernel.why = -EAGAIN;
	submit(IN, 10, FFSCTL_END);
	stream_submit_queued_requests(&s);
	kernel.why = 0;
	submit(IN, 20, FFSCTL_END);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
	kernel.why = -EAGAIN;
	stream_handle_completions(&s);
	kernel.why = 0;
	expect_recorded("down done");
	cr_assert_eq(done[0]->status, -ESHUTDOWN);
	cr_assert_eq(kernel.n_cancelled, 1u);
	end(-ECONNRESET);
	expect_recorded("down done done up");
	cr_assert_eq(done[1]->status, -ESHUTDOWN);
}

Test(stream, eagain_that_never_ends_is_an_error)
{
	unsigned int rounds = 0;

	open_up();
	kernel.why = -EAGAIN;
	submit(OUT, 0, 0);
	while (n_done == 0 && ++rounds < 5000) {
		stream_submit_queued_requests(&s);
		stream_handle_completions(&s);
	}
	cr_assert_eq(n_done, 1u);
	cr_assert_eq(done[0]->status, -EAGAIN);
}

/* dwc2 takes no requests while the host has suspended it. */
static void refuse_while_suspended(void)
{
	open_up();
	stream_set_suspended(&s, true);
	kernel.why = -EAGAIN;
	submit(OUT, 0, 0);
	submit(IN, 10, FFSCTL_END);
	submit(IN, 20, FFSCTL_END);
	stream_submit_queued_requests(&s);
	stream_handle_completions(&s);
	kernel.n_submits = 0;
	kernel.why = 0;
	cr_assert_not(stream_submit_queued_requests(&s));
	cr_assert_eq(kernel.n_submits, 0u);
	expect_recorded("");
}

Test(stream, what_a_suspended_udc_refuses_is_submitted_in_order_when_it_resumes)
{
	size_t lengths[3] = { 0 };
	unsigned int i, n = 0;

	refuse_while_suspended();
	stream_set_suspended(&s, false);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 3u);
	for (i = 0; i < 3; i++)
		if (kernel.queue[i]->ep == &s.eps[IN])
			lengths[n++] = kernel.queue[i]->length;
	cr_assert_eq(n, 2u);
	cr_assert_eq(lengths[0], 10u);
	cr_assert_eq(lengths[1], 20u);
	expect_recorded("");
}

Test(stream, what_a_suspended_udc_has_refused_ends_with_the_link)
{
	refuse_while_suspended();
	kernel.enabled = false;
	stream_link_down(&s);
	stream_submit_queued_requests(&s);
	expect_recorded("down done done done");
	cr_assert_eq(done[0]->status, -ESHUTDOWN);
	kernel.enabled = true;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
}

Test(stream, without_memory_reads_get_shorter_and_one_line_is_logged)
{
	open_up();
	kernel.longest = 16384;
	submit(OUT, 0, 0);
	submit(OUT, 0, 0);
	submit_all();
	expect_recorded("log");
	cr_assert_eq(kernel.n_queue, 2u);
	cr_assert_eq(kernel.queue[0]->length, 16384u);
	end(16384);
	cr_assert_eq(done[0]->flags, 0u, "a full shorter read ends no message");
	end(16383);
	cr_assert_eq(done[1]->flags, (uint32_t)FFSCTL_END);
}

Test(stream, without_memory_writes_are_split_and_stay_in_order)
{
	static const size_t wanted[] = { 32768, 32768, 0, 100 };
	struct ffsctl_transfer *a;
	unsigned int i;

	open_up();
	kernel.longest = 32768;
	a = submit(IN, SIZE, FFSCTL_END);
	submit(IN, 100, FFSCTL_END);
	stream_submit_queued_requests(&s);
	for (i = 0; i < 4; i++) {
		cr_assert_eq(kernel.queue[0]->length, wanted[i], "part %u is %zu", i,
			     kernel.queue[0]->length);
		if (i < 2)
			cr_assert_eq((char *)kernel.queue[0]->data, (char *)a->data + i * 32768);
		end((long)wanted[i]);
	}
	expect_recorded("log done done");
	cr_assert_eq(done[0]->status, 0);
}

/* Also if no other transfer follows: its empty packet is not sent in the same batch. */
Test(stream, without_memory_the_end_of_a_message_follows_its_parts)
{
	static const size_t wanted[] = { 32768, 32768, 0 };

	open_up();
	kernel.longest = 32768;
	submit(IN, SIZE, FFSCTL_END);
	stream_submit_queued_requests(&s);
	end_requests_of(wanted, 3);
	expect_recorded("log done");
	cr_assert_eq(done[0]->status, 0);
}

Test(stream, nothing_overtakes_a_long_write)
{
	/* The second may be sent only after the first has completed without ENOMEM. */
	open_up();
	kernel.longest = 60000;
	submit(IN, SIZE, 0);
	submit(IN, 8, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
	cr_assert_eq(kernel.queue[0]->length, 32768u);
}

Test(stream, long_writes_without_a_copy_are_sent_at_once)
{
	open_up();
	kernel.mapped = true;
	take_a_long_write();
	submit(IN, SIZE, FFSCTL_END);
	submit(IN, SIZE, 0);
	submit(IN, 8, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_submits, 1u);
	cr_assert_eq(kernel.n_queue, 4u);
	cr_assert_eq(kernel.queue[1]->length, 0u);
	cr_assert_eq(kernel.queue[3]->length, 8u);
}

Test(stream, long_writes_of_single_pages_are_sent_at_once)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	kernel.has_scatterlists = true;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	take_a_long_write();
	submit(IN, SIZE, FFSCTL_END);
	submit(IN, SIZE, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_submits, 1u);
	cr_assert_eq(kernel.n_queue, 3u);
}

/* Begins a session whose driver refuses more than 16 KiB, with a long write and a short one. */
static void write_to_driver_of_16_kib(void)
{
	kernel.longest = 16384;
	kernel.too_long = -EMSGSIZE;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	submit(IN, SIZE, 0);
	submit(IN, 8, 0);
	submit_all();
}

Test(stream, nothing_overtakes_a_write_that_the_driver_refuses)
{
	static const size_t wanted[] = { 16384, 16384, 16384, 16384, 8 };

	open_mode(FFSCTL_FRAMING_MESSAGES);
	kernel.has_scatterlists = true;
	write_to_driver_of_16_kib();
	end_requests_of(wanted, 5);
	expect_recorded("up log done done");
	cr_assert_eq(done[0]->status, 0);
	cr_assert_eq(done[1]->status, 0);
}

Test(stream, reads_that_the_driver_refuses_get_shorter)
{
	open_up();
	kernel.longest = 16384;
	kernel.too_long = -EMSGSIZE;
	submit(OUT, 0, 0);
	submit(OUT, 0, 0);
	submit_all();
	cr_assert_eq(kernel.n_queue, 2u);
	cr_assert_eq(kernel.queue[0]->length, 16384u);
	cr_assert_eq(kernel.queue[1]->length, 16384u);
	expect_recorded("log");
}

Test(stream, no_request_is_longer_than_the_udc_allows)
{
	static const size_t wanted[] = { 16384, 16384, 16384, 8 }; /* the first: OUT */

	open_mode(FFSCTL_FRAMING_MESSAGES);
	s.max_transfer = 16384;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	submit(IN, 2 * 16384 + 8, 0);
	submit(OUT, 0, 0);
	submit_all();
	end_requests_of(wanted, 4);
	expect_recorded("up done done");
	cr_expect_eq(done[1]->status, 0);
	cr_expect_eq(done[0]->length, 16384u);

	s.max_transfer = 0; /* another UDC */
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	submit(OUT, 0, 0);
	submit_all();
	cr_expect_eq(kernel.queue[0]->length, SIZE);
}

Test(stream, a_driver_that_refuses_one_packet_fails_the_transfer)
{
	open_up();
	kernel.longest = 1;
	kernel.too_long = -EMSGSIZE;
	submit(OUT, 0, 0);
	submit_all();
	expect_recorded("log done");
	cr_assert_eq(done[0]->status, -EMSGSIZE);
}

Test(stream, each_session_may_have_another_controller)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	kernel.has_scatterlists = true;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	kernel.enabled = false;
	stream_link_down(&s);
	kernel.enabled = true;
	kernel.has_scatterlists = false;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	submit(IN, SIZE, 0);
	submit(IN, SIZE, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 2u);
	cr_assert_eq(kernel.n_submits, 2u);
}

Test(stream, each_session_may_have_a_driver_that_takes_no_long_requests)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	kernel.has_scatterlists = true;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	take_a_long_write();
	kernel.enabled = false;
	stream_link_down(&s);
	kernel.enabled = true;
	write_to_driver_of_16_kib();
	cr_assert_eq(kernel.queue[0]->length, 16384u);
}

/*
 * The host may have reset the interface while a request was submitted: the request belongs to the
 * new session and would end only when the host moves data on that endpoint.
 */
Test(stream, writes_in_flight_are_cancelled_when_the_link_goes_down)
{
	open_up();
	submit(IN, 100, 0);
	submit(IN, 100, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	end(-ESHUTDOWN);
	cr_assert_eq(kernel.n_cancelled, 1u);
	cr_assert_eq(kernel.cancelled[0], kernel.queue[0]);
	stream_handle_completions(&s);
	expect_recorded("down done");
	end(-ECONNRESET);
	stream_handle_completions(&s);
	expect_recorded("down done done up");
}

Test(stream, data_written_directly_after_a_reset_is_delivered)
{
	struct ffsctl_transfer *late = reset_under_two_reads();

	cr_assert_eq(kernel.n_cancelled, 0u);
	expect_recorded("down done");
	end(77); /* before ENABLE arrives */
	expect_recorded("down done");
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	stream_handle_completions(&s);
	expect_recorded("down done up done");
	cr_assert(done[1] == late && late->status == 0 && late->length == 77);
}

Test(stream, a_read_is_carried_over_into_the_next_session)
{
	struct ffsctl_transfer *t = reset_under_two_reads();

	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up");
	end(5);
	expect_recorded("down done up done");
	cr_assert(done[1] == t && t->status == 0 && t->length == 5);
	cr_assert_eq(kernel.n_cancelled, 0u);
}

Test(stream, a_read_of_the_last_session_that_ends_late_is_resubmitted)
{
	struct ffsctl_transfer *t = reset_under_two_reads();

	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	end(-ESHUTDOWN); /* the endpoint is enabled: the read was of the last session */
	expect_recorded("down done up");
	cr_assert_eq(kernel.n_queue, 1u);
	end(6);
	expect_recorded("down done up done");
	cr_assert(done[1] == t && t->length == 6);
}

Test(stream, a_resubmitted_read_does_not_hide_the_next_reset)
{
	reset_under_two_reads();
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	end(-ESHUTDOWN); /* of a second reset, whose ENABLE follows */
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up down up");
	end(8);
	expect_recorded("down done up down up done");
}

Test(stream, a_carried_over_read_reports_that_the_link_is_down)
{
	reset_under_two_reads();
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	kernel.enabled = false;
	end(-ESHUTDOWN);
	expect_recorded("down done up down done");
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up down done up");
}

Test(stream, a_read_that_does_not_fit_the_next_packet_size_is_cancelled)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	stream_link_up(&s, FFSCTL_SPEED_FULL);
	s.config.buffer_size = eps[OUT].max_request_length = 64; /* no whole packet of high speed */
	recorded[0] = 0;
	submit(OUT, 0, 0);
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	end(-ESHUTDOWN);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	stream_handle_completions(&s);
	cr_assert_eq(kernel.n_cancelled, 1u);
	expect_recorded("down done");
	end(-ECONNRESET);
	stream_handle_completions(&s);
	expect_recorded("down done done up");
}

Test(stream, data_received_before_the_link_goes_down_is_delivered_before_down)
{
	struct ffsctl_transfer *t;

	open_up();
	t = submit(OUT, 0, 0);
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	kernel.ended = kernel.queue[0]; /* not reaped yet */
	kernel.ended_with = 9;
	kernel.enabled = false;
	stream_link_down(&s);
	expect_recorded("done down");
	cr_assert(done[0] == t && t->length == 9 && t->status == 0);
	stream_complete_request(&s, kernel.queue[1], -ESHUTDOWN);
	stream_handle_completions(&s);
	expect_recorded("done down done");
}

Test(stream, completions_before_the_first_shutdown_are_delivered_before_down)
{
	struct ffsctl_transfer *t;

	open_up();
	t = submit(OUT, 0, 0);
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_complete_request(&s, kernel.queue[0], 9);
	stream_complete_request(&s, kernel.queue[1], -ESHUTDOWN);
	stream_handle_completions(&s);
	expect_recorded("done down done");
	cr_assert(done[0] == t && t->length == 9 && t->status == 0);
	cr_assert_eq(done[1]->status, -ESHUTDOWN);
}

Test(stream, data_written_between_two_resets_is_dropped)
{
	reset_under_two_reads();
	end(10);
	expect_recorded("down done");
	stream_link_down(&s);
	stream_submit_queued_requests(&s);
	expect_recorded("down done done");
	cr_assert_eq(done[1]->status, -ESHUTDOWN);
}

Test(stream, a_batch_is_not_sent_after_its_first_request_failed_with_shutdown)
{
	open_up();
	submit(OUT, 0, 0);
	submit(IN, 10, 0);
	submit(IN, 10, 0);
	kernel.refuse_all = -ESHUTDOWN;
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_submits, 1u);
	expect_recorded("down done done done");
}

Test(stream, fails_when_there_is_no_memory_for_one_packet)
{
	open_up();
	kernel.longest = 1;
	submit(OUT, 0, 0);
	submit_all();
	expect_recorded("log done");
	cr_assert_eq(done[0]->status, -ENOMEM);
}

Test(stream, cancel_ends_requests_in_flight_and_waiting_transfers)
{
	open_up();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	submit(OUT, 0, 0);
	stream_cancel_transfers(&s, OUT);
	cr_assert_eq(kernel.n_cancelled, 1u);
	stream_submit_queued_requests(&s);
	expect_recorded("");
	end(-ECONNRESET);
	expect_recorded("done done");
	cr_assert_eq(done[0]->status, -ECANCELED);
	cr_assert_eq(done[1]->status, -ECANCELED);
	cr_assert(s.link_is_up);
}

Test(stream, cancelled_read_with_whole_packets_is_cut)
{
	static const struct {
		long result;
		int status;
	} cases[] = {
		{ 512, -ECANCELED },	    { 1024, -ECANCELED }, { 300, 0 }, { 812, 0 }, { 0, 0 },
		{ -ECONNRESET, -ECANCELED }
	};

	open_up();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		recorded[0] = 0;
		n_done = 0;
		submit(OUT, 0, 0);
		stream_submit_queued_requests(&s);
		stream_cancel_transfers(&s, OUT);
		end(cases[i].result);
		expect_recorded("done");
		cr_assert_eq(done[0]->status, cases[i].status, "%ld", cases[i].result);
		cr_assert_eq(done[0]->length, cases[i].result > 0 ? (size_t)cases[i].result : 0);
		cr_assert_eq(done[0]->flags, cases[i].status ? 0u : FFSCTL_END);
		stream_release_transfer(&s, done[0]);
	}
}

/* Returns how many of the requests that were cancelled are still in flight. */
static unsigned int n_cancelled_in_flight(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < kernel.n_cancelled; i++)
		n += kernel.cancelled[i]->in_flight;
	return n;
}

Test(stream, reads_given_back_at_a_cleared_halt_are_submitted_again)
{
	static const int statuses[] = { -EPIPE, -EINPROGRESS };
	struct ffsctl_transfer *a, *b;
	unsigned int i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		open_up();
		a = submit(OUT, 0, 0);
		b = submit(OUT, 0, 0);
		stream_submit_queued_requests(&s);
		end(statuses[i]); /* a follows b now */
		expect_recorded("");
		end(SIZE);
		end(512);
		expect_recorded("done done");
		cr_assert(done[0] == b && done[1] == a);
		cr_assert(b->length == SIZE && a->length == 512 && a->flags == FFSCTL_END);
		stream_close(&s);
	}
}

Test(stream, writes_given_back_at_a_cleared_halt_are_submitted_again_in_order)
{
	struct ffsctl_transfer *a, *b, *c;

	open_up();
	a = submit(IN, 1024, FFSCTL_END);
	b = submit(IN, 700, FFSCTL_END);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 3u);
	end(-EPIPE); /* dwc3 gives back what it has started, and goes on with the rest */
	cr_assert_eq(kernel.n_cancelled, 2u);
	cr_assert_eq(n_cancelled_in_flight(), 2u);
	c = submit(IN, 1, FFSCTL_END); /* waits for its turn */
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 2u);
	end(-ECONNRESET);
	end(-EPIPE);
	expect_recorded("");
	cr_assert_eq(kernel.n_queue, 4u);
	cr_assert(kernel.queue[0]->length == 1024 && kernel.queue[1]->length == 0);
	cr_assert(kernel.queue[2]->length == 700 && kernel.queue[3]->length == 1);
	end(1024);
	end(0);
	end(700);
	end(1);
	expect_recorded("done done done");
	cr_assert(done[0] == a && done[1] == b && done[2] == c);
	cr_assert(a->status == 0 && b->status == 0 && c->status == 0);
}

Test(stream, a_write_that_was_overtaken_at_a_cleared_halt_fails)
{
	struct ffsctl_transfer *a, *b;

	open_up();
	a = submit(IN, 1000, 0);
	b = submit(IN, 700, FFSCTL_END);
	stream_submit_queued_requests(&s);
	end(-EPIPE);
	end(700);
	expect_recorded("done done");
	cr_assert(done[0] == a && a->status == -EPIPE);
	cr_assert(done[1] == b && b->status == 0);
	cr_assert_eq(kernel.n_queue, 0u);
	b = submit(IN, 10, FFSCTL_END); /* the endpoint goes on */
	stream_submit_queued_requests(&s);
	end(10);
	cr_assert(done[2] == b && b->status == 0);
}

Test(stream, an_empty_packet_that_overtakes_its_data_fails_the_write)
{
	struct ffsctl_transfer *a;

	open_up();
	a = submit(IN, 1024, FFSCTL_END);
	stream_submit_queued_requests(&s);
	end(-EPIPE);
	end(0);
	expect_recorded("done");
	cr_assert(done[0] == a && a->status == -EPIPE);
}

Test(stream, an_empty_packet_alone_is_submitted_again)
{
	open_up();
	submit(IN, 1024, FFSCTL_END);
	stream_submit_queued_requests(&s);
	end(1024);
	end(-EPIPE);
	expect_recorded("");
	cr_assert(kernel.n_queue == 1 && kernel.queue[0]->length == 0);
	end(0);
	expect_recorded("done");
	cr_assert_eq(done[0]->status, 0);
}

Test(stream, a_part_of_a_write_is_submitted_again)
{
	open_up();
	kernel.longest = SIZE / 2;
	submit(IN, SIZE, 0);
	stream_submit_queued_requests(&s);
	stream_handle_completions(&s);
	stream_submit_queued_requests(&s);
	recorded[0] = 0;
	end(SIZE / 2);
	end(-EPIPE);
	expect_recorded("");
	cr_assert(kernel.n_queue == 1 && kernel.queue[0]->length == SIZE / 2);
	end(SIZE / 2);
	expect_recorded("done");
	cr_assert_eq(done[0]->status, 0);
}

Test(stream, a_link_that_goes_down_ends_what_waits_to_be_submitted_again)
{
	open_up();
	submit(IN, 1000, 0);
	submit(IN, 700, 0);
	stream_submit_queued_requests(&s);
	end(-EPIPE);
	kernel.enabled = false;
	stream_link_down(&s);
	end(-EPIPE);
	expect_recorded("down done done");
	cr_assert(done[0]->status == -ESHUTDOWN && done[1]->status == -ESHUTDOWN);
	kernel.enabled = true;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	submit(IN, 10, 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 1u);
}

Test(stream, cancel_ends_what_waits_to_be_submitted_again)
{
	open_up();
	submit(IN, 1000, 0);
	submit(IN, 700, 0);
	stream_submit_queued_requests(&s);
	end(-EPIPE);
	stream_cancel_transfers(&s, IN);
	end(-EPIPE);
	expect_recorded("done done");
	cr_assert(done[0]->status == -ECANCELED && done[1]->status == -ECANCELED);
	cr_assert_eq(kernel.n_queue, 0u);
}

Test(stream, what_is_given_back_without_end_is_an_error)
{
	unsigned int ep, i;

	for (ep = OUT; ep <= IN; ep++) {
		open_up();
		submit(ep, 1000, 0);
		stream_submit_queued_requests(&s);
		for (i = 0; i < 1000; i++)
			end(-EPIPE);
		expect_recorded("");
		end(-EPIPE);
		expect_recorded("done");
		cr_assert_eq(done[0]->status, -EPIPE);
		stream_close(&s);
	}
}

Test(stream, other_errors_reach_the_owner)
{
	open_up();
	submit(IN, 10, 0);
	stream_submit_queued_requests(&s);
	end(-EPROTO);
	expect_recorded("done");
	cr_assert_eq(done[0]->status, -EPROTO);
	cr_assert(s.link_is_up);
}

Test(stream, a_transfer_may_be_submitted_on_another_endpoint)
{
	struct ffsctl_transfer *t;

	open_up();
	t = submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	end(512);
	cr_assert_eq(stream_submit_transfer(&s, IN, t), 0);
	stream_submit_queued_requests(&s);
	cr_assert_eq(kernel.n_queue, 2u, "data and the empty packet");
	end(512);
	end(0);
	cr_assert_eq(t->status, 0);
	stream_release_transfer(&s, t);
	cr_assert_eq(stream_get_free_transfer(&s, OUT), t);
}

Test(stream, an_endpoint_has_depth_transfers)
{
	struct ffsctl_transfer *t[DEPTH];
	unsigned int i;

	open_up();
	for (i = 0; i < DEPTH; i++) {
		t[i] = stream_get_free_transfer(&s, OUT);
		cr_assert_not_null(t[i]);
		cr_assert_eq(t[i]->capacity, (size_t)SIZE);
		memset(t[i]->data, (int)i + 1, SIZE);
	}
	cr_assert_null(stream_get_free_transfer(&s, OUT));
	cr_assert_null(stream_get_free_transfer(&s, 2));
	for (i = 0; i < DEPTH; i++)
		cr_assert_eq(((unsigned char *)t[i]->data)[SIZE - 1], i + 1);
	stream_release_transfer(&s, t[2]);
	cr_assert_eq(stream_get_free_transfer(&s, OUT), t[2]);
	stream_close(&s);
}

Test(stream, refuses_invalid_transfers)
{
	struct ffsctl_transfer *t;

	open_up();
	t = stream_get_free_transfer(&s, IN);
	t->length = SIZE + 1;
	cr_assert_eq(stream_submit_transfer(&s, IN, t), -EINVAL);
	t->length = 1;
	cr_assert_eq(stream_submit_transfer(&s, 2, t), -EINVAL);
	cr_assert_eq(stream_submit_transfer(&s, IN, t), 0);
	cr_assert_eq(stream_submit_transfer(&s, IN, t), -EINVAL, "it is submitted");
}

Test(stream, a_fast_host_does_not_keep_the_caller)
{
	/* Every request ends at once: flush must return nevertheless. */
	open_up();
	resubmit = true;
	submit(IN, 0, 0);
	cr_assert(stream_submit_queued_requests(&s), "it reports that there is more");
}

/* --- kernels that number sessions --- */

static void open_in_session(void)
{
	open_mode(FFSCTL_FRAMING_MESSAGES);
	kernel.session = 1;
	cr_assert_eq(stream_link_up(&s, FFSCTL_SPEED_HIGH), 0);
	recorded[0] = 0;
}

Test(stream, a_repeated_enable_keeps_the_session)
{
	struct ffsctl_transfer *t;

	open_in_session();
	t = submit(IN, 10, FFSCTL_END);
	stream_submit_queued_requests(&s);
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("");
	cr_assert_eq(kernel.n_cancelled, 0u);
	end(10);
	expect_recorded("done");
	cr_assert_eq(t->status, 0);
	stream_close(&s);
}

Test(stream, a_session_accepted_at_an_earlier_enable_gets_its_own_speed)
{
	open_in_session();
	stream_link_up(&s, FFSCTL_SPEED_SUPER);
	expect_recorded("down up");
	cr_assert_eq(eps[IN].public.max_packet, 1000u);
	stream_close(&s);
}

Test(stream, a_new_session_cancels_the_transfers_of_the_last)
{
	struct ffsctl_transfer *in, *out;

	open_in_session();
	out = submit(OUT, 0, 0);
	in = submit(IN, 10, FFSCTL_END);
	stream_submit_queued_requests(&s);
	kernel.session = 2;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down");
	cr_assert_eq(kernel.n_cancelled, 2u);
	end(-ESHUTDOWN);
	expect_recorded("down done");
	end(-ESHUTDOWN);
	expect_recorded("down done done up");
	cr_assert_eq(in->status, -ESHUTDOWN);
	cr_assert_eq(out->status, -ESHUTDOWN);
	stream_close(&s);
}

Test(stream, a_session_starts_only_when_it_is_accepted)
{
	open_in_session();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	stream_link_up(&s, FFSCTL_SPEED_HIGH); /* the same session */
	end(-ESHUTDOWN);
	expect_recorded("down done");
	kernel.session = 2;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up");
	stream_close(&s);
}

Test(stream, a_session_that_is_over_at_its_enable_does_not_start)
{
	open_in_session();
	submit(OUT, 0, 0);
	stream_submit_queued_requests(&s);
	kernel.enabled = false;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down");
	end(-ESHUTDOWN);
	expect_recorded("down done");
	stream_link_down(&s);
	kernel.enabled = true;
	kernel.session = 3;
	stream_link_up(&s, FFSCTL_SPEED_HIGH);
	expect_recorded("down done up");
	stream_close(&s);
}

Test(stream, a_busy_endpoint_loses_nothing_in_a_numbered_session)
{
	struct ffsctl_transfer *t;

	open_in_session();
	t = submit(IN, 10, FFSCTL_END);
	kernel.refuse_all = -EAGAIN;
	cr_assert(stream_submit_queued_requests(&s));
	expect_recorded("");
	kernel.refuse_all = 0;
	stream_submit_queued_requests(&s);
	end(10);
	expect_recorded("done");
	cr_assert_eq(t->status, 0);
	stream_close(&s);
}
