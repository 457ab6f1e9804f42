/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a function of the kernel's shows up on this side: its device node, its network interface.
 */
#pragma once

#include <stdbool.h>

/*
 * "/dev/ttyGS0", or NULL: there is none, not yet, or the kernel does not tell. `dir` is the
 * function's directory in configfs, its name TYPE.INSTANCE. The caller frees it.
 */
char *kernel_device_path(const char *dir);
/* Whether functions of that type have one of the two, and the kernel tells which. */
bool kernel_device_is_known(const char *type);
/* "usb0", or NULL: it has none, or is not bound. The caller frees it. */
char *kernel_device_ifname(const char *dir);
