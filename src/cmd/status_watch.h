/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status --watch. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cmd/cmd.h"

/*
 * Shows what `look` finds, again at each change: on a terminal in place, else a line for each
 * gadget that has changed; with `json` a document in a line. `look` returns the array "gadgets",
 * which is taken over; err is filled when it cannot. Until INT, TERM or HUP, or until nobody reads
 * it any more: 0.
 */
int status_watch(const struct globals *globals, bool json,
		 json_t *(*look)(void *data, struct error *err), void *data);
