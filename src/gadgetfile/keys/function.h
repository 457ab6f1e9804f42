/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of function types. */
#pragma once

#include "gadgetfile/gadget.h"

struct attribute_values;
struct load;

/* The kernel device of a function type, and how configfs/kernel_device.c finds it. */
enum function_device {
	FUNCTION_DEVICE_NONE,	   /* there is none, or the kernel does not report it */
	FUNCTION_DEVICE_TTY,	   /* /dev/ttyGSN, once the function exists: `port_num` */
	FUNCTION_DEVICE_CHARACTER, /* when it is bound: `dev` */
	FUNCTION_DEVICE_VIDEO,	   /* when it is bound: function_name in sysfs */
	FUNCTION_DEVICE_NETWORK,   /* an interface, when it is bound: `ifname` */
};

struct function_type {
	const char *name;
	const char *module; /* NULL: usb_f_NAME */
	enum function_device device;
	const struct key_group *attrs; /* NULL: none */
	/* Handles what the rows cannot express; NULL: nothing. Called before the rows' values
	 * become entries; not called if the group is missing. */
	void (*load)(struct load *l, struct function *f, struct attribute_values *d);
	enum gadget_speed highest_speed; /* with descriptors */
	/* Endpoints, see kernel/functions.md; those of ffs are in the gadget file. If the attribute
	 * named by in_enabled_by or out_enabled_by is 0, the function has no endpoint of that
	 * direction. */
	struct endpoint_count endpoints;
	const char *in_enabled_by, *out_enabled_by;
};

extern const struct function_type function_table[]; /* ends with a NULL name */
/* Returns NULL for a type that is not in the table. */
const struct function_type *function_type_find(const char *name);
/* Returns FUNCTION_DEVICE_NONE for a type that is not in the table. */
enum function_device function_type_device(const char *name);
