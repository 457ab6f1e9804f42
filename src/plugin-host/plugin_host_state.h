/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the plugin host, and the functions that its files share. */
#pragma once

#include <stdbool.h>

#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"
#include "plugin-host/worker_config.h"
#include "stream/stream.h"

#define DEFAULT_SIZE 65536
#define DEFAULT_DEPTH 8

/* An array element for a file descriptor that the plugin watches. */
struct watch_slot {
	struct ffsctl_watch *watch; /* NULL: the slot is free */
	uint32_t generation; /* number of watches that have used the slot; an event for an earlier
			    watch has a lower number */
};

/* What of an endpoint's data would be cut if the process ended now. */
struct unfinished_data {
	unsigned int n_transfers; /* transfers that were submitted and have not ended */
	bool is_cut;		  /* the end of the process has cut one of them */
	bool message_has_begun;	  /* an OUT transfer without the end of its message has ended */
};

/* A control request that came while the session of the host was pending. There is at most one: the
   keeper reads no event while a request has no answer, unless the host has given it up. */
struct held_request {
	bool exists;
	uint32_t id;
	struct ffsctl_setup setup;
};

/* The plugin host: one plugin, and the endpoints of one function. */
struct plugin_host {
	struct ffsctl_host public; /* first member, because plugin_host_of() converts a pointer to
				      it */
	const struct ffsctl_plugin *plugin;
	const struct option_values *options;
	struct stream stream;
	struct stream_endpoint *stream_endpoints;
	const struct ffsctl_endpoint **endpoints; /* array for public.endpoints */
	int control_fd, signal_fd, timer_fd, epoll_fd;
	struct watch_slot *watch_slots; /* array */
	size_t n_watch_slots;
	struct ffsctl_timer *running_timers; /* list; the timer that fires next is the first one */
	uint64_t timerfd_due_ms; /* time that timer_fd is set to, as ffsctl_timer.due_ms; 0: none */
	struct held_request held_request;
	uint64_t *endpoint_bytes;	    /* array: total number of bytes for each endpoint */
	struct unfinished_data *unfinished; /* array: one for each endpoint */
	/* Fires when the next TRAFFIC message is due; runs only if data was moved since the last
	   message. */
	struct ffsctl_timer traffic_report_timer;
	/* stream_engine_in_use() in the last READY message; NULL: no READY was sent */
	const char *reported_engine;
	/* the stream has logged a line since the last call of stream_engine_in_use(); it logs one
	   whenever it changes the engine */
	bool engine_may_have_changed;
	bool stopping;	 /* the plugin was asked to stop */
	bool exiting;	 /* the event loop must end */
	int exit_status; /* valid if `exiting` is true */
};

extern const struct ffsctl_calls plugin_host_calls;

/* plugin_calls.c: the functions that a plugin can call. */
int plugin_host_send(struct plugin_host *h, uint16_t type, uint32_t id, const void *body,
		     size_t length);
void plugin_host_log(struct plugin_host *h, const char *text);
void plugin_host_exit(struct plugin_host *h, int status);
/* Sends READY unless it was already sent. */
void plugin_host_send_ready_once(struct plugin_host *h);
/* Sends READY again if stream_engine_in_use() has changed since the last READY. Does nothing before
   the first READY. */
void plugin_host_report_engine_change(struct plugin_host *h);
/* plugin_host.c */
/* Counts a submitted transfer that the end of the process can cut; see on_transfer_done(). */
void plugin_host_note_submitted(struct plugin_host *h, const struct ffsctl_transfer *t);
/* control_socket.c: the messages of the control socket. */
/* Receives and handles one message of the control socket. Returns false if there was no message. */
bool plugin_host_receive_message(struct plugin_host *h);
/* Passes the held control request, if there is one, to the plugin. */
void plugin_host_deliver_held_request(struct plugin_host *h);
/* Asks the plugin to stop; it calls exit() now or later. */
void plugin_host_request_stop(struct plugin_host *h);

/* watches.c: the file descriptors and timers of the plugin in the event loop. */
enum {
	PLUGIN_HOST_FD_CONTROL,
	PLUGIN_HOST_FD_SIGNALS,
	PLUGIN_HOST_FD_STREAM,
	PLUGIN_HOST_FD_TIMERS,
	PLUGIN_HOST_FD_PLUGIN
};
int plugin_host_watch_fd(struct plugin_host *h, int fd, uint32_t events, uint64_t event_data);
int plugin_host_watch(struct plugin_host *h, struct ffsctl_watch *w);
void plugin_host_unwatch(struct plugin_host *h, struct ffsctl_watch *w);
/* Calls ready() for an event of a file descriptor of the plugin, unless the plugin no longer
   watches it. `event_data`: epoll_event.data.u64. */
void plugin_host_handle_watch_event(struct plugin_host *h, uint64_t event_data, uint32_t events);
void plugin_host_timer_start(struct plugin_host *h, struct ffsctl_timer *t, uint32_t ms);
void plugin_host_timer_stop(struct plugin_host *h, struct ffsctl_timer *t);
/* Opens timer_fd, which becomes readable when the first timer is due, and watches it. Returns 0 or
   a negative errno. */
int plugin_host_open_timers(struct plugin_host *h);
/* Calls fired() of all timers that are due. */
void plugin_host_fire_timers(struct plugin_host *h);
