/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps for the gadget as a whole: its directory, directories in it, and the bind. */
#pragma once

#include "plan/plan.h"

/* Makes the gadget's directory, CONFIGFS/usb_gadget/NAME. `context` is a struct configfs. */
extern const struct step_op configfs_op_gadget;
/*
 * Makes a directory below the gadget's directory, such as strings/0x409. Fails if the directory
 * exists.
 */
extern const struct step_op configfs_op_mkdir;
/* Writes `value` to the attribute `path`. */
extern const struct step_op configfs_op_write;
/* Binds the gadget: `path` is GADGET/UDC, `value` the UDC's name, `context` a struct configfs. */
extern const struct step_op configfs_op_bind;

/* Sets the error that another program made the gadget `name`; `dir` is the gadget's directory. */
int error_gadget_of_other_program(const char *name, const char *dir, struct error *err);
/* Unbinds a gadget; does nothing if it is not bound. The path is GADGET/UDC. */
int configfs_unbind(const char *udc_attribute_path, struct error *err);
