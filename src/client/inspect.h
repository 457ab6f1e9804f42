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
 * Stores the states of the gadgets in *gadgets, sorted by name. `name` not NULL: stores only the
 * gadget of that name, if it exists. The caller frees *gadgets, also on failure.
 */
int inspect_gadgets(const struct paths *paths, const char *name, struct gadget_statuses *gadgets,
		    struct error *err);

/*
 * Returns the pid of a gadget's supervisor; 0: the gadget has none. Gets the pid from the control
 * socket, or else from the status file, because the lock file may be deleted or not readable.
 */
pid_t inspect_find_supervisor(const struct paths *paths, const char *name);
/* Returns whether configfs has the gadget, or FunctionFS is mounted below /dev/ffs/NAME. */
bool inspect_kernel_has_gadget(const struct paths *paths, const char *name);
