// SPDX-License-Identifier: LGPL-2.1-or-later
/* The path of a transfer: it is split into requests, submitted, completed, and delivered to the
   owner of the stream. */
#include "stream/transfers.h"

#include <errno.h>
#include <stdio.h>

/*
 * Size of the longest request that does not fail for lack of memory, in bytes, if the controller
 * does not support scatterlists. FunctionFS then allocates the buffer of a request as contiguous
 * memory. An allocation of up to 8 pages does not fail (PAGE_ALLOC_COSTLY_ORDER). The allocation
 * for a longer request may fail with ENOMEM, and AIO reports this error only in the completion of
 * the request. A longer IN request is therefore the last request of its endpoint in a batch, so
 * that no later request can overtake it. For a controller with scatterlists, FunctionFS allocates
 * single pages (vmalloc()), which does not fail either.
 */
#define SAFE_REQUEST (8 * 4096)

/*
 * Size of the longest request that every UDC driver takes, in bytes. Longer ones may be refused
 * with EMSGSIZE: on i.MX (chipidea/ci_hdrc_imx.c) since Linux 6.12.5. Until an IN request of its
 * length was taken, a longer one is the last of its endpoint in a batch, too.
 */
#define REQUEST_FOR_ANY_UDC 16384

/* Number of consecutive refusals of a request after which its transfer fails. A few refusals are
   normal: the kernel refuses a request while the keeper halts the endpoint. */
#define MAX_REFUSALS 1000

/* Maximum number of rounds of one stream_submit_queued_requests(), so that a fast host cannot keep
   the caller from its other work. */
#define MAX_ROUNDS 64

/* Rounds `length` down to whole packets. Otherwise the last packet could be longer than the rest of
   the request, and AIO would lose the bytes that do not fit. */
static size_t round_down_to_packets(const struct stream_endpoint *ep, size_t length)
{
	size_t packet = ep->public.max_packet;

	if (!packet || length < packet)
		return length;
	return length - length % packet;
}

static void finish_transfer_if_ended(struct stream_transfer *t)
{
	if (t->n_requests_in_flight == 0 && stream_transfer_has_no_more_requests(t))
		t->finished = true;
}

void stream_fail_transfer(struct stream_transfer *t, int status)
{
	if (!t->status)
		t->status = status;
	finish_transfer_if_ended(t);
}

void stream_cancel_requests(struct stream *s, struct stream_transfer *t)
{
	if (t->data_request.in_flight)
		s->config.engine->cancel(s, &t->data_request);
	if (t->zlp_request.in_flight)
		s->config.engine->cancel(s, &t->zlp_request);
}

/*
 * Returns whether the link is up again after the session in which `t` was submitted. It is possible
 * that stream_link_down() is not called between the two sessions, because the kernel drops a
 * pending DISABLE when ENABLE follows (f_fs.c, __ffs_event_add()).
 */
static bool is_link_up_again(const struct stream *s, const struct stream_transfer *t)
{
	return !s->session_number && t->n_link_ups_at_last_request < s->n_link_ups;
}

static void remove_from_outstanding_transfers(struct stream_endpoint *ep, struct stream_transfer *t)
{
	struct stream_transfer **p = &ep->outstanding_transfers;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	if (!t->next)
		ep->outstanding_transfers_tail = p;
	t->next = NULL;
}

/*
 * Moves a refused OUT transfer to the end of the list of outstanding transfers. It is then
 * submitted last and delivered last.
 */
static void move_transfer_to_tail(struct stream_endpoint *ep, struct stream_transfer *t)
{
	remove_from_outstanding_transfers(ep, t);
	*ep->outstanding_transfers_tail = t;
	ep->outstanding_transfers_tail = &t->next;
}

static bool any_request_in_flight(const struct stream_endpoint *ep)
{
	const struct stream_transfer *t;

	for (t = ep->outstanding_transfers; t; t = t->next)
		if (t->n_requests_in_flight)
			return true;
	return false;
}

