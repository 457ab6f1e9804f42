/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that a worker is started with (ffsctl-worker(7)). It is prepared once, and passed to
 * the worker at each start.
 */
#pragma once

#include "function/worker.h"

struct functions;

/*
 * Fills worker->spawn and worker->worker_config_fd. Errors contain the position in the gadget file.
 */
int launch_prepare(struct live_worker *worker, struct error *err);
/* Opens the endpoints, creates control socket and pipes, and starts the worker. */
int launch_start(struct live_worker *worker, struct error *err);

/*
 * Returns a digest of everything that the worker is started with. If the digest changes, a reload
 * restarts the worker.
 */
uint64_t launch_digest(const struct live_worker *worker);

/*
 * Returns the `value` of the steps that start the function's worker (function_op_worker). The
 * caller frees it.
 */
char *launch_make_fingerprint(const struct live_function *function);

/* Releases the user ids of functions that the gadget no longer has. */
void launch_release_unused_user_ids(const struct functions *all);
