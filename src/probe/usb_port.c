/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/usb_port.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define DEPTH_MAX 10 /* levels of the device tree; a controller is on the second to fifth */
#define PROPERTY_MAX 4096

#define DWC2_OPTIONS "CONFIG_USB_DWC2 with CONFIG_USB_DWC2_DUAL_ROLE or _PERIPHERAL"
#define CHIPIDEA_OPTIONS "CONFIG_USB_CHIPIDEA, CONFIG_USB_CHIPIDEA_UDC and CONFIG_USB_CHIPIDEA_IMX"
#define SUNXI_OPTIONS                                                                              \
	"CONFIG_USB_MUSB_HDRC with CONFIG_USB_MUSB_DUAL_ROLE or _GADGET, and "                     \
	"CONFIG_USB_MUSB_SUNXI"

/*
 * From the compatible strings of the drivers in Linux 6.12, and of Raspberry Pi's dwc_otg. To add a
 * kind of controller, add a row.
 */
/* clang-format off */
static const struct usb_controller_kind kinds[] = {
	{ "brcm,bcm2708-usb", "dwc2", "dwc2", DWC2_OPTIONS },
	{ "brcm,bcm2835-usb", "dwc2", "dwc2", DWC2_OPTIONS },
	{ "snps,dwc2", "dwc2", "dwc2", DWC2_OPTIONS },
	{ "snps,dwc3", "dwc3", "dwc3",
	  "CONFIG_USB_DWC3 with CONFIG_USB_DWC3_DUAL_ROLE or _GADGET" },
	{ "chipidea,usb2", "chipidea", "ci_hdrc_usb2",
	  "CONFIG_USB_CHIPIDEA, CONFIG_USB_CHIPIDEA_UDC and CONFIG_USB_CHIPIDEA_GENERIC" },
	{ "fsl,imx27-usb", "chipidea", "ci_hdrc_imx", CHIPIDEA_OPTIONS },
	{ "fsl,imx6ul-usb", "chipidea", "ci_hdrc_imx", CHIPIDEA_OPTIONS },
	{ "fsl,imx7d-usb", "chipidea", "ci_hdrc_imx", CHIPIDEA_OPTIONS },
	{ "ti,musb-am33xx", "musb", "musb_dsps",
	  "CONFIG_USB_MUSB_HDRC with CONFIG_USB_MUSB_DUAL_ROLE or _GADGET, and "
	  "CONFIG_USB_MUSB_DSPS" },
	{ "allwinner,sun4i-a10-musb", "musb", "sunxi", SUNXI_OPTIONS },
	{ "allwinner,sun6i-a31-musb", "musb", "sunxi", SUNXI_OPTIONS },
	{ "allwinner,sun8i-a33-musb", "musb", "sunxi", SUNXI_OPTIONS },
	{ "allwinner,sun8i-h3-musb", "musb", "sunxi", SUNXI_OPTIONS },
	{ "allwinner,suniv-f1c100s-musb", "musb", "sunxi", SUNXI_OPTIONS },
	{ "cdns,usb3", "cdns3", "cdns3", "CONFIG_USB_CDNS3 and CONFIG_USB_CDNS3_GADGET" },
	{ "nvidia,tegra*-xudc", "tegra-xudc", "tegra-xudc", "CONFIG_USB_TEGRA_XUDC" },
};
/* clang-format on */

/* Compares with a pattern, in which one '*' stands for any text. */
static bool matches_pattern(const char *text, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	size_t before = star ? (size_t)(star - pattern) : 0;

	if (!star)
		return streq(text, pattern);
	return strncmp(text, pattern, before) == 0 && str_has_suffix(text + before, star + 1);
}

/* A property that is a list of strings, each with a NUL at its end. */
struct string_list_property {
	char *strings; /* NULL: the node has no such property */
	size_t size;
};

static struct string_list_property read_compatible(const struct system *system, const char *node)
{
	_cleanup_free_ char *path = system_path(system, DEVICE_TREE_DIR "%s/compatible", node);
	struct string_list_property list = { 0 };

	if (file_read(AT_FDCWD, path, PROPERTY_MAX, &list.strings, &list.size) < 0)
		return (struct string_list_property){ 0 };
	return list;
}

