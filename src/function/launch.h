/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a worker is given (worker.md, "given"): prepared once, handed over at each start. */
#pragma once

#include "function/worker.h"

struct functions;

/* Fills worker->spawn and worker->config_fd. Errors point at the gadget file. */
int launch_prepare(struct live_worker *worker, struct error *err);
/* Opens the endpoints afresh, makes control socket and pipes, starts the worker. */
int launch_start(struct live_worker *worker, struct error *err);

/* Of all that it is given: with another one a worker that runs must be started anew. */
uint64_t launch_digest(const struct live_worker *worker);

/* Gives back the user ids of functions that the gadget has no longer. */
void launch_give_back_users(const struct functions *all);
