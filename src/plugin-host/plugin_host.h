/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin host: one plugin, one function's endpoints, one loop. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

/* Exit status of a worker that must not be restarted (ffsctl-worker(7)). */
#define WORKER_EXIT_NEVER 125

struct worker_config;
struct option_values;

/* The descriptors passed to this process, see sd_listen_fds(3). */
struct worker_fds {
	int config, control;
	int endpoints;		  /* the first one; the others follow */
	unsigned int n_endpoints; /* number of descriptors from `endpoints` on, of endpoints and
				     others */
	const char *names;	  /* the names of these descriptors, each after a colon */
	int dmabuf;		  /* `udmabuf` or `dma-heap`, which makes DMABUFs; -1: not passed */
	bool dmabuf_heap;	  /* `dmabuf` is a DMA heap */
	int plugin;		  /* the shared object; -1: not passed, open it by its path */
};

/*
 * Loads the shared object `file` and stores a copy of its table, with zeros for members that the
 * plugin's version lacks. `path` is its name in messages.
 */
int plugin_load(const char *path, const char *file, struct ffsctl_plugin *plugin,
		struct error *err);

/* Prints the table as JSON (schemas/plugin.schema.json) to descriptor `out`. */
int plugin_describe(const struct ffsctl_plugin *plugin, int out, struct error *err);

/* Runs the plugin until it ends; prints errors on stderr. Returns the exit status. */
int host_run(const struct ffsctl_plugin *plugin, const struct worker_config *config,
	     const struct worker_fds *fds, const struct option_values *options);
