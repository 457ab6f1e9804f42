/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FunctionFS' module: whether it is there, and whether a better one could be. */
#pragma once

#include "functionfs/features.h"

/*
 * Whether asking for FunctionFS would load a module now. One that is built in has no directory in
 * sysfs, and no file system in /proc/filesystems before there is an instance; it is in a list
 * beside the modules. Where there are no modules nothing can be loaded either.
 */
bool ffs_module_would_load(const char *release);

/*
 * What there is to do where a module that has all features is installed (kernel/dkms), and the one
 * that is loaded lacks some, or none is loaded (NULL) and the kernel may refuse it. NULL: nothing.
 * To be freed.
 */
char *ffs_module_advice(const char *release, const struct ffs_features *features);
