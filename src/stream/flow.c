// SPDX-License-Identifier: LGPL-2.1-or-later
/* The path of a transfer: split into requests, submitted, completed, delivered to its owner. */
#include "stream/flow.h"

#include <errno.h>
#include <stdio.h>

/*
 * FunctionFS allocates each request's buffer in one piece. Allocations of up to 8 pages do not fail
 * (PAGE_ALLOC_COSTLY_ORDER); a longer one may fail with ENOMEM, which AIO reports only in the
 * completion. An IN request that long is therefore the last of its endpoint in a batch, so that no
 * later request can overtake it.
 */
#define SAFE_REQUEST (8 * 4096)

/* Consecutive refusals of a request after which the transfer fails. A few are normal: while the
   keeper halts an endpoint it holds the endpoint's mutex for a short time. */
#define MAX_REFUSALS 1000

/* Rounds of one flush, so that a fast host cannot keep the caller from its other work. */
#define MAX_ROUNDS 64

/* Rounds down to whole packets: if the last packet is longer than the rest of the request, AIO
   loses the bytes that do not fit. */
static size_t whole_packets(const struct stream_endpoint *ep, size_t length)
{
	size_t packet = ep->pub.max_packet;

	if (!packet || length < packet)
		return length;
	return length - length % packet;
}

static void finish_if_ended(struct stream_transfer *t)
{
	if (t->n_in_flight == 0 && stream_is_final(t))
		t->finished = true;
}

void stream_fail(struct stream_transfer *t, int status)
{
	if (!t->status)
		t->status = status;
	finish_if_ended(t);
}

static void set_packets(struct stream *s, enum ffsctl_speed speed)
{
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		s->eps[i].pub.max_packet = s->eps[i].packet_size[speed];
}

void stream_cancel_requests(struct stream *s, struct stream_transfer *t)
{
	if (t->data.in_flight)
		s->config.engine->cancel(s, &t->data);
	if (t->zlp.in_flight)
		s->config.engine->cancel(s, &t->zlp);
}

/*
 * Unless the kernel numbers sessions, a request submitted while the host resets the interface
 * belongs to the next session. Such an IN request is cancelled, because its data belongs to the
 * last session. Such an OUT request stays in flight, because it may already have data of the next
 * session: see mark_outstanding_transfers().
 */
void stream_go_down(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	s->up = false;
	for (i = 0; i < s->n_eps; i++) {
		struct stream_endpoint *ep = &s->eps[i];

		ep->request_shut_down = false;
		for (t = ep->head; t; t = t->next) {
			if (!s->session && !is_in(ep) && t->data.in_flight && !t->status)
				continue;
			if (!stream_is_final(t))
				stream_fail(t, -ESHUTDOWN);
			stream_cancel_requests(s, t);
		}
	}
	s->config.callbacks->down(s->config.user);
	set_packets(s, FFSCTL_SPEED_UNKNOWN);
}

static void deliver(struct stream *s);

/* Ends the session. `again`: whether the host has already enabled the function again. */
static void handle_link_loss(struct stream *s, bool again)
{
	if (!s->up)
		return;
	if (!s->in_flush)
		deliver(s); /* transfers that ended before the link went down */
	s->up_pending = again && !s->in_down;
	stream_go_down(s);
}

/*
 * Returns whether the link is up again after the session in which `t` was sent. stream_down() need
 * not have been called in between: f_fs drops a pending DISABLE when ENABLE follows
 * (__ffs_event_add()).
 */
static bool is_up_again(const struct stream *s, const struct stream_transfer *t)
{
	return !s->session && t->generation < s->generation;
}

static void unlink_transfer(struct stream_endpoint *ep, struct stream_transfer *t)
{
	struct stream_transfer **p = &ep->head;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	if (!t->next)
		ep->tail = p;
	t->next = NULL;
}

/*
 * Moves a refused OUT transfer to the end: it is submitted last, and OUT transfers are delivered in
 * that new order.
 */
static void move_to_tail(struct stream_endpoint *ep, struct stream_transfer *t)
{
	unlink_transfer(ep, t);
	*ep->tail = t;
	ep->tail = &t->next;
}

/* Returns whether a transfer may stay submitted when the next session starts. Only an OUT request
   of whole packets may. */
static bool may_stay_submitted(struct stream *s, struct stream_transfer *t)
{
	size_t length = t->data.length;

	if (s->session || is_in(t->endpoint) || t->status)
		return false;
	if (t->completed_early || !t->data.in_flight)
		return t->completed_early;
	if (length % t->endpoint->packet_size[s->speed] == 0 || length == s->config.out_length)
		return true;
	stream_fail(t, -ESHUTDOWN);
	stream_cancel_requests(s, t);
	return false;
}

static bool is_session_over(struct stream *s)
{
	struct stream_transfer *t;
	bool clear = true;
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		for (t = s->eps[i].head; t; t = t->next)
			clear &= may_stay_submitted(s, t);
	return clear;
}

/*
 * Marks the transfers that are outstanding when the link comes up. Some of their requests belong to
 * the new session. The others belong to the old session: they will end with ESHUTDOWN and are then
 * submitted again.
 */
