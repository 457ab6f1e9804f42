/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the device file or network interface of a kernel function on this system. */
#pragma once

#include <stdbool.h>

/*
 * Returns a path like "/dev/ttyGS0"; NULL: the function has no device file, has none yet, or the
 * kernel does not report it. `dir` is the function's directory in configfs, TYPE.INSTANCE. The
 * caller frees it.
 */
char *kernel_device_path(const char *dir);
/*
 * Returns whether functions of that type have a device file or network interface that the kernel
 * reports.
 */
bool kernel_device_is_known(const char *type);
/*
 * Returns a name like "usb0"; NULL: the function has no network interface, or is not bound. The
 * caller frees it.
 */
char *kernel_device_ifname(const char *dir);
