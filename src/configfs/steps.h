/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps for the gadget as a whole: its directory, directories in it, and the UDC. */
#pragma once

#include "plan/plan.h"

/* Makes the gadget's directory, CONFIGFS/usb_gadget/NAME. `context` is a struct configfs. */
extern const struct step_op configfs_op_gadget;
/* Makes a directory in the gadget's directory, which must not exist before: strings/0x409. */
extern const struct step_op configfs_op_mkdir;
/* Writes `value` to the attribute `path`. */
extern const struct step_op configfs_op_write;
/* Binds the gadget: `path` is GADGET/UDC, `value` the UDC's name, `context` a struct configfs. */
extern const struct step_op configfs_op_bind;

/* Fails: the directory `dir` of the gadget was made by another program. */
int configfs_not_ours(const char *name, const char *dir, struct error *err);
/* Unbinds a gadget. 0 if it is not bound. `path` is GADGET/UDC. */
int configfs_unbind(const char *path, struct error *err);
