/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The code that the engines on libaio share; s->engine is the io_context_t. */
#pragma once

#include <libaio.h>

#include "stream/stream.h"

#define AIO_BATCH 64 /* requests or events in one system call */

/* The failures of aio_open(): the last rows of each engine's table of failures. */
#define AIO_FAILURES                                                                               \
	{ EAGAIN, "set up asynchronous I/O (io_setup)",                                            \
	  "decrease io.depth, or increase /proc/sys/fs/aio-max-nr" },                              \
	{                                                                                          \
		0, "set up asynchronous I/O (io_setup)", NULL                                      \
	}

/* The table of failures of an engine whose open() is aio_open(). */
extern const struct stream_failure aio_failures[];

int aio_open(struct stream *s, unsigned int requests);
void aio_close(struct stream *s);
/* Returns anonymous memory, which the kernel copies for each request. */
void *aio_alloc(struct stream *s, struct stream_endpoint *ep, size_t length);
void aio_release(struct stream *s, struct stream_endpoint *ep, void *data, size_t length);

/* Returns the request's iocb, ready for aio_queue(). */
struct iocb *aio_prepare(struct stream *s, struct stream_request *q);
/* Returns how many iocbs were queued, counted from the first one, or a negative errno if the first
   one was not queued. */
int aio_queue(struct stream *s, struct iocb **iocbs, unsigned int n);

int aio_submit(struct stream *s, struct stream_request **requests, unsigned int n);
void aio_cancel(struct stream *s, struct stream_request *q);
bool aio_enabled(struct stream *s, struct stream_endpoint *ep);
int aio_join(struct stream *s, struct stream_endpoint *ep, uint32_t *session);
bool aio_has_completions(struct stream *s);
void aio_reap(struct stream *s);
/* Calls `complete` for every completion. */
void aio_reap_by(struct stream *s,
		 void (*complete)(struct stream *s, struct stream_request *q, long result));

/* The members that are the same in all engines on libaio. */
#define AIO_CALLS                                                                                  \
	.close = aio_close, .release = aio_release, .submit = aio_submit, .cancel = aio_cancel,    \
	.enabled = aio_enabled, .join = aio_join, .has_completions = aio_has_completions,          \
	.reap = aio_reap
