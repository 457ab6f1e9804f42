/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks whether the FunctionFS module can be loaded, and whether a module with ffsctl's kernel
   patches is installed. */
#pragma once

#include "functionfs/features.h"

/*
 * Returns whether creating the first FunctionFS instance would load a module. To find a built-in
 * FunctionFS, reads modules.builtin of the kernel `release`: sysfs does not show it, and
 * /proc/filesystems shows it only after an instance exists. Returns false also if the kernel has no
 * directory of modules.
 */
bool ffs_first_instance_would_load_module(const char *release);

/*
 * Returns advice for the user in two cases, if a usb_f_fs with ffsctl's kernel patches is installed
 * (kernel/dkms):
 *
 * - the loaded usb_f_fs was built without these patches: `features` lacks a feature that they add;
 * - no usb_f_fs is loaded (`features` is NULL), and the kernel loads only signed modules.
 *
 * Returns NULL in all other cases. The caller frees the text.
 */
char *ffs_module_advice(const char *release, const struct ffs_features *features);