static void mark_outstanding_transfers(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	for (i = 0; i < s->n_eps; i++) {
		for (t = s->eps[i].head; t; t = t->next) {
			t->was_outstanding_at_up = true;
			t->generation = s->generation;
		}
	}
}

void stream_start_pending_session(struct stream *s)
{
	if (!s->up_pending || s->up || !is_session_over(s))
		return;
	s->up_pending = s->resubmitted = false;
	s->up = true;
	set_packets(s, s->speed);
	mark_outstanding_transfers(s);
	s->config.callbacks->up(s->config.user);
}

static bool any_sent_after(const struct stream_transfer *t)
{
	const struct stream_transfer *n;

	for (n = t->next; n; n = n->next)
		if (n->n_in_flight || n->completed || n->data_sent)
			return true;
	return false;
}

/*
 * Queues a refused request again. Fails its transfer if a new attempt would change the order of the
 * data.
 */
static void requeue_or_fail(struct stream_request *r, int why)
{
	struct stream_transfer *t = r->transfer;
	struct stream_endpoint *ep = r->ep;

	if (++ep->refusals > MAX_REFUSALS || (is_in(ep) && any_sent_after(t)) ||
	    (r == &t->data && t->zlp_sent)) {
		stream_fail(t, why);
		return;
	}
	ep->may_have_requests = true;
	if (r == &t->zlp) {
		t->zlp_sent = false;
		return;
	}
	t->sent -= r->length;
	t->data_sent = false;
	if (!is_in(ep))
		move_to_tail(ep, t);
}

static void shrink_requests(struct stream *s, struct stream_request *r)
{
	struct stream_endpoint *ep = r->ep;
	size_t smaller = whole_packets(ep, r->length / 2);
	char text[160];

	if (smaller < ep->pub.max_packet || smaller == 0) {
		stream_fail(r->transfer, -ENOMEM);
		return;
	}
	if (ep->request_limit == s->config.size) {
		snprintf(text, sizeof(text),
			 "cannot submit %zu bytes on %s: no memory in the kernel; requests are "
			 "smaller from now on",
			 r->length, ep->pub.name);
		s->config.callbacks->log(s->config.user, text);
	}
	if (smaller < ep->request_limit)
		ep->request_limit = smaller;
	requeue_or_fail(r, -ENOMEM);
}

/*
 * Handles a request that an enabled IN endpoint refused. Most likely the endpoint was disabled for
 * a short time and the kernel has already accepted later requests. All these requests belong to the
 * last session.
 */
static void restart_session(struct stream *s, struct stream_transfer *t)
{
	handle_link_loss(s, true);
	stream_fail(t, -ESHUTDOWN);
}

static void request_failed(struct stream *s, struct stream_request *r, int why)
{
	struct stream_transfer *t = r->transfer;

	if ((why == -EAGAIN || why == -ENOMEM) && !s->up)
		why = -ESHUTDOWN;
	if (why == -EAGAIN && !s->config.engine->enabled(s, r->ep))
		why = -ESHUTDOWN;
	switch (-why) {
	case ESHUTDOWN:
	case ENODEV:
		if (s->up && t->was_outstanding_at_up && t->generation == s->generation &&
		    s->config.engine->enabled(s, r->ep)) {
			s->resubmitted = true;
			requeue_or_fail(r, -ESHUTDOWN);
			break;
		}
		handle_link_loss(s, is_up_again(s, t));
		r->ep->request_shut_down = true;
		stream_fail(t, -ESHUTDOWN);
		break;
	case ECONNRESET: /* from usb_ep_dequeue(): this program cancelled the request */
	case ECANCELED:
		stream_fail(t, s->up ? -ECANCELED : -ESHUTDOWN);
		break;
	case EAGAIN:
		if (t->status)
			break;
		if (is_in(r->ep) && ++r->ep->refusals <= MAX_REFUSALS)
			restart_session(s, t);
		else
			requeue_or_fail(r, -EAGAIN);
		break;
	case ENOMEM:
		if (!t->status)
			shrink_requests(s, r);
		break;
	default:
		stream_fail(t, why);
	}
}

void stream_complete(struct stream *s, struct stream_request *r, long result)
{
	struct stream_transfer *t = r->transfer;
	struct stream_endpoint *ep = r->ep;

	r->in_flight = false;
	t->n_in_flight--;
	s->in_flight--;
	if (result < 0) {
		request_failed(s, r, (int)result);
	} else {
		ep->refusals = 0;
		t->completed += (size_t)result;
		/* The transfer belongs to the new session if the old session ended before this
		   request completed. */
		t->completed_early = !s->up && !s->session && !is_in(ep) && !t->status &&
				     (ep->request_shut_down || s->config.engine->enabled(s, ep));
		if (is_in(ep) && (size_t)result < r->length)
			stream_fail(t, -EIO);
		/* The remaining parts of a cancelled transfer are not sent. */
		if (t->cancelled && !stream_is_final(t))
			stream_fail(t, -ECANCELED);
	}
	if (!stream_is_final(t))
		ep->may_have_requests = true;
	finish_if_ended(t);
}

