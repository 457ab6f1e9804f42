/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plugin's host: what is behind struct ffsctl_host. */
#pragma once

#include <stdbool.h>

#include "plugin-host/options.h"
#include "plugin-host/plugin_host.h"
#include "plugin-host/settings.h"
#include "stream/stream.h"

#define DEFAULT_SIZE 65536
#define DEFAULT_DEPTH 8

/* A descriptor of the plugin's. */
struct slot {
	struct ffsctl_watch *watch; /* NULL: free */
	uint32_t generation;	    /* of its uses, so that an event of an earlier one is known */
};

struct host {
	struct ffsctl_host pub; /* first: a plugin's pointer is ours */
	const struct ffsctl_plugin *plugin;
	const struct option_values *options;
	struct stream stream;
	struct stream_endpoint *eps;
	const struct ffsctl_endpoint **endpoints; /* what pub.endpoints points at */
	int control, signals, epoll;
	struct slot *slots;
	size_t n_slots;
	struct ffsctl_timer *timers; /* the next one first */
	uint64_t *moved;	     /* bytes, of each endpoint */
	struct ffsctl_timer traffic; /* when to tell that; only runs while data flows */
	const char *way;	     /* that READY has told: stream_way(); NULL: it was not sent */
	bool said;		     /* the stream has: it may move data in another way since */
	bool stopping, exiting;
	int status; /* with exiting */
};

extern const struct ffsctl_calls host_calls;

/* calls.c */
int host_send(struct host *h, uint16_t type, uint32_t id, const void *body, size_t length);
void host_say(struct host *h, const char *text);
void host_exit(struct host *h, int status);
void host_ready(struct host *h);
/* Once ready: tells anew how data moves, if that has changed. */
void host_tell_way(struct host *h);
/* control.c: one message of the control socket; false: there was none. */
bool host_control(struct host *h);
void host_stop(struct host *h);

/* moments.c: what else may happen in the loop. */
enum { HOST_FD_CONTROL, HOST_FD_SIGNALS, HOST_FD_STREAM, HOST_FD_PLUGIN };
int host_watch_fd(struct host *h, int fd, uint32_t events, uint64_t what);
int host_watch(struct host *h, struct ffsctl_watch *w);
void host_unwatch(struct host *h, struct ffsctl_watch *w);
/* An event of a descriptor of the plugin's, if that is still watched. */
void host_watched(struct host *h, uint64_t what, uint32_t events);
void host_timer_start(struct host *h, struct ffsctl_timer *t, uint32_t ms);
void host_timer_stop(struct host *h, struct ffsctl_timer *t);
/* Milliseconds until the next timer; -1: there is none. */
int host_timer_wait(const struct host *h);
void host_timers_fire(struct host *h);
