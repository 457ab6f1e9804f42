/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stream.c (the calls) and flow.c (the way of a transfer through the engine) share. */
#pragma once

#include "stream/stream.h"

struct stream_transfer {
	struct ffsctl_transfer pub; /* first: a plugin's pointer is ours */
	struct stream_transfer *next;
	struct stream_endpoint *home, *ep;
	struct stream_request data, zlp;
	size_t want, sent, moved; /* bytes: in all, with the kernel so far, ended well */
	unsigned int parts;	  /* requests in flight */
	uint64_t generation;	  /* of the link when its last request was sent */
	bool submitted, data_sent, zlp_wanted, zlp_sent, cancelled, finished;
	bool adopted; /* OUT: was with the kernel when the link came up again */
	bool held;    /* OUT: ended well while the link was coming up; delivered after that */
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

/* Whether the kernel has all of it, or never will. */
static inline bool stream_settled(const struct stream_transfer *t)
{
	return t->finished || t->status || (t->data_sent && (!t->zlp_wanted || t->zlp_sent));
}

/* Ends a transfer with `status` as soon as none of its requests is in flight. */
void stream_give_up(struct stream_transfer *t, int status);
/* Asks the engine for what it has of a transfer: its requests end sooner. */
void stream_take_back(struct stream *s, struct stream_transfer *t);
void stream_go_down(struct stream *s);
/* Up again, if that is pending and no transfer of the time before is out. */
void stream_go_up_if_clear(struct stream *s);
