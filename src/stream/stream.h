/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endpoint I/O for one FunctionFS function. An engine allocates the buffers of the transfers.
 * Several transfers are in flight on each endpoint and complete in order. A stream can be used
 * again after the host has disabled and enabled the function.
 *
 * All engines share stream.c and flow.c, which handle queues, order, message ends, link changes,
 * and memory shortage in the kernel. An engine (aio.c, dmabuf.c) only moves single requests.
 * engines.h lists the engines.
 *
 * A stream is used by one thread. The owner watches stream_fd() (edge-triggered), calls
 * stream_dispatch() when it is readable, and stream_flush() before it sleeps.
 *
 * Words: the link is up while the host has the function enabled. A session is the time from
 * ENABLE to the next DISABLE. A transfer is outstanding from stream_submit() to done().
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

/* Bytes of private data of the engine in a request: enough for a struct iocb. */
#define STREAM_REQUEST_PRIVATE 64

/* One request to the kernel: a transfer, a part of a transfer, or the ZLP after it. */
struct stream_request {
	struct stream_transfer *transfer;
	struct stream_endpoint *ep;
	void *data;
	size_t length;
	bool in_flight;
	_Alignas(8) unsigned char engine[STREAM_REQUEST_PRIVATE]; /* private data of the engine */
};

/* The message for a failure of open(): "cannot WHAT: REASON", and a hint. */
struct stream_failure {
	int error; /* errno; 0 in the last row: any other errno */
	const char *what;
	const char *hint; /* NULL: none */
};

struct stream_engine {
	const char *name;   /* as in engines.h */
	bool explicit_only; /* "auto" skips this engine; it must be requested by name */
	bool page_aligned;  /* each buffer must begin at a page boundary */
	const struct stream_failure *failures;
	/* Sets stream->fd. `requests`: the largest number of requests in flight. Returns 0 or a
	   negative errno: -ENODEV means that this kernel or machine lacks what the engine needs. */
	int (*open)(struct stream *s, unsigned int requests);
	void (*close)(struct stream *s);
	/* Returns page-aligned memory filled with zeros, which release() frees, or NULL and sets
	   errno. */
	void *(*alloc)(struct stream *s, struct stream_endpoint *ep, size_t length);
	void (*release)(struct stream *s, struct stream_endpoint *ep, void *data, size_t length);
	/* Returns how many requests were queued, counted from the first one, or a negative errno if
	   the first one was not queued. */
	int (*submit)(struct stream *s, struct stream_request **requests, unsigned int n);
	/* Asks the kernel to end the request early. The engine still calls stream_complete(). */
	void (*cancel)(struct stream *s, struct stream_request *r);
	/* Returns whether the host has enabled the endpoint. This explains an EAGAIN of submit():
	   if the endpoint is disabled the link is down; if it is enabled it is busy. */
	bool (*enabled)(struct stream *s, struct stream_endpoint *ep);
	/*
	 * Ties the endpoint file to the current session and stores the session's number: later
	 * requests end with -ESHUTDOWN once that session is over. Returns -EAGAIN if the endpoint
	 * is disabled, -ENOTTY if the kernel does not number sessions.
	 */
	int (*join)(struct stream *s, struct stream_endpoint *ep, uint32_t *session);
	/* Returns true if reap() would find a completion. Makes no system call, so it may return
	   false although there is a completion. */
	bool (*has_completions)(struct stream *s);
	/* Calls stream_complete() for every completion; never waits. */
	void (*reap)(struct stream *s);
};

/*
 * The engines of engines.h: stream_engine_copy and so on. open() of mmap returns -ENODEV if the
 * kernel's FunctionFS has no mmap(); open() of dmabuf, if no device that makes DMABUFs was passed.
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
	int fd; /* owned by the caller */
	uint32_t index;
	uint32_t packet_size[FFSCTL_SPEED_SUPER_PLUS + 1]; /* bytes, by enum ffsctl_speed */

	/* The rest is private to stream/. */
	size_t request_limit;  /* bytes of the longest request; reduced when the kernel lacks memory
				*/
	unsigned int refusals; /* consecutive requests that the kernel refused */
	struct stream_transfer *transfers, *free_transfers; /* array of `depth` transfers, allocated
							       by the first stream_get() */
	void *pool;
	void *engine;	    /* private data of the engine */
	bool kernel_copies; /* set by alloc(): the kernel copies the data of these buffers */
	bool fallen_back;   /* set by the engine: the endpoint's transfers are copied */
	struct stream_transfer *head, **tail; /* outstanding transfers, in order */
	bool may_have_requests;		      /* an outstanding transfer may have unsent requests */
	bool request_shut_down; /* a request ended with ESHUTDOWN after the link went down */
};

