/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin host: one plugin, one function's endpoints, one loop. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

/* worker.md: a worker that ends with it is not started again. */
#define WORKER_EXIT_NEVER 125

struct worker_config;
struct option_values;

/* What the environment passed, see sd_listen_fds(3). */
struct worker_fds {
	int config, control;
	int endpoints; /* the first one; the others follow */
	unsigned int n_endpoints;
	const char *names; /* of all, separated by colons */
	int dmabuf;	   /* what makes DMABUFs: `udmabuf` or `dma-heap`; -1: none was passed */
	bool dmabuf_heap;
	int plugin; /* the shared object; -1: it is to be found by its path */
};

/*
 * `file` is what is loaded, `path` what messages call it. `plugin`: a copy of the table, zero
 * beyond what the plugin knows.
 */
int plugin_load(const char *path, const char *file, struct ffsctl_plugin *plugin,
		struct error *err);

/* Prints the table as JSON (schemas/plugin.schema.json) to a descriptor. */
int plugin_describe(const struct ffsctl_plugin *plugin, int out, struct error *err);

/* Returns the exit status; errors are said on stderr. */
int host_run(const struct ffsctl_plugin *plugin, const struct worker_config *config,
	     const struct worker_fds *fds, const struct option_values *options);
