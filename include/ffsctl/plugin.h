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
 * This header is all it needs to build:
 *
 *	cc -shared -fPIC $(pkg-config --cflags ffsctl) -o mine.so mine.c
 *
 * A plugin is the only one in its process, the plugin host ffsctl-worker. The process has one
 * thread and one event loop, which calls every callback; a callback must not wait. The plugin calls
 * the plugin host through `host->call`. See ffsctl-plugin(3).
 */
#ifndef FFSCTL_PLUGIN_H
#define FFSCTL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "control.h"

/*
 * Version of the plugin interface. It changes only if plugins built with an older header can no
 * longer run. Other changes add members at the end of structs, which carry their own size; a member
 * that the other side's struct does not have counts as 0.
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
	uint32_t required;	    /* 1: the gadget file must set it */
	const char *default_value;  /* in the syntax of the gadget file; NULL: none */
	const char *doc;	    /* one line of documentation */
	int64_t min, max;	    /* limits of INT and SIZE, inclusive; both 0: no limits */
	const char *const *choices; /* values of STRING, ended by NULL; NULL: any text */
};

/* What the sandbox must permit. */
enum ffsctl_need {
	FFSCTL_NEED_NETWORK = 1 << 0,  /* sockets other than `control` */
	FFSCTL_NEED_FILES = 1 << 1,    /* opens files for writing */
	FFSCTL_NEED_PROGRAMS = 1 << 2, /* starts programs */
};

enum ffsctl_mode {
	/* A byte stream without messages: FFSCTL_END has no meaning, and no ZLP is sent. */
	FFSCTL_MODE_STREAM = 1,
	/* A message ends with a packet shorter than the endpoint's packet size, or with a
	   zero-length packet if its length is a multiple of the packet size (USB 2.0, 5.8.3). */
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
	const char *name; /* the name in the gadget file, or for example "ep1-in" */
	uint32_t address; /* bEndpointAddress in the gadget file; bit 7: IN. A UDC may use another
			     one */
	enum ffsctl_endpoint_type type;
	enum ffsctl_direction direction;
	uint32_t max_packet; /* bytes, at the speed of the link; 0 while it is down */
};

enum ffsctl_transfer_flags {
	/* OUT, set at done(): the message ends with this transfer. IN, read at submit(): the same;
	   the plugin host adds a ZLP if needed. Only in FFSCTL_MODE_MESSAGE. */
	FFSCTL_END = 1 << 0,
};

/*
 * One transfer and its buffer, which the engine owns. The plugin may use it from get() or done()
 * until submit() or put(). It may be submitted on any endpoint of the function; an engine can avoid
 * a copy only on the endpoint that get() was called with.
 */
struct ffsctl_transfer {
	void *data;
	size_t capacity;   /* bytes at `data`: host->transfer_size */
	size_t length;	   /* IN: bytes to send, set before submit(). OUT: bytes received, set at
			      done() */
	uint32_t flags;	   /* enum ffsctl_transfer_flags */
	uint32_t endpoint; /* index of the endpoint of the last submit(), or of get() */
	/* Set at done(). 0: success. -ESHUTDOWN: the link went down, wait for enable(). -ECANCELED:
	   cancelled by cancel(). Other negative errno: an error of the kernel or the controller. */
	int status;
	void *user; /* for the plugin; initially NULL */
};

/* A SETUP packet (USB 2.0, 9.3), in native byte order. */
struct ffsctl_setup {
	uint8_t request_type, request;
	uint16_t value, index, length;
};

/*
 * A file descriptor of the plugin (a socket, a pipe) in the event loop. The plugin owns the struct
 * and the descriptor; both must stay valid until unwatch(). Set the struct to zero, then fill in
 * the first four members.
 */
struct ffsctl_watch {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT (epoll_ctl(2)); level-triggered; 0: only errors */
	/* Called with `events` of epoll_wait(2); EPOLLERR and EPOLLHUP are always reported. */
	void (*ready)(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events);
	void *user;
	uint64_t host_private; /* private to the plugin host; 0 while not watched */
};

/* A timer in the event loop. Set the struct to zero, then fill in the first two members. */
struct ffsctl_timer {
	void (*fired)(struct ffsctl_host *host, struct ffsctl_timer *t);
	void *user;
	struct ffsctl_timer *next; /* this and the following: private to the plugin host */
	uint64_t due;
	uint32_t running;
};

enum ffsctl_log_level {
	FFSCTL_LOG_ERROR = 1,
	FFSCTL_LOG_NOTE = 2,
};

/* The calls of the plugin host. Calls that can fail return a negative errno. */
struct ffsctl_calls {
	uint32_t version; /* FFSCTL_PLUGIN_VERSION */
	uint32_t size;	  /* of this struct */

	/* Returns one of the endpoint's `depth` transfers; NULL if all are in use. */
	struct ffsctl_transfer *(*get)(struct ffsctl_host *host, uint32_t endpoint);
	/* Gives a transfer back. It must not be submitted. */
	void (*put)(struct ffsctl_host *host, struct ffsctl_transfer *t);

	/*
	 * Queues a transfer. The transfers of an endpoint are sent and completed in the order of
	 * submission. An OUT transfer requests as many whole packets as the buffer can hold. After
	 * 0 the transfer ends in done(). After an error, such as -ESHUTDOWN if the link is down,
	 * the plugin keeps it.
	 */
	int (*submit)(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t);
	/* Cancels all transfers of an endpoint. Each ends in done(), with -ECANCELED if it had not
	   completed before. Data that a cancelled OUT transfer had received is lost. */
	void (*cancel)(struct ffsctl_host *host, uint32_t endpoint);

