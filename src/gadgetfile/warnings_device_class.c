// SPDX-License-Identifier: GPL-2.0-or-later
/* Warns about device classes with which hosts do not find drivers for the functions. */
#include <inttypes.h>

#include "gadgetfile/types/attrs.h"

/* Classes of USB (linux/usb/ch9.h). */
#define CLASS_PER_INTERFACE 0
#define CLASS_VENDOR 0xff

#define ASSOCIATION_HINT                                                                           \
	"write attrs = { bDeviceClass = \"misc\"; bDeviceSubClass = 2; bDeviceProtocol = 1; ... }"

/* Returns whether an interface association groups interfaces of the function. */
static bool has_association(const struct function *f)
{
	const struct function_type *type = function_type_find(f->type);

	return f->ffs ? f->ffs->n_associations > 0 : type && type->has_association;
}

/*
 * Returns the index of the function of a configuration for which the device needs the class of
 * devices with interface associations: the second function with an association, or RNDIS beside any
 * other function. Returns the number of functions of the gadget if there is none.
 */
static size_t function_that_needs_class(const struct gadget *g, const struct config *c)
{
	bool has_other = false;

	for (size_t i = 0; i < c->n_functions; i++) {
		size_t function = c->functions[i].function_index;
		const struct function *f = &g->functions[function];

		if (!has_association(f))
			continue;
		if (has_other || (streq_null(f->type, "rndis") && c->n_functions > 1))
			return function;
		has_other = true;
	}
	return g->n_functions;
}

/*
 * Warns about several functions with interface associations, and about RNDIS beside others, if the
 * device descriptor does not announce associations. Windows loads its driver for composite devices
 * for class 0, too, but then does not expect associations ("Enumeration of USB Composite Devices"
 * and "USB Interface Association Descriptor" in Microsoft's documentation; USB 3.2, 9.6.1).
 * Returns whether a warning was added.
 */
static bool warn_about_missing_association_class(struct load *l)
{
	const struct gadget *g = l->gadget;
	size_t function = g->n_functions;

	if (load_has_association_class(l))
		return false;
	for (size_t i = 0; i < g->n_configs && function == g->n_functions; i++)
		function = function_that_needs_class(g, &g->configs[i]);
	if (function == g->n_functions)
		return false;
	diag_warning(l->diags, node_range_to_mark(l->function_nodes[function]),
		     "hosts may not group the interfaces of function '%s' unless 'attrs' sets "
		     "class 'misc', subclass 2 and protocol 1 (USB 3.2, 9.6.1)",
		     g->functions[function].label);
	diags_hint(l->diags, ASSOCIATION_HINT);
	return true;
}

/*
 * Returns whether Windows may have a driver for the function: one for its class, or one that its
 * Microsoft OS descriptors select. Assumes so if a daemon or a file has the descriptors.
 */
bool load_windows_may_have_driver(const struct load *l, size_t function)
{
	const struct function *f = &l->gadget->functions[function];

	if (load_find_microsoft_os_setting(l, function))
		return true;
	if (!f->ffs)
		return !streq_null(f->type, "Loopback") && !streq_null(f->type, "SourceSink");
	for (size_t i = 0; i < f->ffs->n_interfaces; i++)
		if (f->ffs->interfaces[i].class != 0xff)
			return true;
	return f->ffs->n_interfaces == 0;
}

/* Adds the hint how to write a class with which hosts look at the class of each interface. */
static void hint_at_class_per_interface(struct load *l)
{
	for (size_t i = 0; i < l->gadget->n_functions; i++) {
		if (!has_association(&l->gadget->functions[i]) || l->gadget->n_functions < 2)
			continue;
		diags_hint(l->diags, ASSOCIATION_HINT);
		return;
	}
	diags_hint(l->diags, "remove 'bDeviceClass', or set it to 0: hosts then find a driver by "
			     "the class of each interface");
}