struct stream_config {
	const struct stream_engine *engine;
	const struct stream_callbacks *callbacks;
	void *user;
	enum ffsctl_mode mode;
	size_t size;	    /* bytes of a buffer */
	unsigned int depth; /* transfers of each endpoint */
	size_t out_length;  /* bytes of every OUT request; 0: as many as the buffer can hold */
	unsigned int
		missing_needs; /* enum stream_needs: engines that need one of these are skipped */
	int dmabuf_fd;	       /* owned by the caller: /dev/udmabuf or a DMA heap; -1: none */
	bool dmabuf_heap;      /* dmabuf_fd is a DMA heap */
};

struct stream {
	struct stream_config config;
	struct stream_endpoint *eps;
	unsigned int n_eps;
	size_t stride; /* distance between the buffers of an endpoint, in bytes */
	int fd;	       /* set by the engine: readable when there are completions */
	void *engine;  /* private data of the engine */

	uint32_t session; /* the kernel's number of the session; 0: the kernel does not number
			     sessions */
	enum ffsctl_speed speed; /* argument of the last call of stream_up() */
	bool up, up_pending;
	bool in_down;	     /* stream_down() is running */
	bool in_flush;	     /* stream_flush() is running: s->batch refers to transfers */
	bool resubmitted;    /* in this session a request of an earlier one was submitted again */
	uint64_t generation; /* number of stream_up() calls so far */
	unsigned int in_flight;	       /* requests in flight */
	unsigned int outstanding;      /* outstanding transfers */
	struct stream_request **batch; /* the requests of one flush */
};

/*
 * Opens a stream. The caller owns the array `eps`, fills in `pub`, `fd` and `packet_size` of each
 * endpoint, and keeps the array until stream_close(). Returns 0, or a negative errno of the
 * engine's open().
 */
int stream_open(struct stream *s, const struct stream_config *config, struct stream_endpoint *eps,
		unsigned int n_eps);
/*
 * Opens a stream with the engine `name`. "auto" tries the engines, the fastest first, until one
 * opens. Stores the last engine that was tried in config->engine. If no engine has that name,
 * returns -EINVAL and stores nothing.
 */
int stream_open_first(struct stream *s, struct stream_config *config, const char *name,
		      struct stream_endpoint *eps, unsigned int n_eps);
void stream_close(struct stream *s);

static inline int stream_fd(const struct stream *s)
{
	return s->fd;
}

/*
 * Reports that the host enabled the function. May be called while the link is up, because the
 * kernel drops a DISABLE that ENABLE follows at once. Returns 0, or -EINVAL if an endpoint has no
 * packet size at that speed.
 */
int stream_up(struct stream *s, enum ffsctl_speed speed);
/* Reports that the host disabled the function or disconnected. */
void stream_down(struct stream *s);

/* See struct ffsctl_calls. */
struct ffsctl_transfer *stream_get(struct stream *s, uint32_t endpoint);
void stream_put(struct stream *s, struct ffsctl_transfer *t);
int stream_submit(struct stream *s, uint32_t endpoint, struct ffsctl_transfer *t);
void stream_cancel(struct stream *s, uint32_t endpoint);

/* Returns how data is moved: "copy" if the engine fell back to copies on all endpoints, "mixed" if
   it did on some of them, else the engine's name. */
const char *stream_method(const struct stream *s);

/* Hands submitted transfers to the kernel. Returns true if the caller must call it again
   before it sleeps. */
bool stream_flush(struct stream *s);
/* Returns true if stream_dispatch() would find a completion, without a system call. */
bool stream_has_completions(struct stream *s);
/* Calls done() for every transfer that has ended. */
void stream_dispatch(struct stream *s);

/* Reports the end of a request; engines call it. `result`: number of bytes, or a negative errno. */
void stream_complete(struct stream *s, struct stream_request *r, long result);
