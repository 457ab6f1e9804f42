// SPDX-License-Identifier: GPL-2.0-or-later
/* Warns about valid gadgets that will not work as intended. */
#include <stdint.h>

#include "base/cleanup.h"
#include "blob/uapi.h"
#include "gadgetfile/types/attrs.h"

#define CLASS_MASS_STORAGE 0x08

/*
 * Warns about an RNDIS function that is not the first function of its configuration: the RNDIS
 * driver of Windows uses only the interfaces of the first function.
 */
static void warn_about_rndis(struct load *l, const struct config *c)
{
	for (size_t i = 1; i < c->n_functions; i++) {
		size_t function = c->functions[i].function_index;

		if (streq_null(l->gadget->functions[function].type, "rndis"))
			diag_warning(l->diags, node_range_to_mark(l->function_nodes[function]),
				     "function '%s' is not the first of configuration %u: Windows "
				     "supports RNDIS only as the first function",
				     l->gadget->functions[function].label, c->id);
	}
}

static const char *host_address(const struct function *f)
{
	const struct configfs_attribute *e =
		configfs_attributes_find(&f->configfs_attributes, "host_addr");

	return e && e->entry_kind == ATTRIBUTE_VALUE ? e->value : NULL;
}

/*
 * Warns about functions of type geth before the last one: the host gets the address of the last one
 * for all of them (f_subset.c, geth_alloc).
 */
static void warn_about_subsets(struct load *l)
{
	const struct gadget *g = l->gadget;
	const struct function *last = gadget_last_linked_function(g, "geth", NULL);

	for (size_t i = 0; last && i < g->n_functions; i++) {
		const char *address = host_address(&g->functions[i]);

		if (&g->functions[i] == last || !streq_null(g->functions[i].type, "geth") ||
		    (address && streq_null(host_address(last), address)))
			continue;
		diag_warning(l->diags, node_range_to_mark(l->function_nodes[i]),
			     "the host gets the address of function '%s' for function '%s', too: "
			     "the kernel has one table of strings for all functions of type geth",
			     last->label, g->functions[i].label);
		diags_hint(l->diags, "use one function of type geth, or the types ecm, eem or ncm");
	}
}

/*
 * Warns about an obex function, with which a gadget never connects to a host. The kernel's function
 * keeps the gadget disconnected until obex_connect is called, but the kernel calls it only after a
 * host has configured the gadget (f_obex.c, u_serial.c of Linux 6.1 and 6.12).
 */
static void warn_about_obex(struct load *l, size_t function)
{
	if (streq_null(l->gadget->functions[function].type, "obex"))
		diag_warning(l->diags, node_range_to_mark(l->function_nodes[function]),
			     "the gadget will not connect to a host: the kernel's obex function "
			     "keeps it disconnected until a host configures it (f_obex.c)");
}

/*
 * Warns about several configurations of which the first has several functions: Windows loads its
 * driver for composite devices (Usbccgp.sys) only if the device has a single configuration
 * ("Enumeration of USB Composite Devices" in Microsoft's documentation). If the first configuration
 * has one function, Windows does not need that driver.
 */
static void warn_about_configs(struct load *l, const struct node *configs)
{
	const struct gadget *g = l->gadget;
	bool is_for_windows = false;

	if (g->n_configs < 2 || g->configs[0].n_functions < 2)
		return;
	for (size_t i = 0; i < g->configs[0].n_functions; i++)
		is_for_windows |=
			load_windows_may_have_driver(l, g->configs[0].functions[i].function_index);
	if (!is_for_windows)
		return;
	diag_warning(l->diags, &configs->name_at,
		     "Windows uses several functions of a device only if it has one configuration, "
		     "not %zu",
		     g->n_configs);
	diags_hint(l->diags, "remove all configurations but one, or begin with one that has only "
			     "the function for Windows");
}

/* Warns about configurations that a Linux host does not read (USB_MAXCONFIG, core/config.c). */
static void warn_about_many_configs(struct load *l, const struct node *configs)
{
	const size_t most = 8;

	if (l->gadget->n_configs <= most)
		return;
	diag_warning(l->diags, &configs->name_at,
		     "Linux hosts read only the first %zu configurations of a device, not all %zu",
		     most, l->gadget->n_configs);
	diags_hint(l->diags, "remove configurations, or make several gadgets");
}

