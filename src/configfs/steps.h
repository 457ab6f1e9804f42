/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that write to configfs themselves: what libusbgx does not know, and where errno matters. */
#pragma once

#include "plan/plan.h"

/* The gadget's own directory: CONFIGFS/usb_gadget/NAME. `self` is a struct configfs. */
extern const struct step_op configfs_op_gadget;
/* A directory inside (strings/0x409): made by us, taken away by us. */
extern const struct step_op configfs_op_mkdir;
/* Writes `value` to the attribute `path`. */
extern const struct step_op configfs_op_write;
/* `path` is GADGET/UDC, `value` the UDC's name. `self` is a struct configfs. */
extern const struct step_op configfs_op_bind;

/* Takes a gadget off the bus; one that is not on it is fine. `path` is GADGET/UDC. */
int configfs_unbind(const char *path, struct error *err);
