/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks whether the FunctionFS module can be loaded, and which one is installed. */
#pragma once

#include "functionfs/features.h"

/*
 * Returns whether the first FunctionFS instance would load a module. A built-in FunctionFS has no
 * directory in sysfs, and is in /proc/filesystems only once an instance exists, so this reads
 * modules.builtin of the kernel `release`. False also without a directory of modules.
 */
bool ffs_module_would_load(const char *release);

/*
 * Returns advice if the module with all features is installed (kernel/dkms) but not in use: the
 * loaded module lacks some of `features`, or none is loaded (`features` NULL) and the kernel may
 * refuse unsigned modules. NULL: no advice. The caller frees it.
 */
char *ffs_module_advice(const char *release, const struct ffs_features *features);
