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
 * To build a plugin only this header is needed:
 *
 *	cc -shared -fPIC $(pkg-config --cflags ffsctl) -o mine.so mine.c
 *
 * The plugin host ffsctl-worker is a process that loads one plugin. It has one thread and one event
 * loop, which calls all callbacks of the plugin. A callback must not wait. The plugin calls the
 *plugin host through `host->call`. See ffsctl-plugin(3).
 */
#ifndef FFSCTL_PLUGIN_H
#define FFSCTL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "control.h"

/*
 * Version of the plugin interface. It changes only if plugins built with an older header can no
 * longer run. Other changes add members at the end of structs. Each struct has its size in the
 * member `size`. A member that an older version lacks counts as 0.
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
	FFSCTL_OPTION_BOOL = 2, /* "true" or "false" */
	FFSCTL_OPTION_INT = 3,	/* decimal or 0x hex, 64 bits, signed */
	FFSCTL_OPTION_FLOAT = 4,
	FFSCTL_OPTION_SIZE = 5, /* bytes: an integer, or "64K", "16M", "1G" (powers of 1024) */
};

/* One setting of the gadget file's `options` group. */
struct ffsctl_option {
	const char *name; /* NULL in the last element of the table */
	enum ffsctl_option_type type;
	uint32_t required;	    /* 1: the gadget file must set it */
	const char *default_value;  /* in the syntax of the gadget file; NULL: none */
	const char *doc;	    /* one line of documentation */
	int64_t min, max;	    /* limits of INT and SIZE, inclusive; both 0: no limits */
	const char *const *choices; /* values of STRING, ended by NULL; NULL: any text */
};

/* What a plugin needs: the sandbox must permit it. */
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
	const char *name; /* the name in the gadget file; without one, for example, "ep1-in" */
	uint32_t address; /* bEndpointAddress in the gadget file; bit 7: IN. The UDC may use another
			     address */
	enum ffsctl_endpoint_type type;
	enum ffsctl_direction direction;
	uint32_t max_packet; /* bytes, at the speed of the link; 0 while it is down */
};

enum ffsctl_transfer_flags {
	/* The message ends with this transfer. For OUT transfers the plugin host sets the flag
	   before done(). For IN transfers the plugin sets it before submit(), and the plugin host
	   sends a ZLP if needed. Only in FFSCTL_MODE_MESSAGE. */
	FFSCTL_END = 1 << 0,
};

/*
 * One transfer and its buffer. The engine owns both. The plugin may use them after get() or done(),
 * until it calls submit() or put(). A transfer may be submitted on any endpoint of the function,
 * but the engine can avoid a copy only on the endpoint that get() was called with.
 */
struct ffsctl_transfer {
	void *data;
	size_t capacity;   /* bytes at `data`: host->transfer_size */
	size_t length;	   /* IN: bytes to send, set before submit(). OUT: bytes received, valid in
			      done() */
	uint32_t flags;	   /* enum ffsctl_transfer_flags */
	uint32_t endpoint; /* index of the endpoint of the last submit(); before it, of get() */
	/* Result of the transfer, valid in done(). 0: success. -ESHUTDOWN: the link went down; wait
	   for enable(). -ECANCELED: cancel() was called. Another negative errno: an error of the
	   kernel or the controller. */
	int status;
	void *user; /* for the plugin; initially NULL */
};

/* A SETUP packet (USB 2.0, 9.3), in native byte order. */
struct ffsctl_setup {
	uint8_t request_type, request;
	uint16_t value, index, length;
};

/*
 * A file descriptor of the plugin, such as a socket or a pipe, that the event loop watches. The
 * plugin owns the struct and the descriptor; both must stay valid until unwatch(). Set the struct
 * to zero, then fill in the first four members.
 */
struct ffsctl_watch {
	int fd;
	uint32_t events; /* EPOLLIN and EPOLLOUT (epoll_ctl(2)), level-triggered; 0: only errors */
	/* Called when the descriptor is ready. `events`: as reported by epoll_wait(2), which
	   reports EPOLLERR and EPOLLHUP even if they are not requested. */
	void (*ready)(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events);
	void *user;
	uint64_t host_private; /* private to the plugin host; 0 while not watched */
};

/* A timer in the event loop. Set the struct to zero, then fill in the first two members. */
struct ffsctl_timer {
	void (*fired)(struct ffsctl_host *host, struct ffsctl_timer *t);
	void *user;
	struct ffsctl_timer
		*next; /* this and the following members are private to the plugin host */
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

	/* Returns one of the `depth` transfers of the endpoint; NULL if all are in use. */
	struct ffsctl_transfer *(*get)(struct ffsctl_host *host, uint32_t endpoint);
	/* Gives a transfer back, which must not be submitted at this time. */
	void (*put)(struct ffsctl_host *host, struct ffsctl_transfer *t);

