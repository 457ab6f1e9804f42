/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of launch*.c share. */
#pragma once

#include "function/worker.h"

/* Fills the user and the groups of worker->spawn. Errors point at the gadget file. */
int launch_prepare_user(struct live_worker *worker, struct error *err);
/* LISTEN_FDNAMES: the order in which launch_start hands descriptors over. The caller frees it. */
char *launch_fd_names(const struct live_worker *worker);
/* Writes the document of schemas/worker-config.schema.json to worker->config_fd, a sealed memfd. */
int launch_make_config(struct live_worker *worker, struct error *err);
