// SPDX-License-Identifier: LGPL-2.1-or-later
/* The part that all engines share: a function's endpoints, their buffers, and the calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/flow.h"

int stream_open(struct stream *s, const struct stream_config *config, struct stream_endpoint *eps,
		unsigned int n_eps)
{
	unsigned int requests = n_eps * config->depth * 2; /* data and ZLP of each transfer */
	unsigned int i;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int r;

	*s = (struct stream){ .config = *config, .eps = eps, .n_eps = n_eps, .fd = -1 };
	s->stride = config->size;
	if (config->engine->page_aligned)
		s->stride = (s->stride + page - 1) / page * page;
	for (i = 0; i < n_eps; i++) {
		eps[i].index = i;
		eps[i].request_limit = config->size;
		eps[i].tail = &eps[i].head;
	}
	s->batch = calloc(requests ? requests : 1, sizeof(*s->batch));
	if (!s->batch)
		return -ENOMEM;
	r = config->engine->open(s, requests ? requests : 1);
	if (r < 0) {
		free(s->batch);
		s->batch = NULL;
	}
	return r;
}

void stream_close(struct stream *s)
{
	unsigned int i;

	s->config.engine->close(s);
	for (i = 0; i < s->n_eps; i++) {
		struct stream_endpoint *ep = &s->eps[i];

		if (ep->pool)
			s->config.engine->release(s, ep, ep->pool, s->stride * s->config.depth);
		free(ep->transfers);
		ep->pool = NULL;
		ep->transfers = ep->free_transfers = NULL;
	}
	free(s->batch);
	s->batch = NULL;
}

const char *stream_method(const struct stream *s)
{
	const char *name = s->config.engine->name;
	unsigned int i, in_place = 0, fallen_back = 0;

	for (i = 0; i < s->n_eps; i++) {
		in_place += s->eps[i].pool && !s->eps[i].kernel_copies;
		fallen_back += s->eps[i].fallen_back;
	}
	if (!fallen_back)
		return name;
	return in_place ? "mixed" : "copy";
}

static int make_pool(struct stream *s, struct stream_endpoint *ep)
{
	size_t length = s->stride * s->config.depth;
	unsigned int i;

	ep->pool = s->config.engine->alloc(s, ep, length);
	if (!ep->pool)
		return -errno;
	ep->transfers = calloc(s->config.depth, sizeof(*ep->transfers));
	if (!ep->transfers) {
		s->config.engine->release(s, ep, ep->pool, length);
		ep->pool = NULL;
		return -ENOMEM;
	}
	for (i = s->config.depth; i-- > 0;) {
		struct stream_transfer *t = &ep->transfers[i];

		t->pub.data = (char *)ep->pool + i * s->stride;
		t->pub.capacity = s->config.size;
		t->buffer_endpoint = ep;
		t->data.transfer = t->zlp.transfer = t;
		t->next = ep->free_transfers;
		ep->free_transfers = t;
	}
	return 0;
}

struct ffsctl_transfer *stream_get(struct stream *s, uint32_t endpoint)
{
	struct stream_endpoint *ep;
	struct stream_transfer *t;

	if (endpoint >= s->n_eps)
		return NULL;
	ep = &s->eps[endpoint];
	if (!ep->pool && make_pool(s, ep) < 0) {
		s->config.callbacks->log(s->config.user,
					 "cannot allocate the transfer buffers: out of memory");
		return NULL;
	}
	t = ep->free_transfers;
	if (!t)
		return NULL;
	ep->free_transfers = t->next;
	t->pub.endpoint = endpoint;
	t->pub.length = 0;
	t->pub.flags = 0;
	t->pub.status = 0;
	return &t->pub;
}

void stream_put(struct stream *s, struct ffsctl_transfer *pub)
{
	struct stream_transfer *t = from_pub(pub);

	if (t->submitted) {
		s->config.callbacks->log(s->config.user, "bug: put() of a submitted transfer");
		abort();
	}
	t->next = t->buffer_endpoint->free_transfers;
	t->buffer_endpoint->free_transfers = t;
}

