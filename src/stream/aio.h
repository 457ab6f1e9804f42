/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The code that the engines on libaio share; stream.engine_data is their io_context_t. */
#pragma once

#include <libaio.h>

#include "stream/stream.h"

#define AIO_BATCH 64 /* maximum number of requests or events of one system call */

/* Rows for the failures of aio_open(). They are the last rows of the table `open_failures` of each
   engine that uses libaio. */
#define AIO_OPEN_FAILURES                                                                          \
	{ EAGAIN, "set up asynchronous I/O (io_setup)",                                            \
	  "decrease io.depth, or increase /proc/sys/fs/aio-max-nr" },                              \
	{                                                                                          \
		0, "set up asynchronous I/O (io_setup)", NULL                                      \
	}

int aio_open(struct stream *s, unsigned int requests);
void aio_close(struct stream *s);
/* Returns anonymous memory. The kernel copies the data of each request from or to this memory. */
void *aio_alloc_buffers(struct stream *s, struct stream_endpoint *ep, size_t length);
void aio_free_buffers(struct stream *s, struct stream_endpoint *ep, void *data, size_t length);

/* Prepares an iocb for aio_queue_iocbs() in the engine_data of the request, and returns it. */
struct iocb *aio_prepare_iocb(struct stream *s, struct stream_request *q);
/* Submits the iocbs. Returns the number of iocbs that the kernel accepted, or a negative errno if
   it refused the first one. */
int aio_queue_iocbs(struct stream *s, struct iocb **iocbs, unsigned int n);

int aio_submit(struct stream *s, struct stream_request **requests, unsigned int n);
void aio_cancel(struct stream *s, struct stream_request *q);
bool aio_endpoint_is_enabled(struct stream *s, struct stream_endpoint *ep);
bool aio_has_scatterlists(struct stream *s);
int aio_accept_session(struct stream *s);
bool aio_has_completions(struct stream *s);
/* Reads up to AIO_BATCH completions from the kernel into `events`, and returns their number: the
   caller reads again if it is AIO_BATCH. Never waits. */
int aio_read_events(struct stream *s, struct io_event *events);
void aio_reap_completions(struct stream *s);

/* The members of struct stream_engine that are the same in `copy` and `mmap`. */
#define AIO_CALLS                                                                                  \
	.close = aio_close, .free_buffers = aio_free_buffers, .submit = aio_submit,                \
	.cancel = aio_cancel, .endpoint_is_enabled = aio_endpoint_is_enabled,                      \
	.has_scatterlists = aio_has_scatterlists, .accept_session = aio_accept_session,            \
	.has_completions = aio_has_completions, .reap_completions = aio_reap_completions