static bool any_later_request_submitted(const struct stream_transfer *t)
{
	const struct stream_transfer *n;

	for (n = t->next; n; n = n->next)
		if (n->n_requests_in_flight || n->completed_bytes || n->data_submitted)
			return true;
	return false;
}

/* Makes a request that has ended without data one that must still be submitted. */
static void withdraw_request(struct stream_request *r)
{
	struct stream_transfer *t = r->transfer;

	r->ep->may_have_requests_to_submit = true;
	if (r == &t->zlp_request) {
		t->zlp_submitted = false;
		return;
	}
	t->submitted_bytes -= r->length;
	t->data_submitted = false;
	if (!is_in_endpoint(r->ep))
		move_transfer_to_tail(r->ep, t);
}

/*
 * Queues a refused request again, or fails its transfer if a new attempt would change the order of
 * the data.
 */
static void requeue_or_fail_request(struct stream_request *r, int why)
{
	struct stream_transfer *t = r->transfer;
	struct stream_endpoint *ep = r->ep;

	if (++ep->n_consecutive_refusals > MAX_REFUSALS ||
	    (is_in_endpoint(ep) && any_later_request_submitted(t)) ||
	    (r == &t->data_request && t->zlp_submitted)) {
		stream_fail_transfer(t, why);
		return;
	}
	withdraw_request(r);
}

/*
 * When the host clears a halt of an endpoint, also one that is not set, some UDC drivers give back
 * requests that have moved no data: dwc3 those that it has started, with EPIPE
 * (__dwc3_gadget_ep_set_halt()), dwc2 the running one, with EINPROGRESS
 * (dwc2_hsotg_process_req_feature()).
 */
static bool is_status_of_cleared_halt(int why)
{
	return why == -EPIPE || why == -EINPROGRESS;
}

/*
 * Submits a request again that was given back because the host cleared a halt, or that a suspended
 * UDC has refused. For an IN endpoint, the later requests are cancelled first, so that their data
 * does not overtake this request, and all of them are submitted again in their order when none is
 * in flight any more.
 */
static void repeat_request(struct stream *s, struct stream_request *r, int why)
{
	struct stream_endpoint *ep = r->ep;
	struct stream_transfer *t = r->transfer;

	if (t->cancelled)
		why = -ECANCELED;
	if (t->status || t->cancelled || ++ep->n_consecutive_refusals > MAX_REFUSALS) {
		stream_fail_transfer(t, why);
		return;
	}
	if (is_in_endpoint(ep) && !ep->is_repeating) {
		ep->is_repeating = true;
		for (; t; t = t->next)
			stream_cancel_requests(s, t);
	}
	withdraw_request(r);
}

/* Fails the transfers whose data the host can no longer get in the order of submission, because a
   later request, `done`, has moved its data before they could be submitted again. */
static void fail_overtaken_transfers(struct stream_request *done)
{
	struct stream_transfer *t;

	for (t = done->ep->outstanding_transfers; t != done->transfer; t = t->next)
		if (!stream_transfer_has_no_more_requests(t))
			stream_fail_transfer(t, -EPIPE);
	if (done == &t->zlp_request && !t->data_submitted)
		stream_fail_transfer(t, -EPIPE);
}

/* `why`: -ENOMEM or -EMSGSIZE. */
static void retry_with_shorter_requests(struct stream *s, struct stream_request *r, int why)
{
	struct stream_endpoint *ep = r->ep;
	size_t smaller = round_down_to_packets(ep, r->length / 2);
	char text[160];

	if (smaller < ep->public.max_packet || smaller == 0) {
		stream_fail_transfer(r->transfer, why);
		return;
	}
	if (ep->max_request_length == s->config.buffer_size) {
		snprintf(text, sizeof(text),
			 "cannot submit %zu bytes on %s: %s; requests are smaller from now on",
			 r->length, ep->public.name,
			 why == -ENOMEM ? "no memory in the kernel"
					: "the UDC's driver takes no requests of this length");
		s->config.callbacks->log(s->config.callback_data, text);
	}
	if (smaller < ep->max_request_length)
		ep->max_request_length = smaller;
	requeue_or_fail_request(r, why);
}

