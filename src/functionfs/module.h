/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks whether the FunctionFS module can be loaded, and which one is installed. */
#pragma once

#include "functionfs/features.h"

/*
 * Returns whether the first FunctionFS instance would load a module. A built-in FunctionFS has no
 * directory in sysfs, and is in /proc/filesystems only once an instance exists, so this reads
 * modules.builtin of the kernel `release`. Returns false also if the kernel has no directory of
 * modules.
 */
bool ffs_module_would_load(const char *release);

/*
 * Returns advice in two cases, if the module with all features is installed (kernel/dkms): another
 * module is loaded, which lacks one of the features; or no module is loaded (`features` is NULL),
 * and the kernel may refuse unsigned modules. Returns NULL in all other cases. The caller frees the
 * text.
 */
char *ffs_module_advice(const char *release, const struct ffs_features *features);