static void deliver_one(struct stream *s, struct stream_endpoint *ep, struct stream_transfer *t)
{
	unlink_transfer(ep, t);
	if (!is_in(ep)) {
		t->pub.length = t->completed;
		t->pub.flags = 0;
		if (s->config.mode == FFSCTL_MODE_MESSAGE && !t->status && t->completed < t->total)
			t->pub.flags = FFSCTL_END;
	}
	t->pub.status = t->status;
	t->submitted = false;
	s->outstanding--;
	s->config.callbacks->done(s->config.user, &t->pub);
}

/*
 * Returns the next transfer to deliver, in order. While the link is down, a failed transfer does
 * not wait for earlier transfers that stay for the next session.
 */
static struct stream_transfer *next_finished(const struct stream *s,
					     const struct stream_endpoint *ep)
{
	struct stream_transfer *t = ep->head;

	if (t && t->finished && (s->up || !t->completed_early))
		return t;
	while (t && (s->up || !t->finished || !t->status))
		t = t->next;
	return t;
}

/* Delivers finished transfers, at most as many as are outstanding at the start: transfers that
   done() submits wait for the next call. */
static void deliver(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i, before, left = s->outstanding;

	do {
		before = left;
		for (i = 0; i < s->n_eps; i++) {
			while (left && (t = next_finished(s, &s->eps[i]))) {
				deliver_one(s, &s->eps[i], t);
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

void stream_dispatch(struct stream *s)
{
	s->config.engine->reap(s);
	deliver(s);
}

/* Appends to the batch the requests of this endpoint that may be sent now. `n`: number of requests
   in the batch so far. Returns the new number. */
static unsigned int collect_requests(struct stream *s, struct stream_endpoint *ep, unsigned int n)
{
	struct stream_transfer *t;
	size_t length;

	ep->may_have_requests = false;
	for (t = ep->head; t; t = t->next) {
		if (stream_is_final(t))
			continue;
		if (t->data.in_flight)
			return n; /* the next part is sent when this part has completed */
		if (!t->data_sent) {
			if (!is_in(ep) && t->total > ep->request_limit)
				t->total = ep->request_limit;
			if (!is_in(ep) && t->total != s->config.out_length)
				t->total = whole_packets(ep, t->total);
			length = t->total - t->sent;
			if (length > ep->request_limit)
				length = ep->request_limit;
			t->data.data = (char *)t->pub.data + t->sent;
			t->data.length = length;
			s->batch[n++] = &t->data;
			if (t->sent + length < t->total)
				return n;
			if (is_in(ep) && t->buffer_endpoint->kernel_copies &&
			    length > SAFE_REQUEST && (t->needs_zlp || t->next)) {
				ep->may_have_requests = true;
				return n;
			}
		}
		if (t->needs_zlp) {
			t->zlp.data = t->pub.data;
			t->zlp.length = 0;
			s->batch[n++] = &t->zlp;
		}
	}
	return n;
}

/* Marks a request that the engine has accepted. */
static void mark_sent(struct stream *s, struct stream_request *r)
{
	struct stream_transfer *t = r->transfer;

	r->in_flight = true;
	t->was_outstanding_at_up = false;
	t->n_in_flight++;
	s->in_flight++;
	t->generation = s->generation;
	if (r == &t->zlp) {
		t->zlp_sent = true;
	} else {
		t->sent += r->length;
		t->data_sent = t->sent == t->total;
	}
}

/* Submits the batch. If a request fails, later requests of the same endpoint are not submitted. */
static void send_batch(struct stream *s, unsigned int n)
{
	struct stream_endpoint *bad;
	unsigned int i = 0;
	int r, k;

	while (i < n) {
		if (s->batch[i]->transfer->status) { /* the link went down since then */
			i++;
			continue;
		}
		r = s->config.engine->submit(s, s->batch + i, n - i);
		for (k = 0; k < r; k++)
			mark_sent(s, s->batch[i++]);
		if (r > 0)
			continue;
		mark_sent(s, s->batch[i]);
		bad = s->batch[i]->ep;
		bad->may_have_requests = true;
		stream_complete(s, s->batch[i], r < 0 ? r : -EIO);
		while (i < n && s->batch[i]->ep == bad)
			i++;
	}
}

static bool any_endpoint_has_requests(const struct stream *s)
{
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		if (s->eps[i].may_have_requests)
			return true;
	return false;
}

bool stream_flush(struct stream *s)
{
	unsigned int i, n, round;

	for (round = 0; round < MAX_ROUNDS; round++) {
		n = 0;
		for (i = 0; i < s->n_eps; i++)
			if (s->eps[i].may_have_requests)
				n = collect_requests(s, &s->eps[i], n);
		s->in_flush = true;
		if (n)
			send_batch(s, n);
		s->in_flush = false;
		/* Requests that follow a long request are sent when it has completed without
		 * ENOMEM. */
		if (n && any_endpoint_has_requests(s))
			s->config.engine->reap(s);
		deliver(s);
		if (!any_endpoint_has_requests(s))
			return false;
	}
	return true;
}