/* Returns whether a serial number is one that the bulk-only transport of mass storage allows. */
static bool is_storage_serial_number(const char *serial)
{
	size_t n = strlen(serial);

	return n >= 12 && strspn(serial, "0123456789ABCDEF") == n;
}

/*
 * Warns about serial numbers that "USB Mass Storage Class, Bulk-Only Transport" 1.0, 4.1.1, forbids
 * for a device with drives: hosts recognize a drive by the last 12 digits.
 */
static void warn_about_drive_serial_numbers(struct load *l, const struct node *strings)
{
	const struct gadget *g = l->gadget;
	bool has_drives = false;
	size_t i = 0;

	for (size_t k = 0; k < g->n_functions; k++)
		has_drives |= streq_null(g->functions[k].type, "mass_storage");
	if (!has_drives || !strings)
		return;
	node_foreach(item, strings) {
		const char *serial = g->strings[i++].serialnumber.value;
		const struct node *node = node_member(item, "serialnumber");

		if (!node || !serial || is_storage_serial_number(serial))
			continue;
		diag_warning(l->diags, &node->at,
			     "drives need a serial number of at least 12 digits, 0 to 9 and A to F "
			     "(USB Mass Storage, Bulk-Only Transport 1.0, 4.1.1)");
		diags_hint(l->diags, "use a number such as \"0123456789AB\"");
		return;
	}
}

/* Returns whether the function has all of these flags of FunctionFS (blob/flags.h). */
static bool has_ffs_flags(const struct function *f, uint32_t flags)
{
	return f->ffs && (f->ffs->flags & flags) == flags;
}

static bool config_has_function(const struct config *c, size_t function)
{
	for (size_t i = 0; i < c->n_functions; i++)
		if (c->functions[i].function_index == function)
			return true;
	return false;
}

/*
 * Returns the index of the first function of a configuration that has these flags. Returns the
 * number of functions of the gadget if there is none.
 */
static size_t first_function_with_flags(const struct gadget *g, const struct config *c,
					uint32_t flags)
{
	for (size_t i = 0; i < c->n_functions; i++)
		if (has_ffs_flags(&g->functions[c->functions[i].function_index], flags))
			return c->functions[i].function_index;
	return g->n_functions;
}

static void warn_about_lost_requests(struct load *l, size_t function, size_t first,
				     const char *when)
{
	const struct function *functions = l->gadget->functions;
	const struct node *ffs = node_member(l->function_nodes[function], "ffs");
	const struct node *key = ffs ? node_member(ffs, "all_ctrl_recip") : NULL;

	diag_warning(l->diags,
		     key ? &key->name_at : node_range_to_mark(l->function_nodes[function]),
		     "function '%s' gets no control requests to the device or to \"other\" %s: "
		     "the kernel gives them to function '%s', which is linked first",
		     functions[function].label, when, functions[first].label);
	diags_hint(l->diags, "set 'all_ctrl_recip' for only one of the two functions");
}

/*
 * Warns about several functions with `all_ctrl_recip` in one configuration: the kernel gives such a
 * request to the first function that accepts it (composite_setup, composite.c).
 */
static void warn_about_device_requests(struct load *l, const struct config *c)
{
	const struct gadget *g = l->gadget;
	size_t first = first_function_with_flags(g, c, FUNCTIONFS_ALL_CTRL_RECIP);
	_cleanup_free_ char *when = strf("in configuration %u", c->id);

	for (size_t i = 0; i < c->n_functions; i++) {
		size_t function = c->functions[i].function_index;

		if (function != first &&
		    has_ffs_flags(&g->functions[function], FUNCTIONFS_ALL_CTRL_RECIP))
			warn_about_lost_requests(l, function, first, when);
	}
}

/*
 * Warns about such functions in several configurations that also have `config0_setup`: before the
 * host has chosen a configuration, the kernel asks the functions of all configurations in their
 * order. Of functions in the same configuration warns warn_about_device_requests.
 */