/* Returns whether all interfaces of the function are of a vendor's class, or may be. */
static bool has_vendor_class(const struct function *f)
{
	static const char *const types[] = { "gser", "geth", "Loopback", "SourceSink" };

	if (f->ffs) {
		for (size_t i = 0; i < f->ffs->n_interfaces; i++)
			if (f->ffs->interfaces[i].class != CLASS_VENDOR)
				return false;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (streq_null(f->type, types[i]))
			return true;
	return !function_type_find(f->type) || streq_null(f->type, "ffs");
}

/*
 * Warns about a function of a class in a device of a vendor's class. There, Linux hosts compare no
 * class of an interface with the classes that their drivers have (usb_match_one_id_intf,
 * drivers/usb/core/driver.c:686 of Linux 6.12, :680 of 6.1). Returns whether a warning was added.
 */
static bool warn_about_vendor_class(struct load *l, const struct text_range *at)
{
	const struct gadget *g = l->gadget;

	for (size_t i = 0; i < g->n_functions; i++) {
		if (has_vendor_class(&g->functions[i]))
			continue;
		diag_warning(l->diags, at,
			     "Linux hosts find no driver for function '%s' by its class in a "
			     "device of class 'vendor' (usb_match_one_id_intf)",
			     g->functions[i].label);
		hint_at_class_per_interface(l);
		return true;
	}
	return false;
}

/*
 * Returns whether Windows may have a driver for a function of the first configuration, which it can
 * load only below its driver for composite devices.
 */
static bool needs_composite_driver(const struct load *l)
{
	const struct config *c = l->gadget->n_configs == 1 ? l->gadget->configs : NULL;

	if (!c || c->n_functions < 2)
		return false;
	for (size_t i = 0; i < c->n_functions; i++)
		if (load_windows_may_have_driver(l, c->functions[i].function_index))
			return true;
	return false;
}

/*
 * Returns whether the standard has this class for interfaces only ("Defined Class Codes" of the USB
 * Implementers Forum). Wireless controllers (0xe0) are missing here: Bluetooth has its class in the
 * device descriptor (Bluetooth Core 5.4, volume 4, part B, 3.1; btusb_table of
 * drivers/bluetooth/btusb.c).
 */
static bool is_for_interfaces_only(int64_t class)
{
	static const uint8_t classes[] = { 0x01, 0x03, 0x05, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0d,
					   0x0e, 0x0f, 0x10, 0x12, 0x13, 0x14, 0x3c, 0xfe };

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i] == class)
			return true;
	return false;
}

/*
 * Windows loads its driver for composite devices (Usbccgp.sys) only if the device's class is 0, or
 * if class, subclass and protocol are those of devices with interface associations ("Enumeration of
 * USB Composite Devices" in Microsoft's documentation).
 */
void load_add_device_class_warnings(struct load *l)
{
	const struct node *attrs = node_member(l->scan->root, "attrs"),
			  *node = attrs ? node_member(attrs, "bDeviceClass") : NULL;
	int64_t class = l->gadget->device_attrs[GADGET_DEVICE_CLASS].value;
	bool has_class = node && class != CLASS_PER_INTERFACE && !load_has_association_class(l);

	if (has_class && class == CLASS_VENDOR && warn_about_vendor_class(l, &node->at))
		return;
	if (warn_about_missing_association_class(l))
		return;
	if (has_class && needs_composite_driver(l)) {
		diag_warning(
			l->diags, &node->at,
			"Windows does not see the functions of a device of class 0x%02" PRIx64
			": it loads its driver for composite devices only for class 0, and for "
			"class 'misc', subclass 2 and protocol 1",
			(uint64_t) class);
		hint_at_class_per_interface(l);
	} else if (has_class && is_for_interfaces_only(class)) {
		diag_warning(l->diags, &node->at,
			     "class 0x%02" PRIx64 " is one of interfaces, not of devices (USB-IF, "
			     "Defined Class Codes)",
			     (uint64_t) class);
		hint_at_class_per_interface(l);
	}
}
