/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the launch*.c files share. */
#pragma once

#include "function/worker.h"

/* Fills in the user and the groups of worker->spawn. Errors contain the position in the gadget
 * file. */
int launch_prepare_user(struct live_worker *worker, struct error *err);
/* Returns the value of LISTEN_FDNAMES: the names of the file descriptors, in the order in which
   launch_start passes them to the worker. The caller frees the text. */
char *launch_fd_names(const struct live_worker *worker);
/* Writes the document of schemas/worker-config.schema.json to worker->worker_config_fd, a sealed
 * memfd. */
int launch_make_worker_config(struct live_worker *worker, struct error *err);
