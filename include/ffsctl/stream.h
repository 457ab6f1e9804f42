/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libffsctl-stream: endpoint I/O for FunctionFS functions, by the engines of ffsctl, in programs
 *that are no plugins. It takes endpoint descriptors, passed by ffsctl (ffsctl-worker(7)) or opened
 *by the program itself, and moves transfers on them: several in flight on each endpoint, in order,
 * with message ends and zero-length packets, over link downs and ups.
 *
 *	cc $(pkg-config --cflags --libs libffsctl-stream) -o mine mine.c
 *
 * A stream belongs to one thread, whose loop it fits into:
 *
 *	for (;;) {
 *		int more = ffsctl_stream_flush(s);
 *
 *		poll(... ffsctl_stream_fd(s), POLLIN ..., more ? 0 : -1);
 *		... ffsctl_stream_dispatch(s) if that is readable, events of the function ...
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

/* Grows at its end; what is not set is 0. */
struct ffsctl_stream_config {
	uint32_t size; /* of this struct */
	enum ffsctl_mode mode;
	const char *engine; /* "copy", "mmap", or "auto": the best that can be had; NULL: auto */
	uint32_t transfer_size; /* bytes in the buffer of a transfer; 0: 65536 */
	uint32_t depth;		/* transfers of each endpoint; 0: 8 */
	uint32_t out_length;	/* not 0: every OUT transfer has exactly this length */
	void *user;		/* of the callbacks, all of which may be NULL */

	/* The link is up, and no transfer of the time before is out. */
	void (*enable)(struct ffsctl_stream *s, void *user);
	/* The link is down: what is out comes back through done() with -ESHUTDOWN. */
	void (*disable)(struct ffsctl_stream *s, void *user);
	/* A transfer is back. NULL: it is put back. */
	void (*done)(struct ffsctl_stream *s, struct ffsctl_transfer *t, void *user);
	/* One line for people, without a newline. */
	void (*log)(struct ffsctl_stream *s, const char *text, void *user);
};
#define FFSCTL_STREAM_CONFIG_HEAD .size = sizeof(struct ffsctl_stream_config)

/* *s is the caller's, to be freed. -EINVAL: the configuration is none. */
FFSCTL_STREAM_API int ffsctl_stream_new(struct ffsctl_stream **s,
					const struct ffsctl_stream_config *config);
/* Takes back what is in flight, without a callback. Not from within one. The descriptors stay. */
FFSCTL_STREAM_API void ffsctl_stream_free(struct ffsctl_stream *s);

/*
 * Before open: an endpoint. Returns its index. The descriptor stays the caller's, and open; it is
 * set to O_NONBLOCK. Nothing else may read from it or write to it.
 */
FFSCTL_STREAM_API int ffsctl_stream_add(struct ffsctl_stream *s, int fd, const char *name);
/* All endpoints that ffsctl has passed to this process, in their order; how many. */
FFSCTL_STREAM_API int ffsctl_stream_add_passed(struct ffsctl_stream *s);
/* Makes the engine. -ENODEV: this kernel has not the one that was asked for. */
FFSCTL_STREAM_API int ffsctl_stream_open(struct ffsctl_stream *s);

/* The name of the engine; NULL before open. */
FFSCTL_STREAM_API const char *ffsctl_stream_engine(const struct ffsctl_stream *s);
FFSCTL_STREAM_API uint32_t ffsctl_stream_n_endpoints(const struct ffsctl_stream *s);
/* NULL: no such index. All but the name is known, and told by the kernel, while the link is up. */
FFSCTL_STREAM_API const struct ffsctl_endpoint *
ffsctl_stream_endpoint(const struct ffsctl_stream *s, uint32_t endpoint);

/* After open: for poll(2) and its kin; readable when there is something to dispatch. */
FFSCTL_STREAM_API int ffsctl_stream_fd(const struct ffsctl_stream *s);
/* Calls back for what has ended. */
FFSCTL_STREAM_API void ffsctl_stream_dispatch(struct ffsctl_stream *s);
/* Hands what was submitted to the kernel: to be called before sleeping. 1: do not sleep, there is
   more. */
FFSCTL_STREAM_API int ffsctl_stream_flush(struct ffsctl_stream *s);

/*
 * The function was enabled: FFSCTL_EVENT_ENABLE, or FUNCTIONFS_ENABLE from ep0. Calls enable(), at
 * once or when the transfers of the time before have come back. -EAGAIN: it is not enabled any
 * more, wait for the next time. -EMSGSIZE: a packet does not fit into transfer_size.
 */
FFSCTL_STREAM_API int ffsctl_stream_enable(struct ffsctl_stream *s);
/* It was disabled or unbound. */
FFSCTL_STREAM_API void ffsctl_stream_disable(struct ffsctl_stream *s);

/* As the calls of those names in plugin.h. */
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
