/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the launch*.c files share. */
#pragma once

#include "function/worker.h"

/* Fills user and groups of worker->spawn. Errors contain the position in the gadget file. */
int launch_prepare_user(struct live_worker *worker, struct error *err);
/* Returns the value of LISTEN_FDNAMES, in the order of launch_start. The caller frees it. */
char *launch_fd_names(const struct live_worker *worker);
/* Writes the document of schemas/worker-config.schema.json to worker->worker_config_fd, a sealed
 * memfd. */
int launch_make_worker_config(struct live_worker *worker, struct error *err);
