/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libffsctl-stream moves the data of FunctionFS endpoints, with the engines of ffsctl, for programs
 * that are not plugins. A program adds endpoints to a stream: their file descriptors, which ffsctl
 * has passed to the program (ffsctl-worker(7)) or which the program has opened. The library keeps
 * several transfers of each endpoint in flight. They complete in the order of submission. The
 * library also handles the ends of messages and zero-length packets, and what must be done when the
 * host disables or enables the function. To compile a program:
 *
 *	cc $(pkg-config --cflags --libs libffsctl-stream) -o mine mine.c
 *
 * Only one thread may use a stream. The event loop of the thread looks like this:
 *
 *	for (;;) {
 *		int more = ffsctl_stream_flush(s);
 *
 *		poll(... ffsctl_stream_fd(s), POLLIN ..., more ? 0 : -1);
 *		... ffsctl_stream_dispatch(s) if the fd is readable
 *		... ffsctl_stream_handle_event(s, ...) for each event of the function
 *	}
 *
 * Calls that can fail return a negative errno. See ffsctl-stream(3).
 */
#ifndef FFSCTL_STREAM_H
#define FFSCTL_STREAM_H

#include "control.h"
#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FFSCTL_STREAM_API __attribute__((visibility("default")))

struct ffsctl_stream;

/* Settings of a stream. Later versions may add members at the end of this struct. Members that
   the program does not set must be 0. */
struct ffsctl_stream_config {
	uint32_t size; /* size of this struct in bytes */
	enum ffsctl_framing framing;
	/* Name of an engine (ffsctl-stream(3)); "auto" or NULL: the fastest engine that the
	   kernel supports. */
	const char *engine;
	uint32_t transfer_size; /* size of the buffer of each transfer in bytes; 0: 65536 */
	uint32_t transfers_per_endpoint; /* 0: 8 */
	uint32_t out_transfer_length;	 /* length in bytes of each OUT transfer; 0: the lengths may
					    differ */
	void *user;			 /* last argument of the callbacks */

	/* enable() and the following members are callbacks; each of them may be NULL. enable(): the
	   link is up, because the host has enabled the function. All earlier transfers have ended.
	 */
	void (*enable)(struct ffsctl_stream *s, void *user);
	/* The link is down. done() is called for each submitted transfer, with the status
	   -ESHUTDOWN. */
	void (*disable)(struct ffsctl_stream *s, void *user);
	/* A submitted transfer has ended. If done is NULL, the library calls
	   ffsctl_stream_release_transfer() for the transfer. */
	void (*done)(struct ffsctl_stream *s, struct ffsctl_transfer *t, void *user);
	/* The library reports a message for the log: one line without a newline. */
	void (*log)(struct ffsctl_stream *s, const char *text, void *user);
};
#define FFSCTL_STREAM_CONFIG_HEAD .size = sizeof(struct ffsctl_stream_config)

/* Creates a stream and stores it in *s. The caller frees the stream with ffsctl_stream_free().
   Returns -EINVAL if a member of `config` is invalid. */
FFSCTL_STREAM_API int ffsctl_stream_new(struct ffsctl_stream **s,
					const struct ffsctl_stream_config *config);
/* Cancels all transfers and frees the stream. This function calls no callback, and must not be
   called in a callback. The file descriptors of the endpoints stay open. */
FFSCTL_STREAM_API void ffsctl_stream_free(struct ffsctl_stream *s);

/*
 * Adds the endpoint that has the file descriptor `fd`. Returns the index of the endpoint, or -EBUSY
 * if ffsctl_stream_open() was called before. The caller owns `fd` and must keep it open. This
 * function sets O_NONBLOCK on `fd`. Only the library may read from `fd` and write to it.
 */
FFSCTL_STREAM_API int ffsctl_stream_add_endpoint(struct ffsctl_stream *s, int fd, const char *name);
/* Adds all endpoints whose file descriptors ffsctl has passed to this process, in the order of
   the endpoint descriptors. Returns the number of endpoints. */
