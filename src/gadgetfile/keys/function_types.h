/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of function types. */
#pragma once

#include "gadgetfile/gadget.h"

struct attribute_values;
struct load;

/* The kernel device of a function type, and how configfs/kernel_device.c finds it. */
enum function_device {
	FUNCTION_DEVICE_NONE, /* the function has no kernel device, or the kernel does not report
				 which */
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
	const char *module; /* name of the kernel module; NULL: "usb_f_" and `name` */
	enum function_device device;
	const char *manual_device; /* what the function creates, for the manual, if that does not
				      follow from `device`: "ALSA card" */
	const struct key_group *attr_keys; /* keys of the group `attrs`; NULL: no attributes */
	/*
	 * Checks and converts values of the group `attrs` for which a row in the table of keys is
	 * not enough; NULL: there are none. Called before the values are appended to the attributes
	 * of the function; not called if the group is missing.
	 */
	void (*check_and_convert_values)(struct load *l, struct function *f,
					 struct attribute_values *values);
	enum gadget_speed highest_speed; /* highest speed for which the function has descriptors */
	/*
	 * Number of endpoints (kernel/functions.md); for type ffs, the gadget file defines the
	 * endpoints.
	 */
	struct endpoint_count endpoints;
	/*
	 * Name of an attribute that removes the IN or the OUT endpoint if its value is 0; NULL:
	 * none.
	 */
	const char *attribute_enabling_in_endpoint, *attribute_enabling_out_endpoint;
	/* Its interfaces belong together by an interface association (kernel/functions.md). */
	bool has_association;
	/*
	 * The kernel makes the function's device for each configuration with the function, always
	 * with the same number: the second fails with EEXIST.
	 */
	bool only_in_one_config;
	/*
	 * The function deactivates the gadget when it is bound: no host sees the gadget until a
	 * program opens the function's device (bind_deactivated in the kernel).
	 */
	bool deactivates_gadget;
	/* X of the directory os_desc/interface.X that the kernel makes; NULL: it makes none. */
	const char *os_descriptor_interface;
	/* What is in the way if the kernel refuses to make the function with EBUSY; NULL: unknown.
	 */
	const char *busy_when_made;
	/* The same for removing the function, and what to do about it. */
	const char *busy_when_removed, *hint_when_removed;
};

/* Types that have attributes in common, which the manual describes once. */
struct function_family {
	const char *manual_heading; /* heading in the manual: "Network functions" */
	const char *doc;	    /* description for the manual */
	const char *const *types;   /* names of the types; ends with NULL */
};

extern const struct function_type function_table[];	 /* ends with a NULL name */
extern const struct function_family function_families[]; /* ends with a NULL manual_heading */
/* Returns NULL for a type that is not in the table. */
const struct function_type *function_type_find(const char *name);
/*
 * Returns what to write instead of a type that is not in the table, `type = "ncm"`, if the type
 * resembles one of the table or is a common word for one; else NULL. The caller frees it.
 */
char *function_type_suggest_setting(const char *name);
/* Returns FUNCTION_DEVICE_NONE for a type that is not in the table. */
enum function_device function_type_device(const char *name);
