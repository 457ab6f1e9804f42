// SPDX-License-Identifier: LGPL-2.1-or-later
/* The way of a transfer: into requests, to the engine, back, and to its owner. */
#include "stream/flow.h"

#include <errno.h>
#include <stdio.h>

/*
 * FunctionFS allocates each request's buffer in one piece. Up to 8 pages the page allocator does
 * not give up (PAGE_ALLOC_COSTLY_ORDER); a longer request may end in ENOMEM, which an AIO
 * submission reports only as a completion. An IN request that long is therefore the last of its
 * endpoint in a batch: nothing that was sent after it may overtake it.
 */
#define SAFE_REQUEST (8 * 4096)

/* An endpoint's mutex is held by others only for moments (the keeper's halt). */
#define MAX_REFUSALS 1000

/* Rounds of one flush, so that a fast device cannot keep the caller from its other work. */
#define MAX_ROUNDS 64

/* Whole packets: what a longer last packet would bring beyond an odd length is lost in AIO. */
static size_t whole_packets(const struct stream_endpoint *ep, size_t length)
{
	size_t packet = ep->pub.max_packet;

	if (!packet || length < packet)
		return length;
	return length - length % packet;
}

static void finish_if_ended(struct stream_transfer *t)
{
	if (t->parts == 0 && stream_settled(t))
		t->finished = true;
}

/* Ends a transfer with `status` as soon as none of its requests is in flight. */
void stream_give_up(struct stream_transfer *t, int status)
{
	if (!t->status)
		t->status = status;
	finish_if_ended(t);
}

static void set_packets(struct stream *s, enum ffsctl_speed speed)
{
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		s->eps[i].pub.max_packet = s->eps[i].packet[speed];
}

void stream_take_back(struct stream *s, struct stream_transfer *t)
{
	if (t->data.in_flight)
		s->config.engine->cancel(s, &t->data);
	if (t->zlp.in_flight)
		s->config.engine->cancel(s, &t->zlp);
}

/*
 * What the kernel took while the host reset the interface belongs to the next link, unless it
 * numbers links. An IN request of that kind is taken back: its data are of the last one. An OUT
 * request stays where it is, because the host may have filled it already: see adopt().
 */
void stream_go_down(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	s->up = false;
	for (i = 0; i < s->n_eps; i++) {
		struct stream_endpoint *ep = &s->eps[i];

		ep->shut = false;
		for (t = ep->head; t; t = t->next) {
			if (!s->session && !is_in(ep) && t->data.in_flight && !t->status)
				continue;
			if (!stream_settled(t))
				stream_give_up(t, -ESHUTDOWN);
			stream_take_back(s, t);
		}
	}
	s->config.callbacks->down(s->config.user);
	set_packets(s, FFSCTL_SPEED_UNKNOWN);
}

static void deliver(struct stream *s);

/* `again`: it is up again already. */
static void link_lost(struct stream *s, bool again)
{
	if (!s->up)
		return;
	if (!s->sending)
		deliver(s); /* what had ended before */
	s->up_pending = again && !s->leaving;
	stream_go_down(s);
}

/*
 * A request was refused or ended because the link went down. If stream_up() has been called since
 * that request was sent, the link has come up again behind it: DISABLE is not always told, because
 * a pending one is dropped when ENABLE follows (f_fs.c, __ffs_event_add).
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

/* OUT requests keep no order among themselves, but are delivered as they are queued. */
static void move_to_tail(struct stream_endpoint *ep, struct stream_transfer *t)
{
	unlink_transfer(ep, t);
	*ep->tail = t;
	ep->tail = &t->next;
}

/* Whether a transfer may go over into the next link: an OUT request that fits its packets. */
static bool may_stay(struct stream *s, struct stream_transfer *t)
{
	size_t length = t->data.length;

	if (s->session || is_in(t->ep) || t->status)
		return false;
	if (t->held || !t->data.in_flight)
		return t->held;
	if (length % t->ep->packet[s->speed] == 0 || length == s->config.out_length)
		return true;
	stream_give_up(t, -ESHUTDOWN);
	stream_take_back(s, t);
	return false;
}

static bool is_clear(struct stream *s)
{
	struct stream_transfer *t;
	bool clear = true;
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		for (t = s->eps[i].head; t; t = t->next)
			clear &= may_stay(s, t);
	return clear;
}

/*
 * Requests that are with the kernel when the link comes up are of the new link, or of the old one
 * and about to end with ESHUTDOWN. Then they are sent again.
 */
static void adopt(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	for (i = 0; i < s->n_eps; i++) {
		for (t = s->eps[i].head; t; t = t->next) {
			t->adopted = true;
			t->generation = s->generation;
		}
	}
}