/*
 * Handles a refused request of an IN endpoint that is enabled. Most likely the endpoint was
 * disabled for a short time, and the kernel has already accepted later requests. The refused
 * request and these later requests were all meant for the old session, so the session ends.
 */
static void end_session_of_refused_transfer(struct stream *s, struct stream_transfer *t)
{
	stream_handle_link_loss(s, true);
	stream_fail_transfer(t, -ESHUTDOWN);
}

static void handle_failed_request(struct stream *s, struct stream_request *r, int why)
{
	struct stream_transfer *t = r->transfer;

	if ((why == -EAGAIN || why == -ENOMEM || is_status_of_cleared_halt(why)) && !s->link_is_up)
		why = -ESHUTDOWN;
	if (why == -EAGAIN && !s->config.engine->endpoint_is_enabled(s, r->ep))
		why = -ESHUTDOWN;
	if (is_status_of_cleared_halt(why)) {
		repeat_request(s, r, why);
		return;
	}
	switch (-why) {
	case ESHUTDOWN:
	case ENODEV:
		if (s->link_is_up && t->was_outstanding_at_link_up &&
		    t->n_link_ups_at_last_request == s->n_link_ups &&
		    s->config.engine->endpoint_is_enabled(s, r->ep)) {
			s->resubmitted_request_of_earlier_session = true;
			requeue_or_fail_request(r, -ESHUTDOWN);
			break;
		}
		stream_handle_link_loss(s, is_link_up_again(s, t));
		r->ep->saw_eshutdown = true;
		stream_fail_transfer(t, -ESHUTDOWN);
		break;
	case ECONNRESET: /* the status after usb_ep_dequeue(): this program cancelled the request */
	case ECANCELED:
		if (r->ep->is_repeating && !t->cancelled && !t->status)
			withdraw_request(r);
		else
			stream_fail_transfer(t, s->link_is_up ? -ECANCELED : -ESHUTDOWN);
		break;
	case EAGAIN:
		if (t->status)
			break;
		/* In a numbered session, it was not the end of another one: the endpoint is busy,
		   or the UDC is suspended (dwc2_hsotg_ep_queue()), which may not be known yet */
		if (s->is_suspended || s->session_number) {
			r->ep->awaits_resume = s->is_suspended;
			repeat_request(s, r, why);
		} else if (is_in_endpoint(r->ep) &&
			   ++r->ep->n_consecutive_refusals <= MAX_REFUSALS) {
			end_session_of_refused_transfer(s, t);
		} else {
			requeue_or_fail_request(r, -EAGAIN);
		}
		break;
	case ENOMEM:
	case EMSGSIZE:
		if (!t->status)
			retry_with_shorter_requests(s, r, why);
		break;
	default:
		stream_fail_transfer(t, why);
	}
}

/*
 * Returns whether a read that was cancelled has ended between two packets of the host: the kernel
 * then returns the beginning of a transfer (f_fs.c, ffs_epfile_result()).
 */
static bool is_cut_by_cancel(const struct stream_request *r, long result)
{
	return r->transfer->cancelled && !is_in_endpoint(r->ep) && result > 0 &&
	       (size_t)result < r->length && (size_t)result % r->ep->public.max_packet == 0;
}

