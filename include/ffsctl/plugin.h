/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plugin interface. A plugin moves the data of one FunctionFS function. The plugin is a shared
 * object that exports one struct ffsctl_plugin. Example:
 *
 *	FFSCTL_PLUGIN = {
 *		FFSCTL_PLUGIN_HEAD,
 *		.name = "mine",
 *		.summary = "what it does, in one line",
 *		.framing = FFSCTL_FRAMING_MESSAGES,
 *		.enable = mine_enable,
 *		.done = mine_done,
 *	};
 *
 * This header suffices to compile a plugin:
 *
 *	cc -shared -fPIC $(pkg-config --cflags ffsctl) -o mine.so mine.c
 *
 * The plugin host ffsctl-worker is a process that loads one plugin. The plugin host has one thread
 * and one event loop, which calls all callbacks of the plugin. A callback must not wait. The plugin
 * calls functions of the plugin host through `host->call`. See ffsctl-plugin(3).
 */
#ifndef FFSCTL_PLUGIN_H
#define FFSCTL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "control.h"

/*
 * Version of the plugin interface. A new version means that plugins that were compiled with an
 * older header no longer run. Without a new version, structs only get new members at their ends.
 * The member `size` of a struct is the size that the struct had when its owner was compiled.
 * Members that lie beyond `size` count as 0.
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
	FFSCTL_OPTION_INT = 3,	/* 64 bits, signed; decimal, or hexadecimal with 0x */
	FFSCTL_OPTION_FLOAT = 4,
	FFSCTL_OPTION_SIZE = 5, /* bytes: an integer, or "64K", "16M", "1G" (powers of 1024) */
};

/* One option of a plugin, which users set in the group `options` of the gadget file. */
struct ffsctl_option {
	const char *name; /* name of the option; NULL in the last element of the table */
	enum ffsctl_option_type type;
	uint32_t required;	   /* 1: the gadget file must set the option */
	const char *default_value; /* default value as in the gadget file; NULL: none */
	const char *doc;	   /* one line of documentation */
	int64_t min, max; /* smallest and largest value of INT and SIZE; both 0: no limits */
	/* Allowed values of STRING, and a NULL at the end; NULL: any text. */
	const char *const *choices;
};

/* Flags by which a plugin declares what it does. Without the flag, the sandbox forbids it. */
enum ffsctl_need {
	FFSCTL_NEED_NETWORK = 1 << 0,  /* opens sockets */
	FFSCTL_NEED_FILES = 1 << 1,    /* opens files for writing */
	FFSCTL_NEED_PROGRAMS = 1 << 2, /* starts programs */
};

/* Whether the data is divided into messages. */
enum ffsctl_framing {
	/* A byte stream without messages: FFSCTL_END has no meaning, and no ZLP is sent. */
	FFSCTL_FRAMING_STREAM = 1,
	/* A message ends with a packet shorter than the endpoint's packet size, or with a
	   zero-length packet if the length of the message is a multiple of the packet size
	   (USB 2.0, 5.8.3). */
	FFSCTL_FRAMING_MESSAGES = 2,
};

/* The numbers are those of USB_ENDPOINT_XFER_* (linux/usb/ch9.h). */
enum ffsctl_endpoint_type {
	FFSCTL_ENDPOINT_ISO = 1,
	FFSCTL_ENDPOINT_BULK = 2,
	FFSCTL_ENDPOINT_INTERRUPT = 3,
};

enum ffsctl_direction {
	FFSCTL_OUT = 0, /* host to gadget */
	FFSCTL_IN = 1,
};

struct ffsctl_endpoint {
	/* Name of the endpoint in the gadget file; "ep1-in", for example, if it has no name
	   there. */
	const char *name;
	/* bEndpointAddress in the gadget file; bit 7 is set for IN. The address on the bus may
	   be another one. */
	uint32_t address;
	enum ffsctl_endpoint_type type;
	enum ffsctl_direction direction;
	/* Packet size in bytes at the speed of the link; 0 while the link is down. */
	uint32_t max_packet;
};

enum ffsctl_transfer_flags {
	/* The message ends with this transfer. For OUT transfers the plugin host sets the flag
	   before it calls done(). For IN transfers the plugin sets the flag before it calls
	   submit(), and the plugin host sends a ZLP if the message needs one. The flag has a
	   meaning only in FFSCTL_FRAMING_MESSAGES. */
	FFSCTL_END = 1 << 0,
	/* The plugin does not access the data. IN: it has not written to the buffer since it last
	   submitted the transfer on this endpoint, so that the same data is sent again. OUT: it
	   will not read the data that arrives. The plugin sets the flag before it calls submit().
	   io.engine = "dmabuf" then needs two system calls less for the transfer. */
	FFSCTL_NO_CPU_ACCESS = 1 << 1,
};

