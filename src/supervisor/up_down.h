/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings a gadget up and takes it down: makes its plan, checks its keepers and workers, and undoes
 * its plan.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct live_gadget;

/* Makes the live functions and the plan. `udc` NULL: without a bind step. */
int gadget_make_plan(struct live_gadget *live, const char *udc, struct error *err);
/* Changes the `value` of a worker's steps from `old` to `new`, also in the record. */
void gadget_change_worker_steps(struct live_gadget *live, const char *old, const char *new);
/*
 * Continues to undo the plan. After the last step, sets live->failure if some steps could not be
 * undone.
 */
void gadget_continue_undo(struct live_gadget *live);
/* Activates the UDCs that killed supervisors may have left deactivated; logs a failure. */
void gadget_activate_udcs_of_killed_supervisors(struct live_gadget *live);
/*
 * Does the same for the killed supervisor of this gadget, whose run directory this process has
 * taken.
 */
void gadget_activate_noted_udcs(struct live_gadget *live);
/* Activates the UDC that a failed bind has left deactivated; logs a failure. */
void gadget_activate_deactivated_udc(struct live_gadget *live);
/* Sets `err`: the gadget did not come up within the timeout. Returns the negative errno. */
int gadget_timeout_error(const struct live_gadget *live, struct error *err);
/*
 * Returns whether all keepers listen on their sockets, so that a takeover is possible. `up` waits
 * for this, because the supervisor may be killed as soon as `up` has returned.
 */
bool gadget_keepers_accept_takeover(const struct live_gadget *live);
/*
 * Returns whether the first process of the worker of a kernel function runs, but not yet as long as
 * a worker with ready = "started" must run, or is just ending. `up` waits for this.
 */
bool gadget_has_worker_in_first_start(const struct live_gadget *live);
bool gadget_all_workers_have_stopped(const struct live_gadget *live);
/* Checks whether remaining processes of workers have ended; no event reports their end. */
void gadget_continue_cleanup_of_workers(const struct live_gadget *live);
bool gadget_has_remaining_worker_processes(const struct live_gadget *live);
