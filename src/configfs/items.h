/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps that make the items that every gadget has: attributes, strings, functions, configurations
 * and links. The step's `path` is in configfs. The step's `context` is a struct backend_state. If
 * `context` is NULL, the items are made without libusbgx.
 */
#pragma once

#include "plan/plan.h"

/* Each comment shows an example of `path`, and describes `value` unless it can be any text. */
extern const struct step_op configfs_op_attribute; /* GADGET/idVendor; `value` is a number */
extern const struct step_op configfs_op_string;	   /* GADGET/strings/0x409/product */
extern const struct step_op
	configfs_op_serial; /* .../serialnumber; `value`: see serial_number_read */
extern const struct step_op configfs_op_function;	  /* GADGET/functions/ffs.echo */
extern const struct step_op configfs_op_config;		  /* GADGET/configs/c.1 */
extern const struct step_op configfs_op_config_attribute; /* GADGET/configs/c.1/MaxPower */
extern const struct step_op configfs_op_config_string;	  /* .../c.1/strings/0x409/configuration */
extern const struct step_op configfs_op_link; /* GADGET/configs/c.1/echo; `value` is ffs.echo */

/* Returns the name of the kernel module that has functions of this type. The caller frees it. */
char *function_kernel_module(const char *type);
