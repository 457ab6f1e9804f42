/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endpoint I/O for one FunctionFS function. An engine allocates the buffers of the transfers.
 * Several transfers are in flight on each endpoint and complete in order. A stream can be used
 * again after the host has disabled and enabled the function.
 *
 * stream.c and flow.c are shared by all engines: queues, order, message ends, and the handling of
 * link changes and of memory shortage in the kernel. An engine (aio.c, dmabuf.c) only moves single
 * requests; engines.h lists them.
 *
 * A stream is used by one thread. The owner watches stream_fd() (edge-triggered), calls
 * stream_dispatch() when it is readable, and stream_flush() before it sleeps.
 *
 * Words: the link is up while the host has the function enabled. A session is the time from one
 * enable to the next disable. A transfer is outstanding from stream_submit() to done().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ffsctl/plugin.h"
#include "stream/engines.h"

struct stream;
struct stream_endpoint;
struct stream_transfer;

/* Bytes of engine-private data in a request: room for a struct iocb. */
#define STREAM_REQUEST_PRIVATE 64

/* One request to the kernel: a transfer, a part of a transfer, or the ZLP after it. */
struct stream_request {
	struct stream_transfer *transfer;
	struct stream_endpoint *ep;
	void *data;
	size_t length;
	bool in_flight;
	_Alignas(8) unsigned char engine[STREAM_REQUEST_PRIVATE]; /* engine-private */
};

/* What a program prints when open() fails: "cannot WHAT: REASON", and a hint. */
struct stream_failure {
	int error; /* errno; 0: any other, the last row */
	const char *what;
	const char *hint; /* NULL: none */
};

struct stream_engine {
	const char *name;   /* as in engines.h */
	bool explicit_only; /* used only if requested by name; "auto" skips it */
	bool page_aligned;  /* each buffer must begin at a page boundary */
	const struct stream_failure *failures;
	/* Sets stream->fd. `requests`: the largest number that will be in flight. */
	int (*open)(struct stream *s, unsigned int requests);
	void (*close)(struct stream *s);
	/* Returns page-aligned, zeroed memory, or NULL with errno. release() frees it. */
	void *(*alloc)(struct stream *s, struct stream_endpoint *ep, size_t length);
	void (*release)(struct stream *s, struct stream_endpoint *ep, void *data, size_t length);
	/* Returns how many requests were queued, counted from the first; a negative errno if the
	   first one was not. */
	int (*submit)(struct stream *s, struct stream_request **requests, unsigned int n);
	/* Asks the kernel to end the request early; it still ends in stream_complete(). */
	void (*cancel)(struct stream *s, struct stream_request *r);
	/* Returns whether the host has the endpoint enabled. EAGAIN of a disabled endpoint means a
	   link that is down; of an enabled one, a busy endpoint. */
	bool (*enabled)(struct stream *s, struct stream_endpoint *ep);
	/*
	 * Ties the endpoint file to the current session and stores the session's number: later
	 * requests end with -ESHUTDOWN once that session is over. -EAGAIN: the endpoint is
	 * disabled. -ENOTTY: the kernel does not number sessions.
	 */
	int (*join)(struct stream *s, struct stream_endpoint *ep, uint32_t *session);
	/* Returns true if reap() would find a completion. Makes no system call; false may also mean
	   unknown. */
	bool (*has_completions)(struct stream *s);
	/* Calls stream_complete() for every completion; never waits. */
	void (*reap)(struct stream *s);
};

/*
 * Their open() returns -ENODEV if FunctionFS of this kernel has no mmap() (mmap), or if no device
 * that makes DMABUFs was passed (dmabuf).
 */
#define STREAM_DECLARE(NAME, name, needs, description)                                             \
	extern const struct stream_engine stream_engine_##name;
STREAM_ENGINES(STREAM_DECLARE)
#undef STREAM_DECLARE

struct stream_callbacks {
	void (*up)(
		void *user); /* the link is up; no transfer of an earlier session is outstanding */
	void (*down)(void *user); /* the link is down; outstanding transfers end with -ESHUTDOWN */
	void (*done)(void *user, struct ffsctl_transfer *t);
	void (*log)(void *user, const char *text); /* one line, without a newline */
};

struct stream_endpoint {
	struct ffsctl_endpoint pub;
	int fd; /* borrowed */
	uint32_t index;
	uint32_t packet_size[FFSCTL_SPEED_SUPER_PLUS + 1]; /* bytes, by enum ffsctl_speed */

