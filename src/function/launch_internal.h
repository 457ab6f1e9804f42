/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the launch*.c files share. */
#pragma once

#include <assert.h>

#include "base/util.h"
#include "function/worker.h"

/* Fills in the user and the groups of worker->spawn. Errors contain the position in the gadget
 * file. */
int launch_prepare_user(struct live_worker *worker, struct error *err);
/*
 * launch_environment.c: set argv and env of worker->spawn, in which the variables of the gadget
 * file are expanded.
 */
void launch_prepare_arguments(struct live_worker *worker);
void launch_prepare_environment(struct live_worker *worker);
/* Returns the path of the socket for sd_notify(3). The caller frees it. */
char *launch_notify_socket_path(const struct live_worker *worker);
/* Returns the value of LISTEN_FDNAMES: the names of the file descriptors, in the order in which
   launch_start passes them to the worker. The caller frees the text. */
char *launch_fd_names(const struct live_worker *worker);
/*
 * File descriptors for one start of a worker. The supervisor closes them afterwards; the worker has
 * duplicates.
 */
struct worker_start_fds {
	const struct live_worker *worker;
	struct error *err;
	/*
	 * 2: config and control; 30: endpoints (FFS_MAX_EPS_COUNT); 15: IN/OUT pairs; 1: DMABUF
	 * device; 1: the plugin or NOTIFY_FD
	 */
	int fds[2 + 30 + 15 + 1 + 1];
	size_t n_fds;
};
/* Adds an open file descriptor, or returns the negative errno `fd`. */
static inline int launch_add_fd(struct worker_start_fds *fds, int fd)
{
	if (fd < 0)
		return fd;
	assert(fds->n_fds < ARRAY_SIZE(fds->fds));
	fds->fds[fds->n_fds++] = fd;
	return 0;
}
/*
 * launch_systemd.c: what a worker with listen_fds = "systemd" gets. launch_systemd_fd_names returns
 * the value of LISTEN_FDNAMES, which the caller frees; launch_open_systemd_fds writes the
 * descriptors to ep0, and adds ep0 and the open endpoint files.
 */
char *launch_systemd_fd_names(const struct live_worker *worker);
int launch_open_systemd_fds(struct worker_start_fds *fds);
/* Writes the document of schemas/worker-config.schema.json to worker->worker_config_fd, a sealed
 * memfd. */
int launch_make_worker_config(struct live_worker *worker, struct error *err);
