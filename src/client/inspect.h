/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of all gadgets of this system: the status files of the supervisors, compared with
 * configfs, the mounts, the UDCs and the process table.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"
#include "rundir/status.h"

/*
 * Returns the gadgets of `status`, sorted by name. `name`: only that gadget, if it exists; NULL:
 * all. The caller frees *gadgets, also on failure.
 */
int inspect_gadgets(const struct paths *paths, const char *name, struct gadget_statuses *gadgets,
		    struct error *err);

/*
 * Returns the pid of a gadget's supervisor without its lock, which may be unreadable or deleted:
 * from the control socket, else from the status. 0: none.
 */
pid_t inspect_supervisor(const struct paths *paths, const char *name);
/* Returns whether configfs or a mount of FunctionFS has a gadget of that name. */
bool inspect_has(const struct paths *paths, const char *name);
