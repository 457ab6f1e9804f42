/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the plugin host, and the functions that its files share. */
#pragma once

#include <stdbool.h>

#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"
#include "plugin-host/settings.h"
#include "stream/stream.h"

#define DEFAULT_SIZE 65536
#define DEFAULT_DEPTH 8

/* A file descriptor that the plugin watches. */
struct watch_slot {
	struct ffsctl_watch *watch; /* NULL: the slot is free */
	uint32_t generation; /* number of uses of the slot so far: detects events of earlier uses */
};

struct plugin_host {
	struct ffsctl_host
		pub; /* must be the first member: plugin_host_of() converts its pointer */
	const struct ffsctl_plugin *plugin;
	const struct option_values *options;
	struct stream stream;
	struct stream_endpoint *stream_endpoints;
	const struct ffsctl_endpoint **endpoints; /* the array that pub.endpoints points to */
	int control, signals, epoll;
	struct watch_slot *slots;
	size_t n_slots;
	struct ffsctl_timer *timers; /* a list sorted by time, the next timer first */
	uint64_t *bytes_moved;	     /* array: bytes moved on each endpoint */
	struct ffsctl_timer
		traffic_timer; /* fires when the next TRAFFIC is due; runs only while data flows */
	const char *reported_method; /* value of stream_method() in the last READY; NULL: no READY
					sent yet */
	bool stream_logged; /* the stream has logged a line: stream_method() may have changed */
	bool stopping, exiting;
	int exit_status; /* valid if `exiting` is set */
};

extern const struct ffsctl_calls plugin_host_calls;

/* calls.c */
int plugin_host_send(struct plugin_host *h, uint16_t type, uint32_t id, const void *body,
		     size_t length);
void plugin_host_log(struct plugin_host *h, const char *text);
void plugin_host_exit(struct plugin_host *h, int status);
/* Sends READY, but only once. */
void plugin_host_ready(struct plugin_host *h);
/* Sends READY again if stream_method() has changed since the last READY. */
void plugin_host_update_method(struct plugin_host *h);
/* control.c */
/* Handles one message of the control socket. Returns false if there was no message. */
bool plugin_host_receive(struct plugin_host *h);
void plugin_host_stop(struct plugin_host *h);

/* watches.c: the plugin's descriptors and timers in the event loop. */
enum {
	PLUGIN_HOST_FD_CONTROL,
	PLUGIN_HOST_FD_SIGNALS,
	PLUGIN_HOST_FD_STREAM,
	PLUGIN_HOST_FD_PLUGIN
};
int plugin_host_watch_fd(struct plugin_host *h, int fd, uint32_t events, uint64_t event_data);
int plugin_host_watch(struct plugin_host *h, struct ffsctl_watch *w);
void plugin_host_unwatch(struct plugin_host *h, struct ffsctl_watch *w);
/* Calls ready() for an event of a descriptor of the plugin, unless the descriptor is no longer
   watched. `event_data`: the value in the epoll event. */
void plugin_host_watch_ready(struct plugin_host *h, uint64_t event_data, uint32_t events);
void plugin_host_timer_start(struct plugin_host *h, struct ffsctl_timer *t, uint32_t ms);
void plugin_host_timer_stop(struct plugin_host *h, struct ffsctl_timer *t);
/* Returns the milliseconds until the next timer fires; -1 if no timer runs. */
int plugin_host_timer_wait_ms(const struct plugin_host *h);
void plugin_host_fire_timers(struct plugin_host *h);
