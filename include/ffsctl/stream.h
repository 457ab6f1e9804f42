/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libffsctl-stream: endpoint I/O for FunctionFS functions, with the engines of ffsctl, for programs
 * that are not plugins. It takes endpoint file descriptors, passed by ffsctl (ffsctl-worker(7)) or
 * opened by the program, and moves transfers on them: several in flight on each endpoint, in order,
 * with message ends and zero-length packets, also if the host disables and enables the function.
 *
 *	cc $(pkg-config --cflags --libs libffsctl-stream) -o mine mine.c
 *
 * A stream must be used by one thread only. Its event loop looks like this:
 *
 *	for (;;) {
 *		int more = ffsctl_stream_flush(s);
 *
 *		poll(... ffsctl_stream_fd(s), POLLIN ..., more ? 0 : -1);
 *		... ffsctl_stream_dispatch(s) if the fd is readable; events of the function ...
 *	}
 *
 * Calls that can fail return a negative errno. See ffsctl-stream(3).
 */
#ifndef FFSCTL_STREAM_H
#define FFSCTL_STREAM_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FFSCTL_STREAM_API __attribute__((visibility("default")))

struct ffsctl_stream;

/* Later versions add members at the end. Members that are not set must be 0. */
struct ffsctl_stream_config {
	uint32_t size; /* of this struct */
	enum ffsctl_mode mode;
	/* A name of ffsctl-stream(3), or "auto": the fastest that the kernel has; NULL: auto. */
	const char *engine;
	uint32_t transfer_size; /* bytes in the buffer of a transfer; 0: 65536 */
	uint32_t depth;		/* transfers of each endpoint; 0: 8 */
	uint32_t out_length;	/* bytes of every OUT transfer; 0: not fixed */
	void *user;		/* argument of the callbacks */

	/* Callbacks; all may be NULL.
	   The link is up: the host has enabled the function. All earlier transfers have ended. */
	void (*enable)(struct ffsctl_stream *s, void *user);
	/* The link is down. Every submitted transfer ends in done() with -ESHUTDOWN. */
	void (*disable)(struct ffsctl_stream *s, void *user);
	/* A submitted transfer has ended. NULL: the library calls put(). */
	void (*done)(struct ffsctl_stream *s, struct ffsctl_transfer *t, void *user);
	/* A message of one line, without a newline. */
	void (*log)(struct ffsctl_stream *s, const char *text, void *user);
};
#define FFSCTL_STREAM_CONFIG_HEAD .size = sizeof(struct ffsctl_stream_config)

/* Stores a new stream in *s, which the caller frees. -EINVAL: a value of `config` is invalid. */
FFSCTL_STREAM_API int ffsctl_stream_new(struct ffsctl_stream **s,
					const struct ffsctl_stream_config *config);
/* Cancels what is in flight and frees the stream, without a callback. Must not be called in a
   callback. The endpoint descriptors stay open. */
FFSCTL_STREAM_API void ffsctl_stream_free(struct ffsctl_stream *s);

/*
 * Adds an endpoint and returns its index. -EBUSY: the stream is open already. The caller owns `fd`
 * and keeps it open; it becomes O_NONBLOCK. Nothing else may read from it or write to it.
 */
FFSCTL_STREAM_API int ffsctl_stream_add(struct ffsctl_stream *s, int fd, const char *name);
/* Adds all endpoints that ffsctl passed to this process, in their order; returns their number. */
FFSCTL_STREAM_API int ffsctl_stream_add_passed(struct ffsctl_stream *s);
/* Opens the engine. -ENODEV: this kernel does not support it. */
FFSCTL_STREAM_API int ffsctl_stream_open(struct ffsctl_stream *s);

/* Returns the name of the engine; NULL before open. */
FFSCTL_STREAM_API const char *ffsctl_stream_engine(const struct ffsctl_stream *s);
/* Returns the number of endpoints. */
FFSCTL_STREAM_API uint32_t ffsctl_stream_n_endpoints(const struct ffsctl_stream *s);
/* Returns an endpoint; NULL if there is no such index. Members other than `name` are read from the
   kernel and valid only while the link is up. */
FFSCTL_STREAM_API const struct ffsctl_endpoint *
ffsctl_stream_endpoint(const struct ffsctl_stream *s, uint32_t endpoint);

/* Returns the descriptor for poll(2): readable when there is something to dispatch. -EINVAL: the
   stream is not open. */
FFSCTL_STREAM_API int ffsctl_stream_fd(const struct ffsctl_stream *s);
/* Calls done() for every transfer that has ended. */
FFSCTL_STREAM_API void ffsctl_stream_dispatch(struct ffsctl_stream *s);
/* Hands submitted transfers to the kernel; call it before sleeping. 1: call it again before
   sleeping. */
FFSCTL_STREAM_API int ffsctl_stream_flush(struct ffsctl_stream *s);

/*
 * Reports that the host enabled the function (FFSCTL_EVENT_ENABLE, or FUNCTIONFS_ENABLE from ep0).
 * Calls enable(), at once or after all earlier transfers have ended. -EAGAIN: the function is
 * disabled again, wait for the next event. -EMSGSIZE: transfer_size is less than a packet.
 */
FFSCTL_STREAM_API int ffsctl_stream_enable(struct ffsctl_stream *s);
/* Reports that the function was disabled or unbound. */
FFSCTL_STREAM_API void ffsctl_stream_disable(struct ffsctl_stream *s);

/* Do the same as the calls of these names in plugin.h. */
FFSCTL_STREAM_API struct ffsctl_transfer *ffsctl_stream_get(struct ffsctl_stream *s,
							    uint32_t endpoint);
FFSCTL_STREAM_API void ffsctl_stream_put(struct ffsctl_stream *s, struct ffsctl_transfer *t);
FFSCTL_STREAM_API int ffsctl_stream_submit(struct ffsctl_stream *s, uint32_t endpoint,
					   struct ffsctl_transfer *t);
FFSCTL_STREAM_API void ffsctl_stream_cancel(struct ffsctl_stream *s, uint32_t endpoint);

#ifdef __cplusplus
}
#endif

#endif
