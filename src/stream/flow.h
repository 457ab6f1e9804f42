/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by stream.c (the calls) and flow.c (the path of a transfer through the engine). */
#pragma once

#include "stream/stream.h"

struct stream_transfer {
	struct ffsctl_transfer pub; /* first: converted by of_pub() */
	struct stream_transfer *next;
	struct stream_endpoint *buffer_endpoint, *endpoint; /* of its buffer; submitted on */
	struct stream_request data, zlp;
	size_t total, sent, completed; /* bytes: in all, submitted so far, completed */
	unsigned int n_in_flight;      /* requests in flight */
	uint64_t generation;	       /* stream->generation when its last request was sent */
	bool submitted, data_sent, needs_zlp, zlp_sent, cancelled, finished;
	bool carried_over;    /* OUT: was in flight when the link came up again */
	bool completed_early; /* OUT: completed before stream_up() was called for its session */
	int status;
};

static inline struct stream_transfer *of_pub(struct ffsctl_transfer *t)
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

/* Ends a transfer with `status` once none of its requests is in flight. */
void stream_fail(struct stream_transfer *t, int status);
/* Cancels the transfer's requests that are in flight. */
void stream_cancel_requests(struct stream *s, struct stream_transfer *t);
void stream_go_down(struct stream *s);
/* Starts the pending session if no transfer of an earlier one is outstanding. */
void stream_start_pending_session(struct stream *s);
