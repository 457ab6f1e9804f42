/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of UDC drivers with properties that sysfs does not show. Also finds reasons why this
 * system has no UDC.
 */
#include "configfs/udc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define ROLE_CLASS_DIR "/sys/class/usb_role"
#define PLATFORM_DRIVERS_DIR "/sys/bus/platform/drivers"

/*
 * The numbers of endpoints are from the drivers' source code. A member that a row does not set is
 * unknown or depends on the hardware. To add a driver, add a row. To add a property, add a member
 * to struct udc_traits, set it in the rows, and add a sentence to udc_mismatch_reason. clang-format
 * would put each member of a long row on a separate line.
 */
/* clang-format off */
static const struct udc_traits driver_traits[] = {
	{ .driver = "aspeed_udc", .n_endpoints = 4, .scatter_gather = UDC_SG_NO },
	{ .driver = "at91_udc", .n_endpoints = 5, .scatter_gather = UDC_SG_NO },
	{ .driver = "bcm63xx_udc", .n_endpoints = 4, .scatter_gather = UDC_SG_NO },
	{ .driver = "ci_hdrc", .scatter_gather = UDC_SG_YES, .dual_role = true },
	{ .driver = "dummy_udc", .n_endpoints = 30, .is_virtual = true },
	/* Whether dwc2 supports scatter-gather depends on descriptor DMA. */
	{ .driver = "dwc2", .dual_role = true },
	{ .driver = "dwc3", .scatter_gather = UDC_SG_YES, .dual_role = true },
	{ .driver = "fusb300_udc", .n_endpoints = 15, .scatter_gather = UDC_SG_NO },
	{ .driver = "goku_udc", .n_endpoints = 3, .scatter_gather = UDC_SG_NO },
	{ .driver = "lpc32xx_udc", .n_endpoints = 15, .scatter_gather = UDC_SG_NO },
	{ .driver = "m66592_udc", .n_endpoints = 7, .scatter_gather = UDC_SG_NO },
	{ .driver = "max3420-udc", .n_endpoints = 3, .scatter_gather = UDC_SG_NO },
	{ .driver = "mtu3", .scatter_gather = UDC_SG_NO, .dual_role = true },
	{ .driver = "musb-hdrc", .scatter_gather = UDC_SG_NO, .dual_role = true },
	{ .driver = "net2272", .n_endpoints = 3, .scatter_gather = UDC_SG_NO },
	{ .driver = "net2280", .scatter_gather = UDC_SG_NO },
	{ .driver = "pxa27x-udc", .n_endpoints = 5, .scatter_gather = UDC_SG_NO },
	{ .driver = "r8a66597_udc", .n_endpoints = 7, .scatter_gather = UDC_SG_NO },
	{ .driver = "tegra-xudc", .n_endpoints = 30, .scatter_gather = UDC_SG_NO },
	{ .driver = "usbf_renesas", .n_endpoints = 15, .scatter_gather = UDC_SG_NO },
	{ .driver = "usbip-vudc", .n_endpoints = 30, .scatter_gather = UDC_SG_NO,
	  .is_virtual = true },
	{ .driver = "xilinx-udc", .n_endpoints = 7, .scatter_gather = UDC_SG_NO },
};
/* clang-format on */

const struct udc_traits *udc_traits_or_unknown(const char *driver)
{
	static const struct udc_traits unknown = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(driver_traits); i++)
		if (streq_null(driver, driver_traits[i].driver))
			return &driver_traits[i];
	return &unknown;
}

char *udc_mismatch_reason(const char *driver, const struct gadget *g)
{
	const struct udc_traits *udc = udc_traits_or_unknown(driver);
	const struct endpoint_count needs = gadget_endpoint_count(g);

	if (udc->n_endpoints > 0 && needs.in + needs.out > udc->n_endpoints)
		return strf("the gadget needs at least %u endpoints besides ep0, but a UDC of %s "
			    "has %u",
			    needs.in + needs.out, driver, udc->n_endpoints);
	return NULL;
}

struct hint_list {
	char **hints;
	size_t n;
};

/* Adds a hint if the role switch `name` is not set to device mode. */
static void add_role_hint(struct hint_list *h, const char *name)
{
	_cleanup_free_ char *path = strf(ROLE_CLASS_DIR "/%s/role", name), *role = NULL;

	if (file_read_line(AT_FDCWD, path, &role) < 0 || streq(role, "device"))
		return;
	*array_add(h->hints, h->n) =
		strf("the role switch %s is set to '%s': echo device > %s", name, role, path);
}

/*
 * Adds a hint for each controller of the dual-role driver `driver` that is not in device mode: such
 * a controller has no UDC.
 */
static void add_dual_role_hint(struct hint_list *h, const char *driver)
{
	_cleanup_free_ char *dir = strf(PLATFORM_DRIVERS_DIR "/%s", driver);
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		_cleanup_free_ char *path = strf("%s/%s/udc", dir, entry->d_name),
				    *mode_path = NULL, *mode = NULL;

		/* The links in a driver's directory lead to its devices, except "module". */
		if (entry->d_type != DT_LNK || streq(entry->d_name, "module") || path_exists(path))
			continue;
		mode_path = strf("%s/%s/of_node/dr_mode", dir, entry->d_name);
		if (file_read_line(AT_FDCWD, mode_path, &mode) < 0)
			mode = NULL;
		*array_add(h->hints, h->n) =
			strf("%s (%s) is not in device mode%s%s%s: in the device tree dr_mode "
			     "must be \"peripheral\" or \"otg\", and the kernel must support it",
			     entry->d_name, driver, mode ? " (dr_mode is \"" : "", mode ? mode : "",
			     mode ? "\")" : "");
	}
	if (d)
		closedir(d);
}

size_t udc_absence_hints(char ***hints)
{
	struct hint_list h = { 0 };
	DIR *d = opendir(ROLE_CLASS_DIR);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			add_role_hint(&h, entry->d_name);
	if (d)
		closedir(d);
	for (size_t i = 0; i < ARRAY_SIZE(driver_traits); i++)
		if (driver_traits[i].dual_role)
			add_dual_role_hint(&h, driver_traits[i].driver);
	if (h.n == 0)
		*array_add(h.hints, h.n) = xstrdup("load the controller's driver, and put the port "
						   "in device mode: see 'ffsctl doctor'");
	*hints = h.hints;
	return h.n;
}
