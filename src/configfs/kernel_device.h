/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the device file or network interface of a kernel function on this system. */
#pragma once

#include <stdbool.h>

/*
 * Returns the path of the function's device file, like "/dev/ttyGS0"; the caller frees it. NULL:
 * there is no device file (yet), or the kernel does not report it. `dir` is the function's
 * directory in configfs; its name is TYPE.INSTANCE.
 */
char *kernel_device_file_path(const char *dir);
/*
 * Returns whether functions of that type have a device file or a network interface that the kernel
 * reports in configfs or sysfs.
 */
bool kernel_reports_device_of_function_type(const char *type);
/*
 * Returns the name of the function's network interface, like "usb0"; NULL: there is none, or the
 * gadget is not bound. The caller frees the name.
 */
char *kernel_device_ifname(const char *dir);
