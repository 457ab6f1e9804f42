/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin host: runs one plugin, which moves the data of one function. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

/* Exit status of a worker that ffsctl must not start again (ffsctl-worker(7)). */
#define WORKER_EXIT_NEVER 125

struct worker_config;
struct option_values;

/* The file descriptors that ffsctl passed to this process (sd_listen_fds(3)). */
struct passed_fds {
	int config_fd;			  /* the worker's configuration */
	int control_fd;			  /* the control socket */
	int first_endpoint_fd;		  /* the file descriptors of the other endpoints follow */
	unsigned int n_fds_after_control; /* number of the endpoints and of the optional file
					     descriptors after them */
	const char *fd_names;		  /* names of these file descriptors, each after a colon */
	int dmabuf_device_fd; /* optional: `udmabuf` or `dma-heap`, a device that makes DMABUFs;
				 -1: not passed */
	bool dmabuf_device_is_heap; /* the device is a DMA heap */
	int plugin_fd;		    /* optional: the shared object of the plugin; -1: not passed */
};

/*
 * Loads the shared object `file` and stores a copy of the table of the plugin. If an older plugin
 * has a shorter table, the other members become 0. `path`: name of the shared object in messages.
 */
int plugin_load(const char *path, const char *file, struct ffsctl_plugin *plugin,
		struct error *err);

/* Prints the table of the plugin as JSON (schemas/plugin.schema.json) to the file descriptor `out`.
 */
int plugin_describe(const struct ffsctl_plugin *plugin, int out, struct error *err);

/* Runs the plugin until the process must exit. Prints errors on stderr. Returns the exit status for
   the process. */
int plugin_host_run(const struct ffsctl_plugin *plugin, const struct worker_config *config,
		    const struct passed_fds *fds, const struct option_values *options);
