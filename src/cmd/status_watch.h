/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch` */
#pragma once

#include <stdbool.h>

#include "cmd/cmd.h"
#include "rundir/status.h"

/* Reads the gadgets to print, which the caller frees, or sets `err`. */
typedef void status_reader(void *data, struct gadget_statuses *gadgets, struct error *err);

/*
 * Prints the status again at each change: on a terminal in place, else a line for each gadget that
 * has changed, with `json` a document on a line. Returns 0 after INT, TERM or HUP, or when the
 * output is closed.
 */
int status_watch(const struct globals *globals, bool json, status_reader *read_gadgets, void *data);
