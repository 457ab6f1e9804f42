/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a gadget is on its way up or down: its plan, keepers, workers and their processes. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct live_gadget;

/* Makes the functions and the plan. `udc` NULL: no bind. */
int progress_make_plan(struct live_gadget *live, const char *udc, struct error *err);
/* Continues to undo the plan. At the end, what cannot be undone is the gadget's failure. */
void progress_undo(struct live_gadget *live);
/* Sets `err`: the time to come up is over. */
int progress_too_late(const struct live_gadget *live, struct error *err);
/*
 * Returns whether all keepers accept a takeover: a program may kill the supervisor as soon as `up`
 * returns.
 */
bool progress_keepers_listen(const struct live_gadget *live);
bool progress_workers_stopped(const struct live_gadget *live);
/* Checks whether leftover processes of workers have ended, which no event reports. */
void progress_update_leftovers(const struct live_gadget *live);
bool progress_has_leftovers(const struct live_gadget *live);
