/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device file or network interface that a kernel function has on this machine. */
#pragma once

#include <stdbool.h>

/*
 * Returns "/dev/ttyGS0", or NULL: it has no device file, not yet, or the kernel does not report
 * which. `dir` is the function's directory in configfs, TYPE.INSTANCE. The caller frees it.
 */
char *kernel_device_path(const char *dir);
/* Whether functions of that type have one of the two, and the kernel reports which. */
bool kernel_device_is_known(const char *type);
/* Returns "usb0", or NULL: it has none, or is not bound. The caller frees it. */
char *kernel_device_ifname(const char *dir);