void stream_complete_request(struct stream *s, struct stream_request *r, long result)
{
	struct stream_transfer *t = r->transfer;
	struct stream_endpoint *ep = r->ep;

	r->in_flight = false;
	t->n_requests_in_flight--;
	s->n_requests_in_flight--;
	if (result < 0) {
		handle_failed_request(s, r, (int)result);
	} else {
		ep->n_consecutive_refusals = 0;
		if (r->length > ep->longest_request_taken)
			ep->longest_request_taken = r->length;
		t->completed_bytes += (size_t)result;
		/* A transfer belongs to the new session if the old session ended before the request
		   of the transfer completed. */
		t->completed_before_link_up_call =
			!s->link_is_up && !s->session_number && !is_in_endpoint(ep) && !t->status &&
			(ep->saw_eshutdown || s->config.engine->endpoint_is_enabled(s, ep));
		if (ep->is_repeating)
			fail_overtaken_transfers(r);
		if (is_in_endpoint(ep) && (size_t)result < r->length)
			stream_fail_transfer(t, -EIO);
		/* The remaining parts of a cancelled transfer are not submitted. */
		if (is_cut_by_cancel(r, result) ||
		    (t->cancelled && !stream_transfer_has_no_more_requests(t)))
			stream_fail_transfer(t, -ECANCELED);
	}
	if (!stream_transfer_has_no_more_requests(t) || ep->is_repeating)
		ep->may_have_requests_to_submit = true;
	if (ep->is_repeating)
		ep->is_repeating = any_request_in_flight(ep);
	finish_transfer_if_ended(t);
}

static void deliver_transfer(struct stream *s, struct stream_endpoint *ep,
			     struct stream_transfer *t)
{
	remove_from_outstanding_transfers(ep, t);
	if (!is_in_endpoint(ep)) {
		t->public.length = t->completed_bytes;
		t->public.flags = 0;
		if (s->config.framing == FFSCTL_FRAMING_MESSAGES && !t->status &&
		    t->completed_bytes < t->total_bytes)
			t->public.flags = FFSCTL_END;
	}
	t->public.status = t->status;
	t->is_outstanding = false;
	s->n_outstanding_transfers--;
	s->config.callbacks->transfer_done(s->config.callback_data, &t->public);
}

/*
 * Returns the next transfer to deliver; transfers are delivered in the order of their submission.
 * While the link is down, a failed transfer is delivered before earlier transfers that wait for the
 * next session.
 */
static struct stream_transfer *next_transfer_to_deliver(const struct stream *s,
							const struct stream_endpoint *ep)
{
	struct stream_transfer *t = ep->outstanding_transfers;

	if (t && t->finished && (s->link_is_up || !t->completed_before_link_up_call))
		return t;
	while (t && (s->link_is_up || !t->finished || !t->status))
		t = t->next;
	return t;
}

void stream_deliver_transfers(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i, before, left = s->n_outstanding_transfers;

	do {
		before = left;
		for (i = 0; i < s->n_eps; i++) {
			while (left && (t = next_transfer_to_deliver(s, &s->eps[i]))) {
				deliver_transfer(s, &s->eps[i], t);
				left--;
			}
		}
	} while (left && left < before);
	stream_start_pending_session(s);
}

bool stream_has_completions(struct stream *s)
{
	return s->config.engine->has_completions(s);
}

void stream_handle_completions(struct stream *s)
{
	s->config.engine->reap_completions(s);
	stream_deliver_transfers(s);
}

/* Returns whether a request of this length may end with ENOMEM or EMSGSIZE. */
static bool may_be_refused_for_length(const struct stream *s, const struct stream_transfer *t,
				      size_t length)
{
	if (length > SAFE_REQUEST && t->buffer_endpoint->kernel_copies_buffers &&
	    !s->has_scatterlists)
		return true;
	return length > REQUEST_FOR_ANY_UDC && length > t->data_request.ep->longest_request_taken;
}

/* Returns the length of the longest request that may be submitted. */
static size_t longest_request(const struct stream *s, const struct stream_endpoint *ep)
{
	return s->max_transfer && s->max_transfer < ep->max_request_length ? s->max_transfer
									   : ep->max_request_length;
}

/* Appends to the batch all requests of this endpoint that may be submitted now. `n_in_batch` is the
   number of requests that are already in it. Returns the new number. */
