/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a function of the kernel's shows up on this side: its device node, its network interface.
 */
#pragma once

/*
 * "/dev/ttyGS0", or NULL: there is none, not yet, or the kernel does not tell. `dir` is the
 * function's directory in configfs, its name TYPE.INSTANCE. The caller frees it.
 */
char *node_device(const char *dir);
/* "usb0", or NULL: it has none, or is not bound. The caller frees it. */
char *node_ifname(const char *dir);