	/*
	 * Queues a transfer. The transfers of an endpoint are sent and completed in the order of
	 * submission. An OUT transfer requests as many whole packets as the buffer can hold. If
	 * submit() returns 0, the transfer ends in done(). If it returns an error, such as
	 * -ESHUTDOWN while the link is down, the plugin still has the transfer.
	 */
	int (*submit)(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t);
	/* Cancels all transfers of an endpoint. Each transfer ends in done(), with -ECANCELED
	   unless it has completed before. Data that a cancelled OUT transfer has received is lost.
	 */
	void (*cancel)(struct ffsctl_host *host, uint32_t endpoint);

	/*
	 * The answers to a control request, which setup() got with the same `id`. Call one of them
	 * once for each `id`, within 500 ms; after this time ffsctl stalls the request. accept() is
	 * for requests without data, and for requests with OUT data, which setup_data() then gets.
	 * reply() sends IN data, at most setup.length bytes.
	 */
	int (*accept)(struct ffsctl_host *host, uint32_t id);
	int (*stall)(struct ffsctl_host *host, uint32_t id);
	int (*reply)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);

	/* Return the value of an option: the value in the gadget file, else the default. If the
	   plugin's table has no option with this name and type, the plugin has a bug, and the
	   process ends. */
	const char *(*option_string)(struct ffsctl_host *host,
				     const char *name); /* NULL: not set */
	int64_t (*option_int)(struct ffsctl_host *host,
			      const char *name); /* type BOOL, INT or SIZE */
	double (*option_float)(struct ffsctl_host *host, const char *name);

	/* Writes one line, without a newline, to `ffsctl log`. */
	void (*log)(struct ffsctl_host *host, enum ffsctl_log_level level, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

	/* Reports that the gadget may be bound; see late_ready. */
	void (*ready)(struct ffsctl_host *host);
	/* Sets the statistics that `ffsctl status` shows. `json`: a JSON object; see
	   FFSCTL_STATS_MAX. */
	int (*stats)(struct ffsctl_host *host, const char *json);
	/*
	 * Requests the switch to another gadget, one of `switch_to` in the gadget file. Answers to
	 * earlier control requests reach the host first. `json`: a JSON object that becomes
	 * "switch" in the configuration of the other gadget's workers; NULL: none. stop() follows
	 * if the switch takes place; otherwise `ffsctl log` shows the reason.
	 */
	int (*switch_to)(struct ffsctl_host *host, const char *gadget, const char *json);
	/* Ends the process once the callback has returned. `status`: 125 prevents a restart; after
	   any other exit status `worker.restart` decides. */
	void (*exit)(struct ffsctl_host *host, int status);

	/*
	 * watch() starts to watch w->fd. If `w` is watched already, watch() applies a change of
	 * w->events. It returns -EPERM for a file that is always ready, such as a regular file.
	 * unwatch() stops watching; afterwards ready() is not called. Call unwatch() before
	 * close(). It may be called in any callback, and does nothing if `w` is not watched.
	 */
	int (*watch)(struct ffsctl_host *host, struct ffsctl_watch *w);
	void (*unwatch)(struct ffsctl_host *host, struct ffsctl_watch *w);

	/* timer_start() calls t->fired() once, at least `ms` milliseconds from now
	   (CLOCK_MONOTONIC); a running timer starts again. After timer_stop() fired() is not
	   called. */
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
		*endpoints; /* array of n_endpoints pointers, in the order of the descriptors */
	uint32_t n_endpoints;
	uint32_t transfer_size;	 /* bytes in the buffer of a transfer */
	uint32_t depth;		 /* number of transfers of each endpoint */
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
	uint32_t transfer_size; /* default of io.size in bytes; 0: 65536 */
	uint32_t depth;		/* default of io.depth; 0: 8 */
	/* Bytes of every OUT transfer; 0: not fixed. The engine dmabuf cannot report how many bytes
	   arrived; it moves OUT transfers only if this member is set. */
	uint32_t out_length;
	/* 1: the gadget is bound after the plugin has called ready(). 0: the plugin is ready when
	   start() has returned. */
	uint32_t late_ready;

	/*
	 * Callbacks; all may be NULL. start() is called once, before all other callbacks. It
	 * returns 0 on success. On failure it logs the reason and returns a negative errno; the
	 * process then ends with status 125.
	 */
	int (*start)(struct ffsctl_host *host);
	/* The link is up: the host has enabled the function. All earlier transfers have ended. */
	void (*enable)(struct ffsctl_host *host);
	/* The link is down. Every submitted transfer ends in done() with -ESHUTDOWN. */
	void (*disable)(struct ffsctl_host *host);
	/* A submitted transfer has ended. The plugin may use it again. */
	void (*done)(struct ffsctl_host *host, struct ffsctl_transfer *t);
	/* The host has sent a control request to the function. Without this callback ffsctl stalls
	   the request. */
	void (*setup)(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup);
	/* The OUT data of the accepted request `id` arrived; `data` is valid during the call. */
	void (*setup_data)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);
	/* An event of the function: BIND, UNBIND, SUSPEND or RESUME. The plugin must ignore other
	   events, which later versions may add. */
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