static unsigned int add_endpoint_requests_to_batch(struct stream *s, struct stream_endpoint *ep,
						   unsigned int n_in_batch)
{
	const size_t longest = longest_request(s, ep);
	struct stream_transfer *t;
	size_t length;

	ep->may_have_requests_to_submit = false;
	if (ep->is_repeating || ep->awaits_resume)
		return n_in_batch;
	for (t = ep->outstanding_transfers; t; t = t->next) {
		if (stream_transfer_has_no_more_requests(t))
			continue;
		if (t->data_request.in_flight)
			/* The next request of this transfer, and those of later transfers, follow
			   when the request in flight has ended. */
			return n_in_batch;
		if (!t->data_submitted) {
			if (!is_in_endpoint(ep) && t->total_bytes > longest)
				t->total_bytes = longest;
			if (!is_in_endpoint(ep) && t->total_bytes != s->config.out_transfer_length)
				t->total_bytes = round_down_to_packets(ep, t->total_bytes);
			length = t->total_bytes - t->submitted_bytes;
			if (length > longest)
				length = longest;
			t->data_request.data = (char *)t->public.data + t->submitted_bytes;
			t->data_request.length = length;
			s->request_batch[n_in_batch++] = &t->data_request;
			if (t->submitted_bytes + length < t->total_bytes)
				return n_in_batch;
			if (is_in_endpoint(ep) && may_be_refused_for_length(s, t, length) &&
			    (t->needs_zlp || t->next)) {
				ep->may_have_requests_to_submit = true;
				return n_in_batch;
			}
		}
		if (t->needs_zlp) {
			t->zlp_request.data = t->public.data;
			t->zlp_request.length = 0;
			s->request_batch[n_in_batch++] = &t->zlp_request;
		}
	}
	return n_in_batch;
}

/* Updates the counters after the engine has accepted a request. */
static void mark_request_submitted(struct stream *s, struct stream_request *r)
{
	struct stream_transfer *t = r->transfer;

	r->in_flight = true;
	t->was_outstanding_at_link_up = false;
	t->n_requests_in_flight++;
	s->n_requests_in_flight++;
	t->n_link_ups_at_last_request = s->n_link_ups;
	if (r == &t->zlp_request) {
		t->zlp_submitted = true;
	} else {
		t->submitted_bytes += r->length;
		t->data_submitted = t->submitted_bytes == t->total_bytes;
	}
}

/* Submits the first `n` requests of the batch. If a request fails, later requests of the same
   endpoint are not submitted. */
static void submit_batch(struct stream *s, unsigned int n)
{
	struct stream_endpoint *bad;
	unsigned int i = 0;
	int r, k;

	while (i < n) {
		if (s->request_batch[i]->transfer->status) { /* failed after the batch was made */
			i++;
			continue;
		}
		r = s->config.engine->submit(s, s->request_batch + i, n - i);
		for (k = 0; k < r; k++)
			mark_request_submitted(s, s->request_batch[i++]);
		if (r > 0)
			continue;
		mark_request_submitted(s, s->request_batch[i]);
		bad = s->request_batch[i]->ep;
		bad->may_have_requests_to_submit = true;
		stream_complete_request(s, s->request_batch[i], r < 0 ? r : -EIO);
		while (i < n && s->request_batch[i]->ep == bad)
			i++;
	}
}

static bool any_requests_to_submit(const struct stream *s)
{
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		if (s->eps[i].may_have_requests_to_submit)
			return true;
	return false;
}

bool stream_submit_queued_requests(struct stream *s)
{
	unsigned int i, n, round;

	for (round = 0; round < MAX_ROUNDS; round++) {
		n = 0;
		for (i = 0; i < s->n_eps; i++)
			if (s->eps[i].may_have_requests_to_submit)
				n = add_endpoint_requests_to_batch(s, &s->eps[i], n);
		s->is_submitting_batch = true;
		if (n)
			submit_batch(s, n);
		s->is_submitting_batch = false;
		/* After an IN request that may be refused for its length, the next one is submitted
		   only when it is known whether it was. */
		if (n && any_requests_to_submit(s))
			s->config.engine->reap_completions(s);
		stream_deliver_transfers(s);
		if (!any_requests_to_submit(s))
			return false;
	}
	return true;
}
