/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps that make the items that every gadget has: attributes, strings, functions, configurations
 * and links. `path` is in configfs, `context` a struct backend; NULL: the direct writer makes it.
 */
#pragma once

#include "plan/plan.h"

extern const struct step_op configfs_op_attribute; /* GADGET/idVendor; value a number */
extern const struct step_op configfs_op_string;	   /* GADGET/strings/0x409/product */
extern const struct step_op configfs_op_serial; /* .../serialnumber; value as serial_read has it */
extern const struct step_op configfs_op_function;	  /* GADGET/functions/ffs.echo */
extern const struct step_op configfs_op_config;		  /* GADGET/configs/c.1 */
extern const struct step_op configfs_op_config_attribute; /* GADGET/configs/c.1/MaxPower */
extern const struct step_op configfs_op_config_string;	  /* .../c.1/strings/0x409/configuration */
extern const struct step_op configfs_op_link; /* GADGET/configs/c.1/echo; value ffs.echo */

/*
 * A step in records of older builds, which had a link to the gadget for libusbgx: `path` is
 * RUN/view/usb_gadget/NAME. The undo removes the link and both directories; apply does nothing.
 */
extern const struct step_op configfs_op_view;