static void warn_about_early_device_requests(struct load *l)
{
	const uint32_t flags = FUNCTIONFS_ALL_CTRL_RECIP | FUNCTIONFS_CONFIG0_SETUP;
	const struct gadget *g = l->gadget;
	size_t config = 0, first = g->n_functions;

	for (; config < g->n_configs; config++) {
		first = first_function_with_flags(g, &g->configs[config], flags);
		if (first != g->n_functions)
			break;
	}
	for (size_t i = 0; i < g->n_functions && first != g->n_functions; i++)
		if (i != first && has_ffs_flags(&g->functions[i], flags) &&
		    !config_has_function(&g->configs[config], i))
			warn_about_lost_requests(l, i, first,
						 "before the host has chosen a configuration");
}

/* Returns whether an interface of the function, in any alternate setting, is mass storage. */
static bool is_mass_storage(const struct function *f)
{
	for (size_t i = 0; f->ffs && i < f->ffs->n_interfaces; i++) {
		const struct interface *interface = &f->ffs->interfaces[i];

		if (interface->class == CLASS_MASS_STORAGE)
			return true;
		for (size_t a = 0; a < ARRAY_SIZE(interface->alternate_class); a++)
			if (interface->alternate_class[a].class == CLASS_MASS_STORAGE)
				return true;
	}
	return streq_null(f->type, "mass_storage") || streq_null(f->type, "tcm");
}

/*
 * Warns about a landing page that Chromium reads, but does not show: its URL must be complete, and
 * a page that nobody could have changed on its way (WebUsbDetector::OnDeviceAdded,
 * chrome/browser/usb/web_usb_detector.cc; IsUrlPotentiallyTrustworthy).
 */
static void warn_about_landing_page_url(struct load *l, const struct configfs_attribute *page)
{
	static const char *const shown[] = { "https://", "http://localhost", "http://127.",
					     "http://[::1]" };

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		if (strncasecmp(page->value, shown[i], strlen(shown[i])) == 0)
			return;
	diags_add_at_position(l->diags, DIAG_WARNING, &page->position,
			      "Chromium shows only a landing page whose address begins with "
			      "https://");
	if (!strstr(page->value, "://"))
		diags_hint(l->diags, "write \"https://%s\"", page->value);
}

/*
 * Warns about a landing page of a device with a drive. Chromium on Linux would have to detach the
 * drive's driver to read it, and does not if the active configuration, which for Linux is the first
 * one, has mass storage (ShouldReadDescriptors, services/device/usb/usb_service_linux.cc).
 */
static void warn_about_landing_page_beside_drive(struct load *l,
						 const struct configfs_attribute *page)
{
	const struct gadget *g = l->gadget;

	for (size_t i = 0; i < g->configs[0].n_functions; i++) {
		const struct function *f = &g->functions[g->configs[0].functions[i].function_index];

		if (!is_mass_storage(f))
			continue;
		diags_add_at_position(l->diags, DIAG_WARNING, &page->position,
				      "Chromium on Linux does not read 'landingPage' of a device "
				      "with mass storage (function '%s')",
				      f->label);
		diags_hint(l->diags, "make the drive a gadget of its own");
		return;
	}
}

static void warn_about_landing_page(struct load *l)
{
	const struct gadget *g = l->gadget;
	const struct configfs_attribute *page = configfs_attributes_find(&g->configfs_attributes,
									 "webusb/landingPage"),
					*use = configfs_attributes_find(&g->configfs_attributes,
									"webusb/use");

	if (!page || page->size == 0 || !use || !streq_null(use->value, "1") || g->n_configs == 0)
		return;
	warn_about_landing_page_url(l, page);
	warn_about_landing_page_beside_drive(l, page);
}

void load_add_warnings(struct load *l)
{
	for (size_t i = 0; i < l->gadget->n_configs; i++) {
		warn_about_rndis(l, &l->gadget->configs[i]);
		warn_about_device_requests(l, &l->gadget->configs[i]);
		load_add_virtual_address_warnings(l, &l->gadget->configs[i]);
	}
	warn_about_early_device_requests(l);
	warn_about_subsets(l);
	for (size_t i = 0; i < l->gadget->n_functions; i++) {
		warn_about_obex(l, i);
		load_add_printer_warnings(l, i);
		load_add_sound_warnings(l, i);
	}
	load_add_device_class_warnings(l);
	warn_about_configs(l, node_member(l->scan->root, "configs"));
	warn_about_many_configs(l, node_member(l->scan->root, "configs"));
	warn_about_drive_serial_numbers(l, node_member(l->scan->root, "strings"));
	load_add_language_warnings(l);
	warn_about_landing_page(l);
}
