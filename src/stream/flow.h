/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations that stream.c (the calls of the owner) and flow.c (the path of a transfer through
   the engine) share. */
#pragma once

#include "stream/stream.h"

struct stream_transfer {
	struct ffsctl_transfer pub; /* must be the first member: from_pub() converts its pointer */
	struct stream_transfer *next;
	struct stream_endpoint *buffer_endpoint; /* the endpoint that owns the buffer */
	struct stream_endpoint *endpoint; /* the endpoint that the transfer was submitted on */
	struct stream_request data, zlp;
	size_t total, sent,
		completed;	  /* bytes: of the transfer, submitted so far, completed so far */
	unsigned int n_in_flight; /* requests in flight */
	uint64_t generation;	  /* stream->generation when its last request was sent */
	bool submitted, data_sent, needs_zlp, zlp_sent, cancelled, finished;
	bool was_outstanding_at_up; /* OUT: was already outstanding when the link came up */
	bool completed_early; /* OUT: completed before the call of stream_up() for its session */
	int status;
};

static inline struct stream_transfer *from_pub(struct ffsctl_transfer *t)
{
	return (struct stream_transfer *)t;
}

static inline bool is_in(const struct stream_endpoint *ep)
{
	return ep->pub.direction == FFSCTL_IN;
}

/* Returns true if no further request of the transfer will be submitted. */
static inline bool stream_is_final(const struct stream_transfer *t)
{
	return t->finished || t->status || (t->data_sent && (!t->needs_zlp || t->zlp_sent));
}

/* Makes a transfer end with `status` as soon as none of its requests is in flight. */
void stream_fail(struct stream_transfer *t, int status);
/* Cancels the transfer's requests that are in flight. */
void stream_cancel_requests(struct stream *s, struct stream_transfer *t);
/* Ends the session: fails or keeps each outstanding transfer, and calls down(). */
void stream_go_down(struct stream *s);
/* Starts the pending session unless a transfer of an earlier session is outstanding. */
void stream_start_pending_session(struct stream *s);
