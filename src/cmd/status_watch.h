/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status --watch`: prints the status, and prints it again at each change. */
#pragma once

#include <stdbool.h>

#include "cmd/cmd.h"
#include "rundir/status.h"

/* Reads the states of the gadgets to print, or sets err. The caller frees *gadgets. */
typedef void status_reader(void *data, struct gadget_statuses *gadgets, struct error *err);

/*
 * Prints the status, and prints it again at each change. On a terminal, overwrites the previous
 * status; otherwise prints a line for each gadget that has changed. With `json`, prints a JSON
 * document on one line instead. `read_gadgets` is called with `data`. Returns 0 after SIGINT,
 * SIGTERM or SIGHUP, or when the reader closes stdout.
 */
int status_watch(const struct globals *globals, bool json, status_reader *read_gadgets, void *data);
