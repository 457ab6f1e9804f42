/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB controllers in the device tree that could be in device mode. */
#pragma once

#include "probe/system.h"

#define DEVICE_TREE_DIR "/sys/firmware/devicetree/base"

/* A kind of controller that has a device mode. */
struct usb_controller_kind {
	const char *compatible; /* in the device tree; a '*' at its end stands for any text */
	/* what people call the driver: "musb"; not its name in sysfs */
	const char *common_driver_name;
	const char *kernel_module; /* kernel module that binds to the node */
	/* kernel options that build the driver with its device mode */
	const char *kernel_config_options;
};

struct usb_port {
	char *device_tree_path; /* path of the node below DEVICE_TREE_DIR: "/soc/usb@7e980000" */
	char *dr_mode;		/* "host", "peripheral" or "otg"; NULL: the node has none */
	bool disabled;		/* the node, or one above it, is disabled */
	/* NULL: the controller has no row in the table, but it has a dr_mode. */
	const struct usb_controller_kind *controller_kind;
	/* name of its device in /sys/bus/platform/devices; NULL: it has none */
	char *platform_device;
	char *bound_driver; /* name of the driver that is bound to the device; NULL: none */
};

struct usb_ports {
	struct usb_port *list;
	size_t n;
};

/* Lists the controllers of the device tree, sorted by node. */
void usb_ports_list(const struct system *system, struct usb_ports *ports);
void usb_ports_free(struct usb_ports *ports);

/*
 * Returns the device tree node of a device in sysfs, in the form of usb_port.node. `device` is the
 * path of the device's directory. NULL: it has none. The caller frees it.
 */
char *device_tree_node(const struct system *system, const char *device);
/* Returns whether a node of the device tree has this string in its property `compatible`. A '*' at
   the end of the string stands for any text. */
bool device_tree_compatible(const struct system *system, const char *node, const char *compatible);