void stream_go_up_if_clear(struct stream *s)
{
	if (!s->up_pending || s->up || !is_clear(s))
		return;
	s->up_pending = s->sent_again = false;
	s->up = true;
	set_packets(s, s->speed);
	adopt(s);
	s->config.callbacks->up(s->config.user);
}

static bool anything_behind(const struct stream_transfer *t)
{
	const struct stream_transfer *n;

	for (n = t->next; n; n = n->next)
		if (n->parts || n->moved || n->data_sent)
			return true;
	return false;
}

/* The kernel did not take the request this time. */
static void refused(struct stream_request *r, int why)
{
	struct stream_transfer *t = r->transfer;
	struct stream_endpoint *ep = r->ep;

	if (++ep->refused > MAX_REFUSALS || (is_in(ep) && anything_behind(t)) ||
	    (r == &t->data && t->zlp_sent)) {
		stream_give_up(t, why);
		return;
	}
	ep->dirty = true;
	if (r == &t->zlp) {
		t->zlp_sent = false;
		return;
	}
	t->sent -= r->length;
	t->data_sent = false;
	if (!is_in(ep))
		move_to_tail(ep, t);
}

static void no_memory(struct stream *s, struct stream_request *r)
{
	struct stream_endpoint *ep = r->ep;
	size_t smaller = whole_packets(ep, r->length / 2);
	char text[160];

	if (smaller < ep->pub.max_packet || smaller == 0) {
		stream_give_up(r->transfer, -ENOMEM);
		return;
	}
	if (ep->limit == s->config.size) {
		snprintf(text, sizeof(text),
			 "the kernel has no memory for requests of %zu bytes on %s: using smaller "
			 "ones",
			 r->length, ep->pub.name);
		s->config.callbacks->say(s->config.user, text);
	}
	if (smaller < ep->limit)
		ep->limit = smaller;
	refused(r, -ENOMEM);
}

/*
 * An enabled IN endpoint did not take a request: most likely it was not enabled for a moment, and
 * what was sent behind this request is with the kernel. All of it is of the last link then.
 */
static void begin_anew(struct stream *s, struct stream_transfer *t)
{
	link_lost(s, true);
	stream_give_up(t, -ESHUTDOWN);
}

static void failed(struct stream *s, struct stream_request *r, int why)
{
	struct stream_transfer *t = r->transfer;

	if ((why == -EAGAIN || why == -ENOMEM) && !s->up)
		why = -ESHUTDOWN;
	if (why == -EAGAIN && !s->config.engine->enabled(s, r->ep))
		why = -ESHUTDOWN;
	switch (-why) {
	case ESHUTDOWN:
	case ENODEV:
		if (s->up && t->adopted && t->generation == s->generation &&
		    s->config.engine->enabled(s, r->ep)) {
			s->sent_again = true;
			refused(r, -ESHUTDOWN);
			break;
		}
		link_lost(s, is_up_again(s, t));
		r->ep->shut = true;
		stream_give_up(t, -ESHUTDOWN);
		break;
	case ECONNRESET: /* usb_ep_dequeue(): our own cancel */
	case ECANCELED:
		stream_give_up(t, s->up ? -ECANCELED : -ESHUTDOWN);
		break;
	case EAGAIN:
		if (t->status)
			break;
		if (is_in(r->ep) && ++r->ep->refused <= MAX_REFUSALS)
			begin_anew(s, t);
		else
			refused(r, -EAGAIN);
		break;
	case ENOMEM:
		if (!t->status)
			no_memory(s, r);
		break;
	default:
		stream_give_up(t, why);
	}
}

void stream_complete(struct stream *s, struct stream_request *r, long result)
{
	struct stream_transfer *t = r->transfer;
	struct stream_endpoint *ep = r->ep;

	r->in_flight = false;
	t->parts--;
	s->in_flight--;
	if (result < 0) {
		failed(s, r, (int)result);
	} else {
		ep->refused = 0;
		t->moved += (size_t)result;
		/* Of the new link, if the old one has ended before it. */
		t->held = !s->up && !s->session && !is_in(ep) && !t->status &&
			  (ep->shut || s->config.engine->enabled(s, ep));
		if (is_in(ep) && (size_t)result < r->length)
			stream_give_up(t, -EIO);
		/* What is left of a transfer in parts has lost its turn. */
		if (t->cancelled && !stream_settled(t))
			stream_give_up(t, -ECANCELED);
	}
	if (!stream_settled(t))
		ep->dirty = true;
	finish_if_ended(t);
}