static bool any_string_matches(const struct string_list_property *list, const char *pattern)
{
	if (!list->strings)
		return false;
	for (const char *s = list->strings; s < list->strings + list->size; s += strlen(s) + 1)
		if (matches_pattern(s, pattern))
			return true;
	return false;
}

bool device_tree_compatible(const struct system *system, const char *node, const char *compatible)
{
	const struct string_list_property list = read_compatible(system, node);
	_cleanup_free_ _unused_ char *strings = list.strings;

	return any_string_matches(&list, compatible);
}

static const struct usb_controller_kind *find_controller_kind(const struct system *system,
							      const char *node)
{
	const struct string_list_property list = read_compatible(system, node);
	_cleanup_free_ _unused_ char *strings = list.strings;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (any_string_matches(&list, kinds[i].compatible))
			return &kinds[i];
	return NULL;
}

static bool is_disabled(const struct system *system, const char *node)
{
	_cleanup_free_ char *status = system_read_line(system, DEVICE_TREE_DIR "%s/status", node);

	return status && !streq(status, "okay") && !streq(status, "ok");
}

/* Adds the controllers at and below `node`. */
static void add_ports(const struct system *system, struct usb_ports *ports, const char *node,
		      bool disabled, unsigned int depth)
{
	_cleanup_free_ char *dr_mode = system_read_line(system, DEVICE_TREE_DIR "%s/dr_mode", node),
			    *path = system_path(system, DEVICE_TREE_DIR "%s", node);
	const struct usb_controller_kind *kind = find_controller_kind(system, node);
	struct dirent *entry;
	DIR *dir;

	disabled = disabled || is_disabled(system, node);
	if (kind || dr_mode) {
		struct usb_port *port = array_add(ports->list, ports->n);

		port->device_tree_path = xstrdup(node);
		port->controller_kind = kind;
		port->disabled = disabled;
		port->dr_mode = steal_ptr(dr_mode);
	}
	dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *child = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = strf("%s/%s", node, entry->d_name);
		add_ports(system, ports, child, disabled, depth + 1);
	}
	if (dir)
		closedir(dir);
}

char *device_tree_node(const struct system *system, const char *device)
{
	static const char base[] = "/devicetree/base";
	_cleanup_free_ char *target = system_link_target(system, "%s/of_node", device);
	const char *node = target ? strstr(target, base) : NULL;

	return node ? xstrdup(node + strlen(base)) : NULL;
}

/*
 * Finds the platform device of each controller by the link to its node: on some boards the address
 * in the name of the device is not that of the node (fe980000.usb is usb@7e980000).
 */
static void find_platform_devices_of_ports(const struct system *system, struct usb_ports *ports)
{
	_cleanup_strings_ char **devices = system_list(system, "/sys/bus/platform/devices");

	for (char **device = devices; ports->n > 0 && *device; device++) {
		_cleanup_free_ char *dir = strf("/sys/bus/platform/devices/%s", *device);
		_cleanup_free_ char *node = device_tree_node(system, dir);

		for (size_t i = 0; node && i < ports->n; i++) {
			struct usb_port *port = &ports->list[i];

			/* A controller's second device, such as musb-hdrc.0, has the same node. */
			if (!streq(node, port->device_tree_path) || port->bound_driver)
				continue;
			free(port->platform_device);
			port->platform_device = xstrdup(*device);
			port->bound_driver = system_link_name(system, "%s/driver", dir);
		}
	}
}

static int compare_ports(const void *a, const void *b)
{
	return strcmp(((const struct usb_port *)a)->device_tree_path,
		      ((const struct usb_port *)b)->device_tree_path);
}

void usb_ports_list(const struct system *system, struct usb_ports *ports)
{
	*ports = (struct usb_ports){ 0 };
	add_ports(system, ports, "", false, 0);
	if (ports->n > 0)
		qsort(ports->list, ports->n, sizeof(*ports->list), compare_ports);
	find_platform_devices_of_ports(system, ports);
}

void usb_ports_free(struct usb_ports *ports)
{
	for (size_t i = 0; i < ports->n; i++) {
		struct usb_port *port = &ports->list[i];

		free(port->device_tree_path);
		free(port->dr_mode);
		free(port->platform_device);
		free(port->bound_driver);
	}
	free(ports->list);
	*ports = (struct usb_ports){ 0 };
}