FFSCTL_STREAM_API int ffsctl_stream_add_passed_endpoints(struct ffsctl_stream *s);
/* Opens the engine of the stream. Returns -ENODEV if the kernel does not support the engine. */
FFSCTL_STREAM_API int ffsctl_stream_open(struct ffsctl_stream *s);

/* Returns the name of the engine; NULL before ffsctl_stream_open(). */
FFSCTL_STREAM_API const char *ffsctl_stream_engine(const struct ffsctl_stream *s);
/* Returns the number of endpoints. */
FFSCTL_STREAM_API uint32_t ffsctl_stream_n_endpoints(const struct ffsctl_stream *s);
/* Returns the endpoint with this index; NULL if there is none. Members other than `name` are read
   from the kernel; they are valid only while the link is up. */
FFSCTL_STREAM_API const struct ffsctl_endpoint *
ffsctl_stream_endpoint(const struct ffsctl_stream *s, uint32_t endpoint);

/* Returns a file descriptor for poll(2), which becomes readable when a transfer has ended;
   -EINVAL if ffsctl_stream_open() was not called. */
FFSCTL_STREAM_API int ffsctl_stream_fd(const struct ffsctl_stream *s);
/* Calls done() for every transfer that has ended. */
FFSCTL_STREAM_API void ffsctl_stream_dispatch(struct ffsctl_stream *s);
/* Hands submitted transfers to the kernel. The program must call this function before it waits
   for events. Returns 1 if the program must call it again before it waits, else 0. */
FFSCTL_STREAM_API int ffsctl_stream_flush(struct ffsctl_stream *s);

/*
 * The program calls ffsctl_stream_enable() when the host has enabled the function
 * (FFSCTL_EVENT_ENABLE, or FUNCTIONFS_ENABLE from ep0). The library calls enable(), at once or
 * after all earlier transfers have ended. Returns -EAGAIN if the host has disabled the function
 * meanwhile: the program must wait for the next event. Returns -EMSGSIZE if the packet size of an
 * endpoint is larger than transfer_size.
 */
FFSCTL_STREAM_API int ffsctl_stream_enable(struct ffsctl_stream *s);
/* The program calls ffsctl_stream_disable() when the host has disabled the function, or when the
   gadget was unbound. */
FFSCTL_STREAM_API void ffsctl_stream_disable(struct ffsctl_stream *s);
/*
 * Does what must be done at an event of the function: calls ffsctl_stream_enable() at ENABLE and
 * ffsctl_stream_disable() at DISABLE and UNBIND. Only this function lets the library keep to
 * `max_transfer` of ENABLE, and hold transfers back between SUSPEND and RESUME: the drivers of some
 * UDCs (dwc2_hsotg_ep_queue() in drivers/usb/dwc2/gadget.c) refuse requests then, which otherwise
 * fail with -EAGAIN. `event` is the body of FFSCTL_MSG_EVENT. A program that reads ep0 itself sets
 * the member `event` to `type` of struct usb_functionfs_event, and the others to 0. Events of other
 * types have no effect. Returns the result of ffsctl_stream_enable() at ENABLE, else 0. Since
 * libffsctl-stream 0.4.0.
 */
FFSCTL_STREAM_API int ffsctl_stream_handle_event(struct ffsctl_stream *s,
						 const struct ffsctl_event *event);

/* These functions do the same as get_transfer(), release_transfer(), submit() and cancel() of
   struct ffsctl_calls in plugin.h. */
FFSCTL_STREAM_API struct ffsctl_transfer *ffsctl_stream_get_transfer(struct ffsctl_stream *s,
								     uint32_t endpoint);
FFSCTL_STREAM_API void ffsctl_stream_release_transfer(struct ffsctl_stream *s,
						      struct ffsctl_transfer *t);
FFSCTL_STREAM_API int ffsctl_stream_submit(struct ffsctl_stream *s, uint32_t endpoint,
					   struct ffsctl_transfer *t);
FFSCTL_STREAM_API void ffsctl_stream_cancel(struct ffsctl_stream *s, uint32_t endpoint);

#ifdef __cplusplus
}
#endif

#endif
