// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sessions of a stream: how one begins when the host enables the function, and ends when the host
 * disables it; and what becomes of the transfers that are outstanding then.
 */
#include <errno.h>

#include "stream/transfers.h"

static void set_packet_sizes(struct stream *s, enum ffsctl_speed speed)
{
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		s->eps[i].public.max_packet = s->eps[i].packet_size[speed];
}

/*
 * If the kernel does not number sessions, a request that is submitted while the host resets the
 * interface may belong to the next session. An IN request in flight is cancelled, because its data
 * belongs to the old session. An OUT request in flight is not cancelled, because it may already
 * have data of the next session: see mark_transfers_outstanding_at_link_up().
 */
void stream_end_session(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	s->link_is_up = false;
	for (i = 0; i < s->n_eps; i++) {
		struct stream_endpoint *ep = &s->eps[i];

		ep->saw_eshutdown = ep->is_repeating = false;
		for (t = ep->outstanding_transfers; t; t = t->next) {
			if (!s->session_number && !is_in_endpoint(ep) &&
			    t->data_request.in_flight && !t->status)
				continue;
			if (!stream_transfer_has_no_more_requests(t))
				stream_fail_transfer(t, -ESHUTDOWN);
			stream_cancel_requests(s, t);
		}
	}
	s->config.callbacks->link_down(s->config.callback_data);
	set_packet_sizes(s, FFSCTL_SPEED_UNKNOWN);
}

void stream_handle_link_loss(struct stream *s, bool enabled_again)
{
	if (!s->link_is_up)
		return;
	if (!s->is_submitting_batch)
		stream_deliver_transfers(s); /* those that ended before the link went down */
	s->session_is_pending = enabled_again && !s->inside_stream_link_down;
	stream_end_session(s);
}

/* Returns whether a transfer may stay submitted when the next session starts. Only an OUT transfer
   may stay submitted, and only if the length of its request is a multiple of the new packet size or
   is equal to out_transfer_length. Cancels any other OUT transfer in flight. */
static bool keep_submitted_or_cancel(struct stream *s, struct stream_transfer *t)
{
	size_t length = t->data_request.length;

	if (s->session_number || is_in_endpoint(t->submit_endpoint) || t->status)
		return false;
	if (t->completed_before_link_up_call || !t->data_request.in_flight)
		return t->completed_before_link_up_call;
	if (length % t->submit_endpoint->packet_size[s->speed] == 0 ||
	    length == s->config.out_transfer_length)
		return true;
	stream_fail_transfer(t, -ESHUTDOWN);
	stream_cancel_requests(s, t);
	return false;
}

/* Cancels the transfers in flight that must not stay submitted. Returns whether no outstanding
   transfer prevents the next session from starting. */
static bool cancel_transfers_of_old_session(struct stream *s)
{
	struct stream_transfer *t;
	bool clear = true;
	unsigned int i;

	for (i = 0; i < s->n_eps; i++)
		for (t = s->eps[i].outstanding_transfers; t; t = t->next)
			clear &= keep_submitted_or_cancel(s, t);
	return clear;
}

/*
 * Marks the transfers that are outstanding when the link comes up. Some of their requests belong to
 * the new session. The other requests belong to the old session: each of them will end with
 * ESHUTDOWN and will then be submitted again.
 */
static void mark_transfers_outstanding_at_link_up(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	for (i = 0; i < s->n_eps; i++) {
		for (t = s->eps[i].outstanding_transfers; t; t = t->next) {
			t->was_outstanding_at_link_up = true;
			t->n_link_ups_at_last_request = s->n_link_ups;
		}
	}
}

void stream_start_pending_session(struct stream *s)
{
	if (!s->session_is_pending || s->link_is_up || !cancel_transfers_of_old_session(s))
		return;
	s->session_is_pending = s->resubmitted_request_of_earlier_session = false;
	s->has_scatterlists = s->config.engine->has_scatterlists(s);
	for (unsigned int i = 0; i < s->n_eps; i++)
		s->eps[i].longest_request_taken = 0; /* the UDC may be another one */
	s->link_is_up = true;
	set_packet_sizes(s, s->speed);
	mark_transfers_outstanding_at_link_up(s);
	s->config.callbacks->link_up(s->config.callback_data);
}

/* Starts a session to which the kernel has given a number. The kernel does not mix the data of two
   numbered sessions. */
static void start_numbered_session(struct stream *s, int session, bool other_speed)
{
	if (s->link_is_up && session == s->session_number && !other_speed)
		return; /* this session has already started */
	if (s->link_is_up)
		stream_end_session(s);
	s->session_number = session;
	s->session_is_pending = true;
	stream_start_pending_session(s);
}

void stream_set_suspended(struct stream *s, bool is_suspended)
{
	unsigned int i;

	s->is_suspended = is_suspended;
	if (is_suspended)
		return;
	for (i = 0; i < s->n_eps; i++) {
		if (s->eps[i].awaits_resume)
			s->eps[i].may_have_requests_to_submit = true;
		s->eps[i].awaits_resume = false;
	}
}

int stream_link_up(struct stream *s, enum ffsctl_speed speed)
{
	bool other_speed;
	unsigned int i;
	int session;

	if (speed > FFSCTL_SPEED_SUPER_PLUS)
		return -EINVAL;
	for (i = 0; i < s->n_eps; i++)
		if (!s->eps[i].packet_size[speed])
			return -EINVAL;
	stream_set_suspended(s, false);
	s->n_link_ups++;
	other_speed = speed != s->speed;
	s->speed = speed;
	session = s->config.engine->accept_session(s);
	if (session > 0)
		start_numbered_session(s, session, other_speed);
	else if (session == -EAGAIN && s->link_is_up)
		/* This session is already over: the function will be called for the next one. */
		stream_end_session(s);
	if (session != -ENOTTY)
		return 0;
	/*
	 * The kernel does not number sessions, so this call may report a new session or the old
	 * one. If the session is new, the outstanding transfers of the old session end with
	 * ESHUTDOWN, and stream_handle_link_loss() then starts the new session. But a request that
	 * handle_failed_request() has submitted again may already belong to the new session. Then
	 * it does not end with ESHUTDOWN, so the old session is ended here.
	 */
	if (s->link_is_up && s->n_outstanding_transfers &&
	    !s->resubmitted_request_of_earlier_session && !other_speed)
		return 0;
	if (s->link_is_up)
		stream_end_session(s);
	s->session_is_pending = true;
	stream_start_pending_session(s);
	return 0;
}

/* Returns whether the function is enabled. One endpoint is enough for this check, because all
   endpoints of a function are enabled and disabled together. */
static bool is_function_enabled(struct stream *s)
{
	return s->n_eps > 0 && s->config.engine->endpoint_is_enabled(s, &s->eps[0]);
}

void stream_link_down(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	stream_set_suspended(s, false);
	/* The host has enabled the function again before this DISABLE was handled, and may have
	   sent data in the new session. The transfers of the old session end with ESHUTDOWN. */
	if (s->link_is_up && is_function_enabled(s))
		return;
	s->session_is_pending = false;
	if (s->link_is_up) {
		s->inside_stream_link_down = true;
		/* Delivers the transfers that completed before the link went down. */
		stream_handle_completions(s);
		s->inside_stream_link_down = false;
		if (s->link_is_up)
			stream_end_session(s);
		return;
	}
	/* Drop the data of a session that ended before link_up() could be called for it. */
	for (i = 0; i < s->n_eps; i++)
		for (t = s->eps[i].outstanding_transfers; t; t = t->next)
			if (t->completed_before_link_up_call)
				stream_fail_transfer(t, -ESHUTDOWN);
}
