/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libffsctl-stream: endpoint I/O for FunctionFS functions, with the engines of ffsctl, for programs
 * that are not plugins. A program adds file descriptors of endpoints, which ffsctl passed to it
 * (ffsctl-worker(7)) or which it has opened. The library moves transfers on them. Several transfers
 *of an endpoint are in flight and complete in order. The library handles the ends of messages,
 * zero-length packets, and the host's disabling and enabling of the function.
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

/* Later versions add members at the end. Members that the program does not set must be 0. */
struct ffsctl_stream_config {
	uint32_t size; /* of this struct */
	enum ffsctl_mode mode;
	/* Name of an engine (ffsctl-stream(3)), or "auto" for the fastest engine that the kernel
	   supports; NULL: "auto". */
	const char *engine;
	uint32_t transfer_size; /* bytes in the buffer of a transfer; 0: 65536 */
	uint32_t depth;		/* number of transfers of each endpoint; 0: 8 */
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

/* Stores a new stream in *s, which the caller frees with ffsctl_stream_free(). Returns -EINVAL if a
   value of `config` is invalid. */
FFSCTL_STREAM_API int ffsctl_stream_new(struct ffsctl_stream **s,
					const struct ffsctl_stream_config *config);
/* Cancels all transfers and frees the stream. Calls no callback, and must not be called in a
   callback. The endpoint descriptors stay open. */
FFSCTL_STREAM_API void ffsctl_stream_free(struct ffsctl_stream *s);

/*
 * Adds an endpoint and returns its index, or -EBUSY if the stream is open already. The caller owns
 * `fd` and must keep it open. The function sets O_NONBLOCK on `fd`. Nothing else may read from `fd`
 * or write to it.
 */
FFSCTL_STREAM_API int ffsctl_stream_add(struct ffsctl_stream *s, int fd, const char *name);
/* Adds all endpoints that ffsctl passed to this process, in the order of their descriptors. Returns
   the number of endpoints. */
FFSCTL_STREAM_API int ffsctl_stream_add_passed(struct ffsctl_stream *s);
/* Opens the engine. Returns -ENODEV if the kernel does not support this engine. */
FFSCTL_STREAM_API int ffsctl_stream_open(struct ffsctl_stream *s);

/* Returns the name of the engine; NULL before ffsctl_stream_open(). */
FFSCTL_STREAM_API const char *ffsctl_stream_engine(const struct ffsctl_stream *s);
/* Returns the number of endpoints. */
FFSCTL_STREAM_API uint32_t ffsctl_stream_n_endpoints(const struct ffsctl_stream *s);
/* Returns the endpoint with this index; NULL if there is none. Members other than `name` are read
   from the kernel; they are valid only while the link is up. */
FFSCTL_STREAM_API const struct ffsctl_endpoint *
ffsctl_stream_endpoint(const struct ffsctl_stream *s, uint32_t endpoint);

/* Returns the descriptor for poll(2), which becomes readable when a transfer has ended; -EINVAL if
   the stream is not open. */
FFSCTL_STREAM_API int ffsctl_stream_fd(const struct ffsctl_stream *s);
/* Calls done() for every transfer that has ended. */
FFSCTL_STREAM_API void ffsctl_stream_dispatch(struct ffsctl_stream *s);
/* Hands submitted transfers to the kernel. Call it before you wait for events. Returns 1 if it must
   be called again before that, else 0. */
FFSCTL_STREAM_API int ffsctl_stream_flush(struct ffsctl_stream *s);

/*
 * Reports that the host enabled the function (FFSCTL_EVENT_ENABLE, or FUNCTIONFS_ENABLE from ep0).
 * Calls enable(), at once or after all earlier transfers have ended. Returns -EAGAIN if the
 * function is disabled again: wait for the next event. Returns -EMSGSIZE if a packet is longer than
 * transfer_size.
 */
FFSCTL_STREAM_API int ffsctl_stream_enable(struct ffsctl_stream *s);
/* Reports that the host has disabled the function, or that the gadget was unbound. */
FFSCTL_STREAM_API void ffsctl_stream_disable(struct ffsctl_stream *s);

/* These functions do the same as the calls with the same names in plugin.h. */
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