	/* The rest is private to stream/. */
	size_t request_limit; /* bytes of the longest single request; shrinks when the kernel has no
			 memory */
	unsigned int refusals; /* consecutive requests that the kernel did not take */
	struct stream_transfer *transfers,
		*free_transfers; /* `depth` of them, made at the first get */
	void *pool;
	void *engine;	    /* engine-private */
	bool kernel_copies; /* set by alloc(): the kernel copies what is in these buffers */
	bool fallen_back;   /* set by the engine: it moves these transfers as `copy` does */
	struct stream_transfer *head, **tail; /* outstanding transfers, in order */
	bool may_have_requests;		      /* may have requests to send */
	bool request_shut_down; /* a request ended with ESHUTDOWN since the link went down */
};

struct stream_config {
	const struct stream_engine *engine;
	const struct stream_callbacks *callbacks;
	void *user;
	enum ffsctl_mode mode;
	size_t size;	    /* bytes in a buffer */
	unsigned int depth; /* transfers of each endpoint */
	size_t out_length;  /* bytes of every OUT request; 0: as many as fit */
	unsigned int
		missing_needs; /* enum stream_needs: engines that need one of these are left out */
	int dmabuf_fd;	       /* borrowed: /dev/udmabuf or a DMA heap; -1: none */
	bool dmabuf_heap;      /* dmabuf_fd is a DMA heap */
};

struct stream {
	struct stream_config config;
	struct stream_endpoint *eps;
	unsigned int n_eps;
	size_t stride; /* bytes from one buffer of a pool to the next */
	int fd;	       /* set by the engine: readable when there are completions */
	void *engine;  /* engine-private */

	uint32_t session; /* the kernel's number of the session; 0: it does not number them */
	enum ffsctl_speed speed; /* of the last stream_up() */
	bool up, up_pending;
	bool in_down;	     /* within stream_down() */
	bool in_flush;	     /* within stream_flush(): s->batch refers to transfers */
	bool resubmitted;    /* in this session a carried-over request was submitted again */
	uint64_t generation; /* number of stream_up() calls so far */
	unsigned int in_flight, undelivered; /* requests; transfers */
	struct stream_request **batch;	     /* the requests of one flush */
};

/*
 * Opens a stream. The caller owns `eps`, which must stay valid until stream_close(), with pub, fd
 * and packet filled in. Returns 0 or a negative errno of the engine's open().
 */
int stream_open(struct stream *s, const struct stream_config *config, struct stream_endpoint *eps,
		unsigned int n_eps);
/*
 * Opens a stream with the engine `name`, or with the fastest that opens if `name` is "auto". Stores
 * the last engine that was tried in config->engine; -EINVAL, and nothing is stored, if no engine
 * has that name.
 */
int stream_open_first(struct stream *s, struct stream_config *config, const char *name,
		      struct stream_endpoint *eps, unsigned int n_eps);
void stream_close(struct stream *s);

static inline int stream_fd(const struct stream *s)
{
	return s->fd;
}

/*
 * Reports that the host enabled the function. May be called while the link is up: DISABLE is lost
 * when ENABLE follows at once. -EINVAL: an endpoint has no packet size at that speed.
 */
int stream_up(struct stream *s, enum ffsctl_speed speed);
/* Reports that the host disabled the function or disconnected. */
void stream_down(struct stream *s);

/* See struct ffsctl_calls. */
struct ffsctl_transfer *stream_get(struct stream *s, uint32_t endpoint);
void stream_put(struct stream *s, struct ffsctl_transfer *t);
int stream_submit(struct stream *s, uint32_t endpoint, struct ffsctl_transfer *t);
void stream_cancel(struct stream *s, uint32_t endpoint);

/* Returns how data is moved: the engine's name, "copy" if the engine fell back to copies on every
   endpoint, "mixed" if on some. */
const char *stream_method(const struct stream *s);

/* Hands submitted transfers to the kernel. Returns true if it must be called again before
   sleeping. */
bool stream_flush(struct stream *s);
/* Returns true if stream_dispatch() would find a completion, without a system call. */
bool stream_has_completions(struct stream *s);
/* Calls done() for every transfer that has ended. */
void stream_dispatch(struct stream *s);

/* Called by engines: `r` has ended; `result` is a byte count or a negative errno. */
void stream_complete(struct stream *s, struct stream_request *r, long result);