/*
 * One transfer and its buffer. The engine owns the transfer and the buffer. The plugin gets them by
 * get_transfer() or done() and may use them until it calls submit() or release_transfer(). The
 * plugin may submit a transfer on any endpoint of the function, but the engine may have to copy the
 * data if this is not the endpoint that was the argument of get_transfer().
 */
struct ffsctl_transfer {
	void *data;
	size_t capacity; /* size of the buffer `data` in bytes: host->transfer_size */
	/* IN: bytes to send, set before submit(). OUT: bytes received, valid in done(). */
	size_t length;
	uint32_t flags; /* enum ffsctl_transfer_flags */
	/* Index of the endpoint that was the argument of the last submit(), or of get_transfer()
	   before the first submit(). */
	uint32_t endpoint;
	/* Result of the transfer, valid in done(). 0: success. -ESHUTDOWN: the link went down; wait
	   for enable(). -ECANCELED: cancel() was called. -EPIPE: the host has cleared a halt, and
	   has got the data of a later transfer already; go on. Another negative errno: an error of
	   the kernel or the controller. */
	int status;
	void *user; /* for any use by the plugin; initially NULL */
};

/*
 * A SETUP packet (USB 2.0, 9.3), in native byte order. `index` is wIndex as the host sent it, as
 * far as the kernel reports it: enum ffsctl_index_origin in control.h.
 */
struct ffsctl_setup {
	uint8_t request_type, request;
	uint16_t value, index, length;
	/*
	 * The following members exist only if the plugin host has the call `halt`: if
	 * host->call->size includes it. See struct ffsctl_setup_body in control.h.
	 */
	uint16_t function_index;
	uint16_t index_origin; /* enum ffsctl_index_origin */
};

/*
 * A file descriptor of the plugin, such as a socket or a pipe, that the event loop watches. The
 * plugin owns the struct and the file descriptor; both must stay valid until unwatch(). The plugin
 * must set the struct to zero and then set the first four members.
 */
struct ffsctl_watch {
	int fd;
	/* Events to watch for: EPOLLIN and EPOLLOUT (epoll_ctl(2)), level-triggered; 0: only
	   errors. */
	uint32_t events;
	/* The event loop calls ready() when the file descriptor is ready. `events`: the events
	   that epoll_wait(2) reports; it reports EPOLLERR and EPOLLHUP even if they were not
	   requested. */
	void (*ready)(struct ffsctl_host *host, struct ffsctl_watch *w, uint32_t events);
	void *user;
	/* Private to the plugin host; 0 while the file descriptor is not watched. */
	uint64_t host_private;
};

/* A timer in the event loop. The plugin must set the struct to zero and then set the first two
   members. */
struct ffsctl_timer {
	void (*fired)(struct ffsctl_host *host, struct ffsctl_timer *t);
	void *user;
	struct ffsctl_timer
		*next;	 /* this and the following members are private to the plugin host */
	uint64_t due_ms; /* CLOCK_MONOTONIC, milliseconds */
	uint32_t running;
};

enum ffsctl_log_level {
	FFSCTL_LOG_ERROR = 1,
	FFSCTL_LOG_NOTE = 2,
};

/* The functions of the plugin host that plugins call. Functions that can fail return a negative
   errno. */
struct ffsctl_calls {
	uint32_t version; /* FFSCTL_PLUGIN_VERSION */
	uint32_t size;	  /* size of this struct in bytes */

	/* Returns one of the transfers of the endpoint; NULL if the plugin or the kernel uses all
	   of them. */
	struct ffsctl_transfer *(*get_transfer)(struct ffsctl_host *host, uint32_t endpoint);
	/* Gives a transfer back to the engine. The transfer must not be in flight. */
	void (*release_transfer)(struct ffsctl_host *host, struct ffsctl_transfer *t);

	/*
	 * Queues a transfer. The transfers of an endpoint start and complete in the order of
	 * submission. An OUT transfer requests as many whole packets as the buffer can hold. If
	 * submit() returns 0, done() is called when the transfer has ended. If submit() returns an
	 * error, such as -ESHUTDOWN while the link is down, done() is not called for the transfer,
	 * and the plugin may still use it.
	 */
	int (*submit)(struct ffsctl_host *host, uint32_t endpoint, struct ffsctl_transfer *t);
	/* Cancels all transfers of an endpoint. done() is called for each of them; the status is
	   -ECANCELED unless the transfer has completed before. `length` of a cancelled OUT transfer
	   is the number of bytes that it has received, if the kernel reports it
	   (ffsctl-worker(7), "Restarts"). Otherwise it is 0, and the data is lost. */
	void (*cancel)(struct ffsctl_host *host, uint32_t endpoint);