	/*
	 * Answer the setup() of the same `id`, one call for each `id`, within 500 ms; after that
	 * ffsctl stalls the request. accept() is for a request without data and for one with OUT
	 * data, which setup_data() then gets. reply() sends IN data, at most setup.length bytes.
	 */
	int (*accept)(struct ffsctl_host *host, uint32_t id);
	int (*stall)(struct ffsctl_host *host, uint32_t id);
	int (*reply)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);

	/* Return the value of an option: of the gadget file, else the default. A name that is not
	   in the plugin's table, or is of another type, is a bug in the plugin and ends the
	   process. */
	const char *(*option_string)(struct ffsctl_host *host,
				     const char *name);			   /* NULL: not set */
	int64_t (*option_int)(struct ffsctl_host *host, const char *name); /* BOOL, INT, SIZE */
	double (*option_float)(struct ffsctl_host *host, const char *name);

	/* Writes one line, without a newline, to `ffsctl log`. */
	void (*log)(struct ffsctl_host *host, enum ffsctl_log_level level, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

	/* Reports that the gadget may be bound; see late_ready. */
	void (*ready)(struct ffsctl_host *host);
	/* Sets the statistics that `ffsctl status` shows. `json`: an object; see
	   FFSCTL_STATS_MAX. */
	int (*stats)(struct ffsctl_host *host, const char *json);
	/*
	 * Requests the switch to another gadget, one of `switch_to` in the gadget file. Answers to
	 * earlier control requests reach the host first. `json`: an object that the workers of that
	 * gadget find as "switch" in their configuration; NULL: none. stop() follows if the switch
	 * takes place; otherwise `ffsctl log` shows the reason.
	 */
	int (*switch_to)(struct ffsctl_host *host, const char *gadget, const char *json);
	/* Ends the process once the callback has returned. `status`: 125 prevents a restart; after
	   any other exit status `worker.restart` decides. */
	void (*exit)(struct ffsctl_host *host, int status);

	/*
	 * watch() starts to watch w->fd, or changes w->events of a watched one. -EPERM: the file is
	 * always ready (a regular file). unwatch() ends it; no ready() follows. It must precede
	 * close(), may be called in any callback, and does nothing if `w` is not watched.
	 */
	int (*watch)(struct ffsctl_host *host, struct ffsctl_watch *w);
	void (*unwatch)(struct ffsctl_host *host, struct ffsctl_watch *w);

	/* timer_start() calls t->fired() once, at least `ms` milliseconds from now
	   (CLOCK_MONOTONIC); a running timer starts again. timer_stop() prevents the call. */
	void (*timer_start)(struct ffsctl_host *host, struct ffsctl_timer *t, uint32_t ms);
	void (*timer_stop)(struct ffsctl_host *host, struct ffsctl_timer *t);
};

/*
 * The plugin's view of the plugin host; there is one per process. The plugin may only write
 * `state`.
 */
struct ffsctl_host {
	uint32_t size; /* of this struct */
	const struct ffsctl_calls *call;
	void *state; /* for the plugin; initially NULL */
	const char *gadget, *function, *mount;
	const struct ffsctl_endpoint *const
		*endpoints; /* n_endpoints of them, in the order of the descriptors */
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
	/* Bytes of every OUT transfer; 0: not fixed. An engine that cannot report how many bytes
	   arrived (dmabuf) moves OUT transfers only if this is set. */
	uint32_t out_length;
	/* 1: the gadget is bound only after the plugin called ready(). 0: the plugin is ready when
	   start() has returned. */
	uint32_t late_ready;

	/*
	 * Callbacks; all may be NULL. start() is called once, before all others. It returns 0, or
	 * logs the reason and returns a negative errno, which ends the process with status 125.
	 */
	int (*start)(struct ffsctl_host *host);
	/* The link is up: the host has enabled the function. All earlier transfers have ended. */
	void (*enable)(struct ffsctl_host *host);
	/* The link is down. Every submitted transfer ends in done() with -ESHUTDOWN. */
	void (*disable)(struct ffsctl_host *host);
	/* A submitted transfer has ended. The plugin may use it again. */
	void (*done)(struct ffsctl_host *host, struct ffsctl_transfer *t);
	/* The host sent a control request to the function. Without this callback it is stalled. */
	void (*setup)(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup);
	/* The OUT data of the accepted request `id` arrived; `data` is valid during the call. */
	void (*setup_data)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);
	/* BIND, UNBIND, SUSPEND or RESUME; ignore others, which later versions may add. */
	void (*event)(struct ffsctl_host *host, enum ffsctl_event_type event);
	/* The plugin must finish and call exit() within `stop_timeout`. Without this callback the
	   process ends at once. */
	void (*stop)(struct ffsctl_host *host);
};

#define FFSCTL_PLUGIN_SYMBOL "ffsctl_plugin"
#define FFSCTL_PLUGIN_HEAD .version = FFSCTL_PLUGIN_VERSION, .size = sizeof(struct ffsctl_plugin)

/* Defines the one symbol that a plugin exports. */
#define FFSCTL_PLUGIN                                                                              \
	FFSCTL_EXTERN_C __attribute__((visibility("default")))                                     \
	const struct ffsctl_plugin ffsctl_plugin;                                                  \
	const struct ffsctl_plugin ffsctl_plugin

#ifdef __cplusplus
}
#endif

#endif
