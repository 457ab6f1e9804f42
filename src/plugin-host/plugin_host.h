/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin host: runs one plugin, which moves the data of one function. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

/* Exit status of a worker that must not be restarted (ffsctl-worker(7)). */
#define WORKER_EXIT_NEVER 125

struct worker_config;
struct option_values;

/* The descriptors that were passed to this process (sd_listen_fds(3)). */
struct worker_fds {
	int config, control;
	int endpoints;		  /* descriptor of the first endpoint; the others follow */
	unsigned int n_endpoints; /* number of descriptors from `endpoints` on; the last ones may
				     not be endpoints */
	const char *names;	  /* the names of the n_endpoints descriptors, each after a colon */
	int dmabuf;	  /* `udmabuf` or `dma-heap`, a device that makes DMABUFs; -1: not passed */
	bool dmabuf_heap; /* `dmabuf` is a DMA heap */
	int plugin;	  /* the shared object; -1: not passed, so it is opened by its path */
};

/*
 * Loads the shared object `file` and stores a copy of the plugin's table. Members that the plugin's
 * version of the table lacks become 0. `path`: name of the shared object in messages.
 */
int plugin_load(const char *path, const char *file, struct ffsctl_plugin *plugin,
		struct error *err);

/* Prints the plugin's table as JSON (schemas/plugin.schema.json) to the descriptor `out`. */
int plugin_describe(const struct ffsctl_plugin *plugin, int out, struct error *err);

/* Runs the plugin until it ends. Prints errors on stderr. Returns the exit status of the process.
 */
int plugin_host_run(const struct ffsctl_plugin *plugin, const struct worker_config *config,
		    const struct worker_fds *fds, const struct option_values *options);