	/*
	 * These three functions answer the control request that was reported to setup() with the
	 * same `id`. The plugin must call one of them, once for each request, within
	 * `control_timeout` of the gadget file, 500 ms by default; after this time ffsctl stalls
	 * the request, and `ffsctl log` shows it. accept_control_request() is for requests without
	 * data, and for requests with OUT data, which ffsctl then passes to setup_data().
	 * stall_control_request() refuses a request. reply_to_control_request() sends IN data, at
	 * most setup.length bytes.
	 */
	int (*accept_control_request)(struct ffsctl_host *host, uint32_t id);
	int (*stall_control_request)(struct ffsctl_host *host, uint32_t id);
	int (*reply_to_control_request)(struct ffsctl_host *host, uint32_t id, const void *data,
					size_t length);

	/* These three functions return the value of an option: the value in the gadget file, or
	   the default if the gadget file does not set the option. If the plugin's table has no
	   option with this name and type, which is a bug of the plugin, the process ends. */
	const char *(*option_string)(
		struct ffsctl_host *host,
		const char *name); /* returns NULL if the option has no value */
	int64_t (*option_int)(struct ffsctl_host *host,
			      const char *name); /* for the types BOOL, INT and SIZE */
	double (*option_float)(struct ffsctl_host *host, const char *name);

	/* Writes one line to the log that `ffsctl log` prints. The text must not end with a
	   newline. */
	void (*log)(struct ffsctl_host *host, enum ffsctl_log_level level, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

	/* Reports that the plugin is ready, so that ffsctl may bind the gadget. Only a plugin that
	   sets reports_ready calls this function. */
	void (*ready)(struct ffsctl_host *host);
	/* Sets the statistics that `ffsctl status` shows. `json`: a JSON object; see
	   FFSCTL_STATS_MAX. */
	int (*stats)(struct ffsctl_host *host, const char *json);
	/*
	 * Requests the switch to another gadget, one of `switch_to` in the gadget file. Before the
	 * switch, the host gets the answers to all control requests that the plugin has answered
	 * before this call. `json`: a JSON object that becomes "switch" in the configuration of the
	 * other gadget's workers; NULL: none. If the switch takes place, ffsctl stops this worker,
	 * and stop() is called; otherwise `ffsctl log` shows the reason.
	 */
	int (*switch_to)(struct ffsctl_host *host, const char *gadget, const char *json);
	/* Ends the process when the current callback has returned. `status`: exit status of the
	   process. After the exit status 125, ffsctl does not restart the worker; after any other
	   exit status, `worker.restart` in the gadget file decides. */
	void (*exit)(struct ffsctl_host *host, int status);

	/*
	 * watch() starts to watch w->fd. If `w` is watched already, watch() applies a change of
	 * w->events. watch() returns -EPERM for a file that is always ready, such as a regular
	 * file. unwatch() stops watching; afterwards ready() is not called. The plugin must call
	 * unwatch() before it closes w->fd. unwatch() may be called in any callback, and does
	 * nothing if `w` is not watched.
	 */
	int (*watch)(struct ffsctl_host *host, struct ffsctl_watch *w);
	void (*unwatch)(struct ffsctl_host *host, struct ffsctl_watch *w);

	/* timer_start() starts a timer: t->fired() is called once, after `ms` milliseconds
	   (CLOCK_MONOTONIC) or a little later. If the timer is running already, it starts again.
	   After timer_stop(), fired() is not called. */
	void (*timer_start)(struct ffsctl_host *host, struct ffsctl_timer *t, uint32_t ms);
	void (*timer_stop)(struct ffsctl_host *host, struct ffsctl_timer *t);

	/*
	 * Halts a bulk or interrupt endpoint: the host's transfers fail until it clears the halt,
	 * which is not reported. Only plugins whose `calls->size` includes this member may call it.
	 * Returns -EAGAIN if an IN endpoint has data that the host has not read; with the UDC
	 * drivers dwc2 and dwc3 (usb_ep_set_halt()) also if transfers of an OUT endpoint wait for
	 * the host. The plugin then waits for done(), or cancels the transfers, and calls again.
	 * Returns -ESHUTDOWN while the link is down, and -EINVAL for an isochronous endpoint.
	 */
	int (*halt)(struct ffsctl_host *host, uint32_t endpoint);

	/*
	 * Requests that the UDC wakes the host, which has suspended the function: event() has
	 * reported SUSPEND. If the host wakes up, event() reports RESUME. `bmAttributes` of the
	 * configuration must have bit 5 in the gadget file, and the host decides whether it lets
	 * the device wake it. Only plugins whose `calls->size` includes this member may call it.
	 */
	int (*wakeup)(struct ffsctl_host *host);
};

/*
 * What the plugin host shows to the plugin: one struct in each process. The plugin may write only
 * the member `state`.
 */
struct ffsctl_host {
	uint32_t size; /* size of this struct in bytes */
	const struct ffsctl_calls *call;
	void *state; /* for any use by the plugin; initially NULL */
	/* Names of the gadget and of its function; directory on which FunctionFS is mounted. */
	const char *gadget, *function, *mount;
	/* Array of n_endpoints pointers, in the order of the endpoint descriptors. */
	const struct ffsctl_endpoint *const *endpoints;
	uint32_t n_endpoints;
	uint32_t transfer_size; /* size of the buffer of each transfer in bytes */
	uint32_t transfers_per_endpoint;
	/* FFSCTL_SPEED_UNKNOWN while the link is down, and rarely while it is up: EVENT in
	   ffsctl-worker(7) */
	enum ffsctl_speed speed;
};

struct ffsctl_plugin {
	uint32_t version; /* FFSCTL_PLUGIN_VERSION */
	uint32_t size;	  /* size of this struct in bytes */
	const char *name;
	const char *summary;		     /* what the plugin does, in one line */
	const struct ffsctl_option *options; /* NULL: none */
	uint32_t needs;			     /* enum ffsctl_need */
	enum ffsctl_framing framing;
	uint32_t transfer_size; /* default of `io.size` in the gadget file, bytes; 0: 65536 */
	uint32_t transfers_per_endpoint; /* default of `io.depth` in the gadget file; 0: 8 */
	/* Length in bytes of each OUT transfer; 0: the lengths may differ. The engine dmabuf
	   cannot report how many bytes have arrived. Therefore this engine moves OUT transfers
	   only if this member is not 0. */
	uint32_t out_transfer_length;
	/* 1: the plugin calls ready() when it is ready. 0: the plugin is ready when start() has
	   returned. ffsctl binds the gadget only when the plugin is ready. */
	uint32_t reports_ready;

