/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists properties of UDC drivers that sysfs does not show, and reasons why a system has no UDC. */
#include "configfs/udc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define ROLE_CLASS_DIR "/sys/class/usb_role"
#define PLATFORM_DRIVERS_DIR "/sys/bus/platform/drivers"

/*
 * Endpoint counts are from the driver's source; 0: the driver reads the number from the hardware.
 */
static const struct {
	const char *driver;
	struct udc_traits traits;
} known[] = {
	/* clang-format off: one line each */
	{ "aspeed_udc", { 4, UDC_SG_NO } },
	{ "at91_udc", { 5, UDC_SG_NO } },
	{ "bcm63xx_udc", { 4, UDC_SG_NO } },
	{ "ci_hdrc", { 0, UDC_SG_YES } },
	{ "dummy_udc", { 30, UDC_SG_UNKNOWN } },
	{ "dwc2", { 0, UDC_SG_UNKNOWN } }, /* supports scatter-gather with descriptor DMA only */
	{ "dwc3", { 0, UDC_SG_YES } },
	{ "fusb300_udc", { 15, UDC_SG_NO } },
	{ "goku_udc", { 3, UDC_SG_NO } },
	{ "lpc32xx_udc", { 15, UDC_SG_NO } },
	{ "m66592_udc", { 7, UDC_SG_NO } },
	{ "max3420-udc", { 3, UDC_SG_NO } },
	{ "mtu3", { 0, UDC_SG_NO } },
	{ "musb-hdrc", { 0, UDC_SG_NO } },
	{ "net2272", { 3, UDC_SG_NO } },
	{ "net2280", { 0, UDC_SG_NO } },
	{ "pxa27x-udc", { 5, UDC_SG_NO } },
	{ "r8a66597_udc", { 7, UDC_SG_NO } },
	{ "tegra-xudc", { 30, UDC_SG_NO } },
	{ "usbf_renesas", { 15, UDC_SG_NO } },
	{ "usbip-vudc", { 30, UDC_SG_NO } },
	{ "xilinx-udc", { 7, UDC_SG_NO } },
	/* clang-format on */
};

const struct udc_traits *udc_traits(const char *driver)
{
	static const struct udc_traits unknown = { 0, UDC_SG_UNKNOWN };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq_null(driver, known[i].driver))
			return &known[i].traits;
	return &unknown;
}

struct hints {
	char **v;
	size_t n;
};

/* Adds a hint about a role switch: one that is set to host prevents device mode. */
static void add_role(struct hints *h, const char *name)
{
	_cleanup_free_ char *path = strf(ROLE_CLASS_DIR "/%s/role", name), *role = NULL;

	if (file_read_line(AT_FDCWD, path, &role) < 0 || streq(role, "device"))
		return;
	*array_add(h->v, h->n) =
		strf("the role switch %s is set to '%s': echo device > %s", name, role, path);
}

/* Adds a hint about a dual-role controller: one that has a driver but no UDC is in host mode. */
static void add_dual_role(struct hints *h, const char *driver)
{
	_cleanup_free_ char *dir = strf(PLATFORM_DRIVERS_DIR "/%s", driver);
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		_cleanup_free_ char *path = strf("%s/%s/udc", dir, entry->d_name),
				    *mode_path = NULL, *mode = NULL;

		/* Devices are links; "module" is a link, but no device. */
		if (entry->d_type != DT_LNK || streq(entry->d_name, "module") || path_exists(path))
			continue;
		mode_path = strf("%s/%s/of_node/dr_mode", dir, entry->d_name);
		if (file_read_line(AT_FDCWD, mode_path, &mode) < 0)
			mode = NULL;
		*array_add(h->v, h->n) =
			strf("%s (%s) is not in device mode%s%s%s: in the device tree dr_mode "
			     "must be \"peripheral\" or \"otg\", and the kernel must support it",
			     entry->d_name, driver, mode ? " (dr_mode is \"" : "", mode ? mode : "",
			     mode ? "\")" : "");
	}
	if (d)
		closedir(d);
}

size_t udc_hints(char ***words)
{
	static const char *const dual_role[] = { "ci_hdrc", "dwc2", "dwc3", "mtu3", "musb-hdrc" };
	struct hints h = { 0 };
	DIR *d = opendir(ROLE_CLASS_DIR);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			add_role(&h, entry->d_name);
	if (d)
		closedir(d);
	for (size_t i = 0; i < ARRAY_SIZE(dual_role); i++)
		add_dual_role(&h, dual_role[i]);
	*words = h.v;
	return h.n;
}
