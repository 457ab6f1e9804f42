/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that inspect.c, inspect_ours.c and force.c use. */
#pragma once

#include <stdbool.h>

#include "base/paths.h"
#include "base/util.h"
#include "rundir/status.h"

/* The state of a gadget in configfs and sysfs. */
struct inspect_kernel_state {
	bool exists; /* the gadget has a directory in configfs */
	char *udc;   /* the attribute UDC; "": not bound, or unbound through the driver core */
	char *state; /* `state` of the UDC in sysfs; NULL: unknown */
};

/* Reads the state; the caller frees it with inspect_kernel_state_free. */
void inspect_kernel_state_read(const struct paths *paths, const char *name,
			       struct inspect_kernel_state *kernel);
void inspect_kernel_state_free(struct inspect_kernel_state *kernel);

/*
 * Unless the gadget file sets `mount`, FunctionFS is mounted on /dev/ffs/GADGET/FUNCTION.
 */
#define FFS_TOP "/dev/ffs/"
/*
 * Returns GADGET from a path /dev/ffs/GADGET/FUNCTION; NULL: the path has another form. The caller
 * frees the name.
 */
char *inspect_mounted_name(const char *path);
/*
 * Reads the mounts (see mounts_read). Returns NULL if the directory of --configfs has no directory
 * usb_gadget, because then the mounts do not belong to gadgets in it. The caller frees the text.
 */
char *inspect_mounts(const struct paths *paths);

/* Replaces *text by a copy of `value`, or by NULL if `value` is NULL or "". */
void inspect_set_text(char **text, const char *value);
void inspect_add_problem(struct gadget_status *gadget, enum problem_severity severity,
			 const char *fmt, ...) _printf_(3, 4);
/* Sets gadget->udc, gadget->udc_state and gadget->speed. */
void inspect_set_udc(struct gadget_status *gadget, const struct inspect_kernel_state *kernel);
/* Sets `device` and `ifname` of kernel functions. The status file has those of FunctionFS. */
void inspect_add_kernel_devices(const struct paths *paths, const char *name,
				struct gadget_status *gadget);

/*
 * inspect_ours.c: finds out the state of a gadget with a run directory. Returns false if the run
 * directory does not exist any more. `mounts`: see mounts_read. The caller frees *gadget.
 */
bool inspect_our_gadget(const struct paths *paths, const char *name, const char *mounts,
			struct gadget_status *gadget);
