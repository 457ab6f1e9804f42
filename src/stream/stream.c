// SPDX-License-Identifier: LGPL-2.1-or-later
/* The functions that the owner of a stream calls: they are the same for all engines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/transfers.h"

int stream_open(struct stream *s, const struct stream_config *config, struct stream_endpoint *eps,
		unsigned int n_eps)
{
	/* Each transfer needs up to two requests at a time: one for its data and one for its
	   ZLP. */
	unsigned int requests = n_eps * config->transfers_per_endpoint * 2;
	unsigned int i;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int r;

	*s = (struct stream){ .config = *config, .eps = eps, .n_eps = n_eps, .completion_fd = -1 };
	s->buffer_stride = config->buffer_size;
	if (config->engine->page_aligned_buffers)
		s->buffer_stride = (s->buffer_stride + page - 1) / page * page;
	for (i = 0; i < n_eps; i++) {
		eps[i].index = i;
		eps[i].max_request_length = config->buffer_size;
		eps[i].outstanding_transfers_tail = &eps[i].outstanding_transfers;
	}
	s->request_batch = calloc(requests ? requests : 1, sizeof(*s->request_batch));
	if (!s->request_batch)
		return -ENOMEM;
	r = config->engine->open(s, requests ? requests : 1);
	if (r < 0) {
		free(s->request_batch);
		s->request_batch = NULL;
	}
	return r;
}

void stream_close(struct stream *s)
{
	unsigned int i;

	s->config.engine->close(s);
	for (i = 0; i < s->n_eps; i++) {
		struct stream_endpoint *ep = &s->eps[i];

		if (ep->buffers)
			s->config.engine->free_buffers(s, ep, ep->buffers,
						       s->buffer_stride *
							       s->config.transfers_per_endpoint);
		free(ep->transfers);
		ep->buffers = NULL;
		ep->transfers = ep->free_transfers = NULL;
	}
	free(s->request_batch);
	s->request_batch = NULL;
}

const char *stream_engine_in_use(const struct stream *s)
{
	const char *name = s->config.engine->name;
	unsigned int i, n_without_copies = 0, n_fell_back = 0;

	for (i = 0; i < s->n_eps; i++) {
		n_without_copies += s->eps[i].buffers && !s->eps[i].kernel_copies_buffers;
		n_fell_back += s->eps[i].fell_back_to_copy;
	}
	if (!n_fell_back)
		return name;
	return n_without_copies ? "mixed" : "copy";
}

static int make_transfers(struct stream *s, struct stream_endpoint *ep)
{
	size_t length = s->buffer_stride * s->config.transfers_per_endpoint;
	unsigned int i;

	ep->buffers = s->config.engine->alloc_buffers(s, ep, length);
	if (!ep->buffers)
		return -errno;
	ep->transfers = calloc(s->config.transfers_per_endpoint, sizeof(*ep->transfers));
	if (!ep->transfers) {
		s->config.engine->free_buffers(s, ep, ep->buffers, length);
		ep->buffers = NULL;
		return -ENOMEM;
	}
	for (i = s->config.transfers_per_endpoint; i-- > 0;) {
		struct stream_transfer *t = &ep->transfers[i];

		t->public.data = (char *)ep->buffers + i * s->buffer_stride;
		t->public.capacity = s->config.buffer_size;
		t->buffer_endpoint = ep;
		t->data_request.transfer = t->zlp_request.transfer = t;
		t->next = ep->free_transfers;
		ep->free_transfers = t;
	}
	return 0;
}

struct ffsctl_transfer *stream_get_free_transfer(struct stream *s, uint32_t endpoint)
{
	struct stream_endpoint *ep;
	struct stream_transfer *t;

	if (endpoint >= s->n_eps)
		return NULL;
	ep = &s->eps[endpoint];
	if (!ep->buffers && make_transfers(s, ep) < 0) {
		s->config.callbacks->log(s->config.callback_data,
					 "cannot allocate the transfer buffers: out of memory");
		return NULL;
	}
	t = ep->free_transfers;
	if (!t)
		return NULL;
	ep->free_transfers = t->next;
	t->public.endpoint = endpoint;
	t->public.length = 0;
	t->public.flags = 0;
	t->public.status = 0;
	return &t->public;
}

void stream_release_transfer(struct stream *s, struct ffsctl_transfer *public)
{
	struct stream_transfer *t = transfer_of_public(public);

	if (t->is_outstanding) {
		s->config.callbacks->log(s->config.callback_data,
					 "bug: release_transfer() of a submitted transfer");
		abort();
	}
	t->next = t->buffer_endpoint->free_transfers;
	t->buffer_endpoint->free_transfers = t;
}

int stream_submit_transfer(struct stream *s, uint32_t endpoint, struct ffsctl_transfer *public)
{
	struct stream_transfer *t = transfer_of_public(public);
	struct stream_endpoint *ep;

	if (endpoint >= s->n_eps || t->is_outstanding)
		return -EINVAL;
	ep = &s->eps[endpoint];
	if (is_in_endpoint(ep) && public->length > public->capacity)
		return -EINVAL;
	if (!s->link_is_up)
		return -ESHUTDOWN;

	t->submit_endpoint = t->data_request.ep = t->zlp_request.ep = ep;
	t->submitted_bytes = t->completed_bytes = 0;
	t->data_request.no_cpu_access = public->flags & FFSCTL_NO_CPU_ACCESS;
	t->n_requests_in_flight = 0;
	t->status = 0;
	t->data_submitted = t->zlp_submitted = t->needs_zlp = t->cancelled = t->finished = false;
	t->was_outstanding_at_link_up = t->completed_before_link_up_call = false;
	if (is_in_endpoint(ep)) {
		bool end = s->config.framing == FFSCTL_FRAMING_MESSAGES &&
			   (public->flags & FFSCTL_END);

		t->total_bytes = public->length;
		/* An empty transfer with FFSCTL_END is itself the ZLP. An empty transfer without
		   FFSCTL_END has no request. */
		t->needs_zlp =
			end && t->total_bytes > 0 && t->total_bytes % ep->public.max_packet == 0;
		t->finished = !end && t->total_bytes == 0;
	} else {
		t->total_bytes = s->config.out_transfer_length ? s->config.out_transfer_length
							       : public->capacity;
	}
	public->endpoint = endpoint;
	t->is_outstanding = true;
	t->next = NULL;
	*ep->outstanding_transfers_tail = t;
	ep->outstanding_transfers_tail = &t->next;
	ep->may_have_requests_to_submit = true;
	s->n_outstanding_transfers++;
	return 0;
}

void stream_cancel_transfers(struct stream *s, uint32_t endpoint)
{
	struct stream_transfer *t;

	if (endpoint >= s->n_eps)
		return;
	for (t = s->eps[endpoint].outstanding_transfers; t; t = t->next) {
		if (t->finished)
			continue;
		t->cancelled = true;
		stream_cancel_requests(s, t);
		if (t->n_requests_in_flight == 0)
			stream_fail_transfer(t, -ECANCELED);
	}
}
