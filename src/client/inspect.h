/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out the state of all gadgets of this system. Compares the status files, which the
 * supervisors write, with configfs, the mounts, the UDCs and the process table.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"
#include "rundir/status.h"

/*
 * Stores the states of gadgets in *gadgets, sorted by name. `name`: only the gadget of that name,
 * if it exists; NULL: all gadgets. The caller frees *gadgets, also on failure.
 */
int inspect_gadgets(const struct paths *paths, const char *name, struct gadget_statuses *gadgets,
		    struct error *err);

/*
 * Returns the pid of a gadget's supervisor; 0: it has none. Does not use the lock, which may be
 * unreadable or deleted, but the control socket or else the status file.
 */
pid_t inspect_supervisor(const struct paths *paths, const char *name);
/* Returns whether a gadget of that name exists in configfs, or has a mount of FunctionFS. */
bool inspect_exists(const struct paths *paths, const char *name);