	/*
	 * start() and the following members are callbacks; each of them may be NULL. start() is
	 * called once, before all other callbacks. start() must return 0 on success. On failure it
	 * must log the reason and return a negative errno; the process then ends with exit status
	 * 125.
	 */
	int (*start)(struct ffsctl_host *host);
	/* The link is up: the host has enabled the function. All earlier transfers have ended. */
	void (*enable)(struct ffsctl_host *host);
	/* The link is down. done() is called for each submitted transfer, with the status
	   -ESHUTDOWN. */
	void (*disable)(struct ffsctl_host *host);
	/* A submitted transfer has ended. The plugin may use the transfer again. */
	void (*done)(struct ffsctl_host *host, struct ffsctl_transfer *t);
	/* The host has sent a control request to the function; one that follows the configuration
	   of the function comes after enable(). If setup is NULL, ffsctl stalls all control
	   requests. */
	void (*setup)(struct ffsctl_host *host, uint32_t id, const struct ffsctl_setup *setup);
	/* The OUT data of the control request `id` has arrived, after accept_control_request().
	   `data` is valid only during this call. */
	void (*setup_data)(struct ffsctl_host *host, uint32_t id, const void *data, size_t length);
	/* Reports an event of the function: BIND, UNBIND, SUSPEND or RESUME. Later versions may
	   report other events; the plugin must ignore them. */
	void (*event)(struct ffsctl_host *host, enum ffsctl_event_type event);
	/* The plugin must finish and call exit() within the time `stop_timeout` of the gadget
	   file. If stop is NULL, the process ends at once. */
	void (*stop)(struct ffsctl_host *host);
};

#define FFSCTL_PLUGIN_SYMBOL "ffsctl_plugin"
#define FFSCTL_PLUGIN_HEAD .version = FFSCTL_PLUGIN_VERSION, .size = sizeof(struct ffsctl_plugin)

/* Begins the definition of the only symbol that a plugin exports. */
#define FFSCTL_PLUGIN                                                                              \
	FFSCTL_EXTERN_C __attribute__((visibility("default")))                                     \
	const struct ffsctl_plugin ffsctl_plugin;                                                  \
	const struct ffsctl_plugin ffsctl_plugin

#ifdef __cplusplus
}
#endif

#endif
