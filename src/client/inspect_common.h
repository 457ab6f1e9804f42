/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are used by inspect.c, inspect_run_dir.c and force_down.c. */
#pragma once

#include <stdbool.h>

#include "base/paths.h"
#include "base/util.h"
#include "rundir/status.h"

/* The state of a gadget in configfs and sysfs. */
struct inspect_kernel_state {
	bool has_configfs_directory; /* the gadget has a directory in configfs */
	char *bound_udc; /* value of the attribute UDC; "": not bound, or unbound through the driver
			    core */
	char *udc_state; /* attribute `state` of the UDC in sysfs; NULL: unknown */
};

/* Reads the state; the caller frees it with inspect_kernel_state_free. */
void inspect_kernel_state_read(const struct paths *paths, const char *name,
			       struct inspect_kernel_state *kernel);
void inspect_kernel_state_free(struct inspect_kernel_state *kernel);

/* Unless the gadget file sets `mount`, FunctionFS is mounted on /dev/ffs/GADGET/FUNCTION. */
#define FFS_MOUNT_TOP "/dev/ffs/"
/*
 * Returns the gadget's name in a path /dev/ffs/GADGET/FUNCTION; NULL: the path has another form.
 * The caller frees the name.
 */
char *inspect_gadget_name_of_mount_path(const char *path);
/*
 * Returns whether `path` is a path of this gadget, and FunctionFS is mounted on it. Asks the kernel
 * again, because FunctionFS may have been unmounted after the mounts were read.
 */
bool inspect_mount_is_of_gadget(const char *path, const char *gadget_name);
/*
 * Reads the list of mounts (mounts_read). Returns NULL if the directory of --configfs has no
 * directory usb_gadget: then it is not configfs, and no mount belongs to it. The caller frees the
 * text.
 */
char *inspect_read_mounts(const struct paths *paths);

/* Replaces *text by a copy of `value`, or by NULL if `value` is NULL or "". */
void inspect_replace_text(char **text, const char *value);
void inspect_add_problem(struct gadget_status *gadget, enum problem_severity severity,
			 const char *fmt, ...) _printf_(3, 4);
/* Sets gadget->udc, gadget->udc_state and gadget->speed. */
void inspect_set_udc_state(struct gadget_status *gadget, const struct inspect_kernel_state *kernel);
/*
 * Sets `device` and `ifname` of kernel functions. The status file contains these members only for
 * FunctionFS functions.
 */
void inspect_add_kernel_devices(const struct paths *paths, const char *name,
				struct gadget_status *gadget);

/*
 * inspect_run_dir.c: finds out the state of a gadget that has a run directory. Returns false if the
 * run directory does not exist any more. `mounts` is the text of inspect_read_mounts. The caller
 * frees *gadget.
 */
bool inspect_gadget_with_run_dir(const struct paths *paths, const char *name, const char *mounts,
				 struct gadget_status *gadget);
