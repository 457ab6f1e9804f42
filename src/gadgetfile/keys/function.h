/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of function types. */
#pragma once

#include "gadgetfile/gadget.h"

struct attribute_values;
struct load;

/* The kernel device of a function type, and how configfs/kernel_device.c finds it. */
enum function_device {
	FUNCTION_DEVICE_NONE, /* the function has no device, or the kernel does not report it */
	FUNCTION_DEVICE_TTY,  /* /dev/ttyGSN from the function's creation on; the attribute
				 `port_num` contains N */
	FUNCTION_DEVICE_CHARACTER, /* character device while the gadget is bound; the attribute
				      `dev` contains its number */
	FUNCTION_DEVICE_VIDEO,	   /* video device while the gadget is bound; found by the file
				      function_name in sysfs */
	FUNCTION_DEVICE_NETWORK,   /* network interface while the gadget is bound; the attribute
				      `ifname` contains its name */
};

struct function_type {
	const char *name;
	const char *module; /* NULL: usb_f_NAME */
	enum function_device device;
	const struct key_group *attrs; /* NULL: none */
	/*
	 * Handles what the rows cannot express; NULL: nothing. Called before the values of the rows
	 * are appended to the function's attributes; not called if the group `attrs` is missing.
	 */
	void (*load)(struct load *l, struct function *f, struct attribute_values *d);
	enum gadget_speed highest_speed; /* highest speed for which the function has descriptors */
	/*
	 * Number of endpoints (kernel/functions.md); endpoints of type ffs are in the gadget file.
	 * If the attribute that in_enabled_by names is 0, the function has no IN endpoint;
	 * out_enabled_by is the same for OUT.
	 */
	struct endpoint_count endpoints;
	const char *in_enabled_by, *out_enabled_by;
};

extern const struct function_type function_table[]; /* ends with a NULL name */
/* Returns NULL for a type that is not in the table. */
const struct function_type *function_type_find(const char *name);
/* Returns FUNCTION_DEVICE_NONE for a type that is not in the table. */
enum function_device function_type_device(const char *name);