static void deliver_one(struct stream *s, struct stream_endpoint *ep, struct stream_transfer *t)
{
	unlink_transfer(ep, t);
	if (!is_in(ep)) {
		t->pub.length = t->moved;
		t->pub.flags = 0;
		if (s->config.mode == FFSCTL_MODE_MESSAGE && !t->status && t->moved < t->want)
			t->pub.flags = FFSCTL_END;
	}
	t->pub.status = t->status;
	t->submitted = false;
	s->undelivered--;
	s->config.callbacks->done(s->config.user, &t->pub);
}

/* In order; but what the end of a link has ended does not wait for what goes over into the next. */
static struct stream_transfer *next_finished(const struct stream *s,
					     const struct stream_endpoint *ep)
{
	struct stream_transfer *t = ep->head;

	if (t && t->finished && (s->up || !t->held))
		return t;
	while (t && (s->up || !t->finished || !t->status))
		t = t->next;
	return t;
}

/* Once for each that was out before: what done() submits comes in the next round. */
static void deliver(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i, before, left = s->undelivered;

	do {
		before = left;
		for (i = 0; i < s->n_eps; i++) {
			while (left && (t = next_finished(s, &s->eps[i]))) {
				deliver_one(s, &s->eps[i], t);
				left--;
			}
		}
	} while (left && left < before);
	stream_go_up_if_clear(s);
}

bool stream_ended(struct stream *s)
{
	return s->config.engine->ended(s);
}

void stream_dispatch(struct stream *s)
{
	s->config.engine->reap(s);
	deliver(s);
}

/* Appends what of an endpoint may go out now. */
static unsigned int collect(struct stream *s, struct stream_endpoint *ep, unsigned int n)
{
	struct stream_transfer *t;
	size_t length;

	ep->dirty = false;
	for (t = ep->head; t; t = t->next) {
		if (stream_settled(t))
			continue;
		if (t->data.in_flight)
			return n; /* a part of it: its completion goes on from here */
		if (!t->data_sent) {
			if (!is_in(ep) && t->want > ep->limit)
				t->want = ep->limit;
			if (!is_in(ep) && t->want != s->config.out_length)
				t->want = whole_packets(ep, t->want);
			length = t->want - t->sent;
			if (length > ep->limit)
				length = ep->limit;
			t->data.data = (char *)t->pub.data + t->sent;
			t->data.length = length;
			s->batch[n++] = &t->data;
			if (t->sent + length < t->want)
				return n;
			if (is_in(ep) && t->home->needs_memory && length > SAFE_REQUEST &&
			    (t->zlp_wanted || t->next)) {
				ep->dirty = true;
				return n;
			}
		}
		if (t->zlp_wanted) {
			t->zlp.data = t->pub.data;
			t->zlp.length = 0;
			s->batch[n++] = &t->zlp;
		}
	}
	return n;
}

/* The engine has the request. */
static void sent(struct stream *s, struct stream_request *r)
{
	struct stream_transfer *t = r->transfer;

	r->in_flight = true;
	t->adopted = false;
	t->parts++;
	s->in_flight++;
	t->generation = s->generation;
	if (r == &t->zlp) {
		t->zlp_sent = true;
	} else {
		t->sent += r->length;
		t->data_sent = t->sent == t->want;
	}
}

/* Queues the batch, endpoint by endpoint; a failure holds only its own endpoint. */
static void send_batch(struct stream *s, unsigned int n)
{
	struct stream_endpoint *bad;
	unsigned int i = 0;
	int r, k;

	while (i < n) {
		if (s->batch[i]->transfer->status) { /* the link was lost while this was done */
			i++;
			continue;
		}
		r = s->config.engine->submit(s, s->batch + i, n - i);
		for (k = 0; k < r; k++)
			sent(s, s->batch[i++]);
		if (r > 0)
			continue;
		sent(s, s->batch[i]);
		bad = s->batch[i]->ep;
		bad->dirty = true;
		stream_complete(s, s->batch[i], r < 0 ? r : -EIO);
		while (i < n && s->batch[i]->ep == bad)
			i++;
	}
}

static bool any_dirty(const struct stream *s)
{
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		if (s->eps[i].dirty)
			return true;
	return false;
}

bool stream_flush(struct stream *s)
{
	unsigned int i, n, round;

	for (round = 0; round < MAX_ROUNDS; round++) {
		n = 0;
		for (i = 0; i < s->n_eps; i++)
			if (s->eps[i].dirty)
				n = collect(s, &s->eps[i], n);
		s->sending = true;
		if (n)
			send_batch(s, n);
		s->sending = false;
		/* What waits behind a long request follows once that is seen not to be refused. */
		if (n && any_dirty(s))
			s->config.engine->reap(s);
		deliver(s);
		if (!any_dirty(s))
			return false;
	}
	return true;
}
