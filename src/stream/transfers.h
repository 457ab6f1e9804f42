/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations that stream.c (the functions that the owner of a stream calls), sessions.c (the
   begin and end of a session) and transfers.c (the path of a transfer from submission to
   completion) share. */
#pragma once

#include "stream/stream.h"

/* A transfer: its buffer, and the requests that move its data. */
struct stream_transfer {
	struct ffsctl_transfer public; /* first member, because transfer_of_public() converts a
					  pointer to it */
	struct stream_transfer *next;  /* in the list of free or of outstanding transfers */
	struct stream_endpoint *buffer_endpoint; /* the endpoint that owns the buffer */
	/* the endpoint that the transfer was submitted on */
	struct stream_endpoint *submit_endpoint;
	struct stream_request data_request, zlp_request;
	size_t total_bytes;	/* size of the transfer */
	size_t submitted_bytes; /* bytes of the requests that the kernel has accepted */
	size_t completed_bytes; /* bytes of the requests that have completed */
	unsigned int n_requests_in_flight;
	/* stream.n_link_ups when the last request of the transfer was submitted, or at a later
	   link up while the transfer was outstanding */
	uint64_t n_link_ups_at_last_request;
	bool is_outstanding, data_submitted, needs_zlp, zlp_submitted, cancelled, finished;
	bool was_outstanding_at_link_up; /* an OUT transfer that was outstanding when the link came
					    up */
	/* an OUT transfer that completed before stream_link_up() was called for its session */
	bool completed_before_link_up_call;
	int status; /* 0, or the negative errno that the transfer ends with */
};

static inline struct stream_transfer *transfer_of_public(struct ffsctl_transfer *t)
{
	return (struct stream_transfer *)t;
}

static inline bool is_in_endpoint(const struct stream_endpoint *ep)
{
	return ep->public.direction == FFSCTL_IN;
}

/* Returns whether the transfer has no request that must still be submitted. */
static inline bool stream_transfer_has_no_more_requests(const struct stream_transfer *t)
{
	return t->finished || t->status ||
	       (t->data_submitted && (!t->needs_zlp || t->zlp_submitted));
}

/* Makes a transfer end with `status` as soon as none of its requests is in flight. */
void stream_fail_transfer(struct stream_transfer *t, int status);
/* Cancels the transfer's requests that are in flight. */
void stream_cancel_requests(struct stream *s, struct stream_transfer *t);
/* Passes finished transfers to the owner of the stream, then starts the session that is pending, if
   there is one. One call delivers at most as many transfers as are outstanding when the call
   begins. So the call ends even if transfer_done() submits transfers that fail at once. */
void stream_deliver_transfers(struct stream *s);
/* Ends the session, if one has started, after its finished transfers were delivered.
   `enabled_again`: the host has already enabled the function again. */
void stream_handle_link_loss(struct stream *s, bool enabled_again);
/* Ends the session: fails or keeps each outstanding transfer, and calls link_down(). */
void stream_end_session(struct stream *s);
/* Starts the pending session unless a transfer of an earlier session is outstanding. */
void stream_start_pending_session(struct stream *s);
