/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch` */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cmd/cmd.h"

/*
 * Prints the status again at each change: on a terminal in place, else a line for each gadget that
 * has changed, with `json` a document on a line. `read` returns the array "gadgets", whose
 * ownership it passes on, or sets `err`. Returns 0 after INT, TERM or HUP, or when the output is
 * closed.
 */
int status_watch(const struct globals *globals, bool json,
		 json_t *(*read_gadgets)(void *data, struct error *err), void *data);