int stream_submit(struct stream *s, uint32_t endpoint, struct ffsctl_transfer *pub)
{
	struct stream_transfer *t = from_pub(pub);
	struct stream_endpoint *ep;

	if (endpoint >= s->n_eps || t->submitted)
		return -EINVAL;
	ep = &s->eps[endpoint];
	if (is_in(ep) && pub->length > pub->capacity)
		return -EINVAL;
	if (!s->up)
		return -ESHUTDOWN;

	t->endpoint = t->data.ep = t->zlp.ep = ep;
	t->sent = t->completed = 0;
	t->n_in_flight = 0;
	t->status = 0;
	t->data_sent = t->zlp_sent = t->needs_zlp = t->cancelled = t->finished = false;
	t->was_outstanding_at_up = t->completed_early = false;
	if (is_in(ep)) {
		bool end = s->config.mode == FFSCTL_MODE_MESSAGE && (pub->flags & FFSCTL_END);

		t->total = pub->length;
		/* If an empty transfer ends a message it is itself the ZLP; otherwise nothing is
		   sent for it. */
		t->needs_zlp = end && t->total > 0 && t->total % ep->pub.max_packet == 0;
		t->finished = !end && t->total == 0;
	} else {
		t->total = s->config.out_length ? s->config.out_length : pub->capacity;
	}
	pub->endpoint = endpoint;
	t->submitted = true;
	t->next = NULL;
	*ep->tail = t;
	ep->tail = &t->next;
	ep->may_have_requests = true;
	s->outstanding++;
	return 0;
}

/*
 * Ties all endpoints to the current session. Returns -EAGAIN if this session is over already; then
 * stream_up() will be called for the next one.
 */
static int join_session(struct stream *s, uint32_t *session)
{
	uint32_t number = 0;
	unsigned int i;
	int r = -ENOTTY;

	for (i = 0; i < s->n_eps; i++) {
		r = s->config.engine->join(s, &s->eps[i], &number);
		if (r < 0)
			break;
		if (i > 0 && number != *session)
			return -EAGAIN;
		*session = number;
	}
	return r;
}

/* Starts a session that has a number: the kernel itself keeps the data of such sessions apart. */
static void start_numbered_session(struct stream *s, uint32_t session, bool other_speed)
{
	if (s->up && session == s->session && !other_speed)
		return; /* a repeated or late ENABLE */
	if (s->up)
		stream_go_down(s);
	s->session = session;
	s->up_pending = true;
	stream_start_pending_session(s);
}

int stream_up(struct stream *s, enum ffsctl_speed speed)
{
	bool other_speed;
	uint32_t session;
	unsigned int i;
	int r;

	if (speed > FFSCTL_SPEED_SUPER_PLUS)
		return -EINVAL;
	for (i = 0; i < s->n_eps; i++)
		if (!s->eps[i].packet_size[speed])
			return -EINVAL;
	s->generation++;
	other_speed = speed != s->speed;
	s->speed = speed;
	r = join_session(s, &session);
	if (r == 0)
		start_numbered_session(s, session, other_speed);
	else if (r == -EAGAIN && s->up)
		stream_go_down(s);
	if (r != -ENOTTY)
		return 0;
	/* Outstanding transfers show whether this is a new session: in a new session they end with
	 * ESHUTDOWN, and handle_link_loss() handles that. After a request was submitted again they
	 * may not show it. */
	if (s->up && s->outstanding && !s->resubmitted && !other_speed)
		return 0;
	if (s->up)
		stream_go_down(s);
	s->up_pending = true;
	stream_start_pending_session(s);
	return 0;
}

/* Checks one endpoint, because all endpoints of a function are enabled and disabled together. */
static bool is_enabled(struct stream *s)
{
	return s->n_eps > 0 && s->config.engine->enabled(s, &s->eps[0]);
}

void stream_down(struct stream *s)
{
	struct stream_transfer *t;
	unsigned int i;

	/* The DISABLE is late: the host has enabled the function again, and may have sent data
	   since. Transfers of the last session end with ESHUTDOWN. */
	if (s->up && is_enabled(s))
		return;
	s->up_pending = false;
	if (s->up) {
		s->in_down = true;
		stream_dispatch(s); /* completions from before the disable */
		s->in_down = false;
		if (s->up)
			stream_go_down(s);
		return;
	}
	/* Drop the data of a session that ended before up() could be called. */
	for (i = 0; i < s->n_eps; i++)
		for (t = s->eps[i].head; t; t = t->next)
			if (t->completed_early)
				stream_fail(t, -ESHUTDOWN);
}

void stream_cancel(struct stream *s, uint32_t endpoint)
{
	struct stream_transfer *t;

	if (endpoint >= s->n_eps)
		return;
	for (t = s->eps[endpoint].head; t; t = t->next) {
		if (t->finished)
			continue;
		t->cancelled = true;
		stream_cancel_requests(s, t);
		if (t->n_in_flight == 0)
			stream_fail(t, -ECANCELED);
	}
}
