/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Endpoint I/O for one FunctionFS function: transfers with buffers of the engine's, several in
 * flight on each endpoint, delivered in order, over link downs and ups.
 *
 * stream.c is the part that all engines share: queues, order, message ends, what a link down and
 * a kernel short of memory do to them. An engine (aio.c) only moves single requests.
 *
 * One thread. The owner watches stream_fd() (edge-triggered), calls stream_dispatch() when it is
 * readable and stream_flush() before it sleeps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ffsctl/plugin.h"

struct stream;
struct stream_endpoint;
struct stream_transfer;

/* An engine's own bytes in a request: as many as a struct iocb has. */
#define STREAM_REQUEST_ROOM 64

/* One request to the kernel: a transfer, a part of one, or the ZLP after one. */
struct stream_request {
	struct stream_transfer *transfer;
	struct stream_endpoint *ep;
	void *data;
	size_t length;
	bool in_flight;
	_Alignas(8) unsigned char engine[STREAM_REQUEST_ROOM]; /* the engine's own */
};

struct stream_engine {
	const char *name;
	bool by_name;	/* only for who asks for it: "auto" does not take it */
	bool own_pages; /* each buffer has to begin on a page of its own */
	/* `requests`: the most that will be in flight. Sets stream->fd. */
	int (*open)(struct stream *s, unsigned int requests);
	void (*close)(struct stream *s);
	/* Page-aligned, zeroed; NULL with errno. Freed by release(). */
	void *(*alloc)(struct stream *s, struct stream_endpoint *ep, size_t length);
	void (*release)(struct stream *s, struct stream_endpoint *ep, void *data, size_t length);
	/* How many of the requests were queued, from the first; negative errno: not even that one.
	 */
	int (*submit)(struct stream *s, struct stream_request **requests, unsigned int n);
	/* The request comes back through stream_complete() all the same, sooner. */
	void (*cancel)(struct stream *s, struct stream_request *r);
	/* Whether the host has the endpoint enabled: what tells one EAGAIN from the other. */
	bool (*enabled)(struct stream *s, struct stream_endpoint *ep);
	/*
	 * Has the endpoint take part in the link that there is now, and in no later one: what is
	 * submitted then ends with -ESHUTDOWN. Stores the link's number. -EAGAIN: there is none.
	 * -ENOTTY: the kernel cannot do that, which the stream has to live with.
	 */
	int (*join)(struct stream *s, struct stream_endpoint *ep, uint32_t *session);
	/* Whether reap() has something to do, without asking the kernel; false: not known so. */
	bool (*ended)(struct stream *s);
	/* Calls stream_complete() for what has ended; never waits. */
	void (*reap)(struct stream *s);
};

/* -ENODEV at open: this kernel's FunctionFS has it not (mmap), or there is nobody to make DMABUFs.
 */
extern const struct stream_engine stream_engine_mmap;
extern const struct stream_engine stream_engine_dmabuf;
extern const struct stream_engine stream_engine_copy;

struct stream_callbacks {
	void (*up)(void *user);	  /* the link is up and nothing of the time before is out */
	void (*down)(void *user); /* what is out comes back with -ESHUTDOWN */
	void (*done)(void *user, struct ffsctl_transfer *t);
	void (*say)(void *user, const char *text); /* one line for people */
};

struct stream_endpoint {
	struct ffsctl_endpoint pub;
	int fd; /* borrowed */
	uint32_t index;
	uint32_t packet[FFSCTL_SPEED_SUPER_PLUS + 1]; /* max packet size by enum ffsctl_speed */

	/* The rest is the stream's own. */
	size_t limit; /* longest single request; shrinks when the kernel has no memory */
	unsigned int refused;
	struct stream_transfer *transfers, *idle; /* pool of `depth`; made at the first get */
	void *pool;
	void *engine;	   /* the engine's own */
	bool needs_memory; /* set by alloc(): of a request in its buffers the kernel makes a copy */
	bool fallen_back;  /* set by the engine: it cannot move its transfers as it should */
	struct stream_transfer *head, **tail; /* submitted and not delivered, in order */
	bool dirty;			      /* something of it may be sent now */
	bool shut; /* since the link is down a request has ended because of that */
};

struct stream_config {
	const struct stream_engine *engine;
	const struct stream_callbacks *callbacks;
	void *user;
	enum ffsctl_mode mode;
	size_t size; /* bytes in a buffer */
	unsigned int depth;
	size_t out_length; /* of every OUT request; 0: as much as fits */
	int dmabuf_fd;	   /* borrowed: /dev/udmabuf or a DMA heap; -1: none */
	bool dmabuf_heap;  /* which of them it is */
};

struct stream {
	struct stream_config config;
	struct stream_endpoint *eps;
	unsigned int n_eps;
	size_t stride; /* from one buffer of a pool to the next */
	int fd;	       /* set by the engine: readable when reap() has something to do */
	void *engine;  /* the engine's own */

	uint32_t session;	 /* the kernel's number of the link; 0: it does not number them */
	enum ffsctl_speed speed; /* of the last stream_up() */
	bool up, up_pending;
	bool leaving;	 /* within stream_down() */
	bool sending;	 /* within stream_flush(): s->batch refers to transfers */
	bool sent_again; /* since it is up: a request that had ended with the last link, perhaps */
	uint64_t generation; /* stream_up() calls so far */
	unsigned int in_flight, undelivered;
	struct stream_request **batch; /* room for one flush */
};

/*
 * `eps` are the caller's and stay where they are until stream_close(); pub, fd, index and packet
 * are filled in. Returns 0 or a negative errno of the engine's open.
 */
int stream_open(struct stream *s, const struct stream_config *config, struct stream_endpoint *eps,
		unsigned int n_eps);
/*
 * The same with the first of `engines` (NULL ends them) that can be had and is called `name`, or is
 * good for "auto". config->engine is the last one that was tried; NULL: none is called so, -EINVAL.
 */
int stream_open_first(struct stream *s, struct stream_config *config,
		      const struct stream_engine *const *engines, const char *name,
		      struct stream_endpoint *eps, unsigned int n_eps);
void stream_close(struct stream *s);

static inline int stream_fd(const struct stream *s)
{
	return s->fd;
}

/*
 * The host enabled the function. May come again while the link is up, and before anything else.
 * -EINVAL: an endpoint has no packet size at that speed.
 */
int stream_up(struct stream *s, enum ffsctl_speed speed);
/* The host disabled it, or went away. */
void stream_down(struct stream *s);

/* See struct ffsctl_calls. */
struct ffsctl_transfer *stream_get(struct stream *s, uint32_t endpoint);
void stream_put(struct stream *s, struct ffsctl_transfer *t);
int stream_submit(struct stream *s, uint32_t endpoint, struct ffsctl_transfer *t);
void stream_cancel(struct stream *s, uint32_t endpoint);

/* How data moves, in a word: the engine's name; "copy" if it had to give up, "mixed" on some
   endpoints. */
const char *stream_way(const struct stream *s);

/* Hands what was submitted to the kernel. True: there is more, call again before sleeping. */
bool stream_flush(struct stream *s);
/* Whether stream_dispatch() has something to do already, which saves waiting for stream_fd(). */
bool stream_ended(struct stream *s);
/* Delivers what has ended. */
void stream_dispatch(struct stream *s);

/* For engines: `r` has ended with a byte count or a negative errno. */
void stream_complete(struct stream *s, struct stream_request *r, long result);
