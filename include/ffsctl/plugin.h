/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plugin interface: a plugin moves the data of one FunctionFS function. It is a shared object
 * that exports one table,
 *
 *	FFSCTL_PLUGIN = {
 *		FFSCTL_PLUGIN_HEAD,
 *		.name = "mine",
 *		.summary = "what it does, in one line",
 *		.mode = FFSCTL_MODE_MESSAGE,
 *		.enable = mine_enable,
 *		.done = mine_done,
 *	};
 *
 * and needs nothing but this header to be built:
 *
 *	cc -shared -fPIC $(pkg-config --cflags ffsctl) -o mine.so mine.c
 *
 * It runs alone in its process, the plugin host ffsctl-worker, in one thread; every callback is
 * called from the host's one loop and has to return soon. All calls go through `host->call`.
 * See ffsctl-plugin(3).
 */
#ifndef FFSCTL_PLUGIN_H
#define FFSCTL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "control.h"

/*
 * Changes only when a plugin built against an older header can no longer run. Everything else
 * grows at the end of the structs, which say their own size; what a side does not know of the
 * other's struct counts as 0.
 */
#define FFSCTL_PLUGIN_VERSION 1

#ifdef __cplusplus
extern "C" {
#define FFSCTL_EXTERN_C extern "C"
#else
#define FFSCTL_EXTERN_C extern
#endif

struct ffsctl_host;

enum ffsctl_option_type {
	FFSCTL_OPTION_STRING = 1,
	FFSCTL_OPTION_BOOL = 2, /* "true", "false" */
	FFSCTL_OPTION_INT = 3,	/* decimal or 0x hex, 64 bits, signed */
	FFSCTL_OPTION_FLOAT = 4,
	FFSCTL_OPTION_SIZE = 5, /* bytes: an integer, or "64K", "16M", "1G" (powers of 1024) */
};

/* One setting of the gadget file's `options` group. */
struct ffsctl_option {
	const char *name; /* NULL ends the table */
	enum ffsctl_option_type type;
	uint32_t required;	    /* 1: the gadget file has to give it */
	const char *default_value;  /* as it would stand in the gadget file; NULL: none */
	const char *doc;	    /* one line for people */
	int64_t min, max;	    /* of INT and SIZE, both included; both 0: any */
	const char *const *choices; /* of STRING: ends with NULL; NULL: any text */
};

/* What the sandbox has to leave open. */
enum ffsctl_need {
	FFSCTL_NEED_NETWORK = 1 << 0,  /* sockets other than `control` */
	FFSCTL_NEED_FILES = 1 << 1,    /* opens files for writing */
	FFSCTL_NEED_PROGRAMS = 1 << 2, /* starts programs */
};

enum ffsctl_mode {
	/* Bytes without borders: FFSCTL_END is neither set nor heeded, no ZLP is ever sent. */
	FFSCTL_MODE_STREAM = 1,
	/* A message ends with a packet shorter than the endpoint's packet size; where its length is
	   a multiple of that, with a zero-length packet (USB 2.0, 5.8.3). */
	FFSCTL_MODE_MESSAGE = 2,
};

enum ffsctl_endpoint_type {
	FFSCTL_ENDPOINT_ISO = 1, /* same numbers as USB_ENDPOINT_XFER_* (linux/usb/ch9.h) */
	FFSCTL_ENDPOINT_BULK = 2,
	FFSCTL_ENDPOINT_INTERRUPT = 3,
};

enum ffsctl_direction {
	FFSCTL_OUT = 0, /* host to gadget */
	FFSCTL_IN = 1,
};

struct ffsctl_endpoint {
	const char *name; /* "ep1-in", or what the gadget file calls it */
	uint32_t address; /* as in the gadget file; bit 7: IN. A UDC may use another on the bus */
	enum ffsctl_endpoint_type type;
	enum ffsctl_direction direction;
	uint32_t max_packet; /* bytes, at the speed of the link; 0 while it is down */
};

enum ffsctl_transfer_flags {
	/* OUT, set at done: the message ended here. IN, heeded at submit: end the message here; the
	   host adds the ZLP where one is needed. Only in FFSCTL_MODE_MESSAGE. */
	FFSCTL_END = 1 << 0,
};

/*
 * One transfer and its buffer, which the engine owns. It is the plugin's from get() or done()
 * until submit() or put(). It may be submitted on any endpoint of the function; the one it was
 * taken for is where an engine can do without a copy.
 */
struct ffsctl_transfer {
	void *data;
	size_t capacity; /* bytes at `data`: host->transfer_size */
	size_t length;	/* IN: bytes to send, set before submit. OUT: bytes received, set at done */
	uint32_t flags; /* enum ffsctl_transfer_flags */
	uint32_t endpoint; /* index it was submitted on last (before that: taken for) */
	/* At done: 0; -ESHUTDOWN: the link went down, wait for enable(); -ECANCELED: cancel();
	   another negative errno: the kernel refused it or the controller failed it. */
	int status;
	void *user; /* the plugin's own; NULL at first */
};

/* USB 2.0, 9.3, in the byte order of this machine. */
struct ffsctl_setup {
	uint8_t request_type, request;
	uint16_t value, index, length;
};

/*
 * A descriptor of the plugin's (a socket, a pipe) in the host's loop. The plugin owns the struct
 * and the descriptor; both stay until unwatch(). Zero it, then fill in the first four.
 */
struct ffsctl_watch {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT (epoll_ctl(2)); level-triggered; 0: only errors */
	/* `events` as epoll_wait(2) reports them; EPOLLERR and EPOLLHUP come unasked. */
	void (*ready)(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events);
	void *user;
	uint64_t of_host; /* the host's own; 0 while it is not watched */
};

/* A moment to come, in the host's loop. As above: zero it, fill in the first two. */
struct ffsctl_timer {
	void (*fired)(struct ffsctl_host *host, struct ffsctl_timer *t);
	void *user;
	struct ffsctl_timer *next; /* the host's own, as is the rest */
	uint64_t due;
	uint32_t running;
};

enum ffsctl_log_level {
	FFSCTL_LOG_ERROR = 1,
	FFSCTL_LOG_NOTE = 2,
};

/* What a plugin may call. Calls that can fail return a negative errno. */
struct ffsctl_calls {
	uint32_t version; /* FFSCTL_PLUGIN_VERSION */
	uint32_t size;	  /* of this struct */

	/* Takes one of the endpoint's `depth` transfers; NULL: all are taken. */
	struct ffsctl_transfer *(*get)(struct ffsctl_host *host, uint32_t endpoint);
	void (*put)(struct ffsctl_host *host, struct ffsctl_transfer *t);

	/*
	 * Queues a transfer; an endpoint's transfers go out and come back in the order of
	 * submission. OUT asks for as much as the buffer holds in whole packets. On 0 the transfer
	 * comes back through done(). -ESHUTDOWN: the link is down; the transfer stays the plugin's.
	 */
	int (*submit)(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t);
	/* Takes back all transfers of an endpoint: each comes through done(), -ECANCELED if it had
	   not finished. What an OUT transfer had received by then is lost. */
	void (*cancel)(struct ffsctl_host *host, uint32_t endpoint);

	/*
	 * Answers to setup(), one for each `id`, at once or later, within 500 ms: after that the
	 * request has been stalled. accept() is for a request without data, or for one with OUT
	 * data, which then comes through setup_data(). reply() sends IN data, at most setup.length
	 * bytes.
	 */
	int (*accept)(struct ffsctl_host *host, uint32_t id);
	int (*stall)(struct ffsctl_host *host, uint32_t id);
	int (*reply)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);

	/* Values of the options; the default where the gadget file has none. Asking for a name that
	   is not in the table, or for another type, is a bug in the plugin and ends the process. */
	const char *(*option_string)(struct ffsctl_host *host, const char *name); /* may be NULL */
	int64_t (*option_int)(struct ffsctl_host *host, const char *name); /* BOOL, INT, SIZE */
	double (*option_float)(struct ffsctl_host *host, const char *name);

	/* One line for people, without a newline; it goes to `ffsctl log`. */
	void (*log)(struct ffsctl_host *host, enum ffsctl_log_level level, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

	void (*ready)(struct ffsctl_host *host);		  /* see late_ready */
	int (*stats)(struct ffsctl_host *host, const char *json); /* for `ffsctl status` */
	/*
	 * Asks to become another gadget, one of `switch_to` in the gadget file. What the plugin has
	 * answered to the host before reaches it first. `json`: an object for the workers of that
	 * gadget, in "switch" of their configuration; NULL: none. If it comes to it stop() is
	 * called; if not, `ffsctl log` says why.
	 */
	int (*switch_to)(struct ffsctl_host *host, const char *gadget, const char *json);
	/* Ends the process after the callback has returned: 0, or 125 for "do not restart me", or
	   anything else for "restart me by policy". */
	void (*exit)(struct ffsctl_host *host, int status);

	/*
	 * watch() begins to watch w->fd, or goes on with other w->events. -EPERM: a file that is
	 * always ready (a regular one). unwatch() comes before close(); it may be called by any
	 * callback, and for what is not watched. No ready() follows it.
	 */
	int (*watch)(struct ffsctl_host *host, struct ffsctl_watch *w);
	void (*unwatch)(struct ffsctl_host *host, struct ffsctl_watch *w);

	/* t->fired() is called once, `ms` milliseconds from now (CLOCK_MONOTONIC) or a little
	   later. What runs already is set anew. */
	void (*timer_start)(struct ffsctl_host *host, struct ffsctl_timer *t, uint32_t ms);
	void (*timer_stop)(struct ffsctl_host *host, struct ffsctl_timer *t);
};

/* One for each process. Read-only to the plugin but for `state`. */
struct ffsctl_host {
	uint32_t size; /* of this struct */
	const struct ffsctl_calls *call;
	void *state; /* the plugin's own; NULL at first */
	const char *gadget, *function, *mount;
	const struct ffsctl_endpoint *const *endpoints; /* n_endpoints, in descriptor order */
	uint32_t n_endpoints;
	uint32_t transfer_size;	 /* bytes in the buffer of a transfer */
	uint32_t depth;		 /* transfers of each endpoint */
	enum ffsctl_speed speed; /* FFSCTL_SPEED_UNKNOWN while the link is down */
};

struct ffsctl_plugin {
	uint32_t version; /* FFSCTL_PLUGIN_VERSION */
	uint32_t size;	  /* of this struct */
	const char *name;
	const char *summary;		     /* one line */
	const struct ffsctl_option *options; /* NULL: none */
	uint32_t needs;			     /* enum ffsctl_need */
	enum ffsctl_mode mode;
	uint32_t transfer_size; /* default of io.size, bytes; 0: 65536 */
	uint32_t depth;		/* default of io.depth; 0: 8 */
	/* Not 0: every OUT transfer has exactly this length. Engines that cannot tell how much
	   arrived (DMABUF) serve OUT only then. */
	uint32_t out_length;
	/* 1: the plugin calls ready() when the function may go on the bus. 0: it is ready when
	   start() has returned. */
	uint32_t late_ready;

	/*
	 * All may be NULL. start() is called once, before anything else: 0, or a negative errno
	 * after a line of log, which ends the process with 125.
	 */
	int (*start)(struct ffsctl_host *host);
	/* The link is up. No transfer of the time before is still out. */
	void (*enable)(struct ffsctl_host *host);
	/* The link is down: what is out comes back through done() with -ESHUTDOWN. */
	void (*disable)(struct ffsctl_host *host);
	/* A transfer is back. */
	void (*done)(struct ffsctl_host *host, struct ffsctl_transfer *t);
	/* A control request to the function. Without this callback all are stalled. */
	void (*setup)(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup);
	/* The OUT data of the accepted request `id`; valid during the call. */
	void (*setup_data)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);
	/* bind, unbind, suspend, resume; others may come. */
	void (*event)(struct ffsctl_host *host, enum ffsctl_event_type event);
	/* Finish, then call exit(); the supervisor waits for stop_timeout. Without this callback
	   the process ends at once. */
	void (*stop)(struct ffsctl_host *host);
};

#define FFSCTL_PLUGIN_SYMBOL "ffsctl_plugin"
#define FFSCTL_PLUGIN_HEAD .version = FFSCTL_PLUGIN_VERSION, .size = sizeof(struct ffsctl_plugin)

/* The definition of the one symbol that a plugin exports. */
#define FFSCTL_PLUGIN                                                                              \
	FFSCTL_EXTERN_C __attribute__((visibility("default")))                                     \
	const struct ffsctl_plugin ffsctl_plugin;                                                  \
	const struct ffsctl_plugin ffsctl_plugin

#ifdef __cplusplus
}
#endif

#endif
