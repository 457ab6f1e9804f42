/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's world: what is behind struct ffsctl_host. */
#pragma once

#include <stdbool.h>

#include "stream/stream.h"
#include "worker/options.h"
#include "worker/settings.h"
#include "worker/worker.h"

#define DEFAULT_SIZE 65536
#define DEFAULT_DEPTH 8

struct host {
	struct ffsctl_host pub; /* first: a plugin's pointer is ours */
	const struct ffsctl_plugin *plugin;
	const struct option_values *options;
	struct stream stream;
	struct stream_endpoint *eps;
	const struct ffsctl_endpoint **endpoints; /* what pub.endpoints points at */
	int control, signals, epoll;
	bool ready_sent, stopping, exiting;
	int status; /* with exiting */
};

extern const struct ffsctl_calls host_calls;

/* calls.c */
int host_send(struct host *h, uint16_t type, uint32_t id, const void *body, size_t length);
void host_say(struct host *h, const char *text);
void host_exit(struct host *h, int status);
void host_ready(struct host *h);
/* control.c: one message of the control socket. */
void host_control(struct host *h);
void host_stop(struct host *h);
