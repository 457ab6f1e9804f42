/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the plugin host, behind struct ffsctl_host. */
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
	struct ffsctl_watch *watch; /* NULL: free */
	uint32_t generation;	    /* uses of the slot so far: detects events of earlier uses */
};

struct host {
	struct ffsctl_host pub; /* first: its address is that of struct host */
	const struct ffsctl_plugin *plugin;
	const struct option_values *options;
	struct stream stream;
	struct stream_endpoint *stream_endpoints;
	const struct ffsctl_endpoint **endpoints; /* pub.endpoints */
	int control, signals, epoll;
	struct watch_slot *slots;
	size_t n_slots;
	struct ffsctl_timer *timers; /* sorted, the next one first */
	uint64_t *bytes_moved;	     /* bytes of each endpoint */
	struct ffsctl_timer traffic; /* until the next TRAFFIC; runs only while data flows */
	const char *reported_method; /* stream_method() in the last READY; NULL: not sent yet */
	bool stream_logged;	     /* the stream logged a line: its method may have changed */
	bool stopping, exiting;
	int exit_status; /* exit status, if exiting */
};

extern const struct ffsctl_calls host_calls;

/* calls.c */
int host_send(struct host *h, uint16_t type, uint32_t id, const void *body, size_t length);
void host_log(struct host *h, const char *text);
void host_exit(struct host *h, int status);
/* Sends READY, once. */
void host_ready(struct host *h);
/* Sends READY again if the stream's method has changed since. */
void host_update_method(struct host *h);
/* control.c: handles one message of the control socket; false: there was none. */
bool host_control(struct host *h);
void host_stop(struct host *h);

/* watches.c: descriptors and timers in the event loop. */
enum { HOST_FD_CONTROL, HOST_FD_SIGNALS, HOST_FD_STREAM, HOST_FD_PLUGIN };
int host_watch_fd(struct host *h, int fd, uint32_t events, uint64_t what);
int host_watch(struct host *h, struct ffsctl_watch *w);
void host_unwatch(struct host *h, struct ffsctl_watch *w);
/* Calls ready() for an event of a plugin's descriptor, unless that is no longer watched. */
void host_watch_event(struct host *h, uint64_t what, uint32_t events);
void host_timer_start(struct host *h, struct ffsctl_timer *t, uint32_t ms);
void host_timer_stop(struct host *h, struct ffsctl_timer *t);
/* Returns the milliseconds until the next timer; -1 if none runs. */
int host_timer_wait(const struct host *h);
void host_timers_fire(struct host *h);
