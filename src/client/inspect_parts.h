/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by inspect.c, inspect_ours.c and force.c. */
#pragma once

#include <stdbool.h>

#include "base/paths.h"
#include "base/util.h"
#include "rundir/status.h"

/* A gadget in configfs and sysfs. */
struct inspect_kernel_state {
	bool exists;
	char *udc;   /* the attribute UDC; "" when unbound, also through the driver core */
	char *state; /* `state` of the UDC in sysfs; NULL: unknown */
};

/* Reads the state; the caller frees it with inspect_kernel_state_free. */
void inspect_kernel_state_read(const struct paths *paths, const char *name,
			       struct inspect_kernel_state *kernel);
void inspect_kernel_state_free(struct inspect_kernel_state *kernel);

/* FunctionFS is mounted on FFS_TOP GADGET "/" FUNCTION unless the gadget file has a `mount`. */
#define FFS_TOP "/dev/ffs/"
/* Returns the gadget's name of such a mount; NULL for other paths. The caller frees it. */
char *inspect_mounted_name(const char *path);
/*
 * Reads the mounts (see mounts_read). NULL when the tree of --configfs has no gadgets directory:
 * the mounts then belong to another tree. The caller frees it.
 */
char *inspect_mounts(const struct paths *paths);

/* Replaces a text of the status by a copy of `value`; NULL and "": by NULL. */
void inspect_set_text(char **text, const char *value);
void inspect_add_problem(struct gadget_status *gadget, enum problem_severity severity,
			 const char *fmt, ...) _printf_(3, 4);
/* Sets `udc`, `udc_state` and `speed`. */
void inspect_set_udc(struct gadget_status *gadget, const struct inspect_kernel_state *kernel);
/* Sets `device` and `ifname` of kernel functions. Those of FunctionFS come from the status. */
void inspect_add_kernel_devices(const struct paths *paths, const char *name,
				struct gadget_status *gadget);

/*
 * inspect_ours.c: describes a gadget with a run directory; returns false when that does not exist
 * any more. `mounts`: see mounts_read. The caller frees *gadget.
 */
bool inspect_our_gadget(const struct paths *paths, const char *name, const char *mounts,
			struct gadget_status *gadget);
