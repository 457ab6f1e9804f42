/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handles failed workers and dead keepers. */
#pragma once

#include <stdbool.h>

struct binding;
struct live_function;
struct live_gadget;
struct live_worker;

/* Handles a worker that has become WORKER_FAILED. */
void failures_handle_failed_worker(struct binding *binding, struct live_worker *worker);
/*
 * Prints a warning on stderr for each worker of a kernel function whose first process has already
 * ended. The gadget stays up without such a worker (on_failed).
 */
void failures_warn_of_early_ends(const struct live_gadget *live);
/*
 * Handles the death of a keeper: starts another keeper. If that is not possible, the gadget fails.
 */
void failures_handle_dead_keeper(struct live_gadget *live, struct live_function *function);
/*
 * Unbinds the gadget after a worker of the function has ended in the middle of a transfer, because
 * its on_crash is "reconnect". Returns false if that cannot be done now.
 */
bool failures_reconnect_host(struct binding *binding, const struct live_function *function);
