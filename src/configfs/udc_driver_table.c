/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of UDC drivers, from the source code of Linux 6.12. */
#include "configfs/udc_driver_table.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define EITHER(n_, types_, max_packet_)                                                            \
	{                                                                                          \
		n_, UDC_EITHER, types_, max_packet_                                                \
	}
#define IN(n_, types_, max_packet_)                                                                \
	{                                                                                          \
		n_, UDC_IN, types_, max_packet_                                                    \
	}
#define OUT(n_, types_, max_packet_)                                                               \
	{                                                                                          \
		n_, UDC_OUT, types_, max_packet_                                                   \
	}
#define PAIRS(n_, types_, max_packet_) IN(n_, types_, max_packet_), OUT(n_, types_, max_packet_)
#define ALL UDC_ALL_TYPES
#define BULK (UDC_BULK | UDC_INTERRUPT)

/*
 * A member that a row does not set is unknown. To add a driver, add a row, and the lines of its
 * source code that show it. To add a property, add a member to struct udc_traits, set it in the
 * rows, and use it: in `udc` (cmd/udc.c), in the table of doc/boards.md (generate_udc_table.c), and
 * if a gadget can need it, in predict/udc_mismatch.c. clang-format would put each member of a long
 * row on a separate line.
 */
/* clang-format off */
const struct udc_traits udc_traits_table[] = {
	{ .driver = "amd5536udc-pci", .source = "gadget/udc/snps_udc_core.c:109, 1427, 3137",
	  .endpoints = { PAIRS(15, BULK, 0) }, .endpoints_depend_on_hardware = true,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "aspeed_udc",
	  .source = "gadget/udc/aspeed_udc.c:19, 663, 1339, 1361, 1384, 1538",
	  .endpoints = { EITHER(4, ALL, 1024) }, .zlp = UDC_NO,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "aspeed_vhub",
	  .source = "gadget/udc/aspeed-vhub/vhub.h:213, dev.c:359, 468, 590, epn.c:53, 206",
	  .endpoints = { EITHER(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH,
	  .note = "its UDCs share the endpoints, and sysfs does not show their driver" },
	{ .driver = "at91_udc", .source = "gadget/udc/at91_udc.c:70, 425, 833, 990, 1597",
	  .endpoints = { EITHER(2, ALL, 64), EITHER(1, UDC_INTERRUPT, 64), EITHER(2, ALL, 512) },
	  .zlp = UDC_YES, .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_FULL,
	  .note = "the packets of the last two are 256 bytes on some SoCs" },
	{ .driver = "atmel_usba_udc", .source = "gadget/udc/atmel_usba_udc.c:414, 1106, 1126, 2061",
	  .endpoints = { EITHER(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH,
	  .note = "SAM9 has 6, of which 4 can be isochronous" },
	{ .driver = "bcm63xx_udc", .source = "gadget/udc/bcm63xx_udc.c:56, 176, 604, 1870, 2305",
	  .endpoints = { PAIRS(1, BULK, 512), PAIRS(1, UDC_INTERRUPT, 64) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "bdc",
	  .source = "gadget/udc/bdc/bdc_core.c:395, bdc_ep.c:1730, 1980, bdc_udc.c:510, 525, 529",
	  .endpoints = { PAIRS(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_NO,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER },
	{ .driver = "cdns-usb3",
	  .source = "cdns3/cdns3-gadget.h:1072, cdns3-gadget.c:2660, 3136, 3215, 3224, 3331, 3401",
	  .endpoints = { PAIRS(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER,
	  .max_transfer = 127 * 1024,
	  .longer_transfers = "of longer ones a piece of memory of 128 KiB or more is cut",
	  .note = "scatter-gather from version 2 of the controller on; a buffer for all endpoints" },
	{ .driver = "cdns2-pci",
	  .source = "gadget/udc/cdns2/cdns2-gadget.c:1723, 2160, 2219, 2226, 2334",
	  .endpoints = { PAIRS(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .scatter_gather = UDC_YES, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "cdnsp-pci",
	  .source = "cdns3/cdnsp-gadget.c:1599, 1687, 1694, 2007, 2014, cdnsp-ring.c:1902",
	  .endpoints = { PAIRS(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .scatter_gather = UDC_YES,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER_PLUS },
	{ .driver = "ci_hdrc",
	  .source = "chipidea/core.c:241, udc.c:458, 829, 1115, 2003, 2034, 2263, 2266",
	  .endpoints = { PAIRS(15, ALL, 0) }, .endpoints_depend_on_hardware = true, .zlp = UDC_YES,
	  .scatter_gather = UDC_YES,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH, .dual_role = true,
	  .max_transfer = 16 * 1024,
	  .longer_transfers = "a longer one does not end with a short packet from the host, and "
			      "i.MX refuses it since Linux 6.12.5" },
	/* The patches in kernel/ add scatter-gather to dummy_hcd, as a module parameter. */
	{ .driver = "dummy_udc", .source = "gadget/udc/dummy_hcd.c:142, 983, 1116, 1530",
	  .endpoints = { IN(9, BULK, 0), IN(3, UDC_INTERRUPT, 0), OUT(12, BULK, 0) },
	  .zlp = UDC_YES,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER, .is_virtual = true },
	{ .driver = "dwc2",
	  .source = "dwc2/hw.h:886, gadget.c:867, 1133, 4160, 4582, 4796, 4850, 4858, 4898, 5009",
	  .endpoints = { PAIRS(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES, .zlp_blocks_ep0 = true,
	  .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH, .dual_role = true,
	  .max_transfer = 256 * 1024,
	  .longer_transfers = "with descriptor DMA longer ones overwrite kernel memory, unless the "
			      "kernel has the group 'fixes' of ffsctl's patches",
	  .note = "scatter-gather with descriptor DMA; each IN endpoint needs a FIFO; hosts cannot "
		  "read a report descriptor of 64, 128, ... bytes, unless the kernel has the group "
		  "'fixes'" },
	{ .driver = "dwc3",
	  .source = "dwc3/core.c:614, core.h:852, gadget.c:1420, 3215, 3283, 3331, 4858",
	  .endpoints = { PAIRS(15, ALL, 0) }, .endpoints_depend_on_hardware = true, .zlp = UDC_YES,
	  .scatter_gather = UDC_YES,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER_PLUS, .dual_role = true,
	  .max_transfer = 8 * 1024 * 1024,
	  .longer_transfers = "of longer ones a piece of memory of 16 MiB or more is cut",
	  .note = "FIFOs limit the packets" },
	{ .driver = "fotg210", .source = "fotg210/fotg210-udc.h:11, fotg210-udc.c:1116, 1228, 1247",
	  .endpoints = { EITHER(4, ALL, 0) }, .zlp = UDC_NO,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "fsl-usb2-udc",
	  .source = "gadget/udc/fsl_udc_core.c:797, 1235, 2324, 2430, 2462",
	  .endpoints = { PAIRS(15, ALL, 0) }, .endpoints_depend_on_hardware = true, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "fusb300_udc", .source = "gadget/udc/fusb300_udc.c:1335, 1418, 1450, 1455",
	  .endpoints = { EITHER(15, ALL, 512) }, .zlp = UDC_NO,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "goku_udc", .source = "gadget/udc/goku_udc.c:237, 1032, 1284, 1769",
	  .endpoints = { EITHER(3, BULK, 64) },
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_FULL },
	{ .driver = "gr_udc", .source = "gadget/udc/gr_udc.c:555, 1935, 2007, 2154, 2164",
	  .endpoints = { PAIRS(15, ALL, 0) }, .endpoints_depend_on_hardware = true, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH,
	  .note = "the device tree limits the packets" },
	{ .driver = "isp1760",
	  .source = "isp1760/isp1760-udc.h:80, isp1760-udc.c:416, 1330, 1482, 1570",
	  .endpoints = { PAIRS(7, ALL, 512) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "lpc32xx_udc", .source = "gadget/udc/lpc32xx_udc.c:1794, 2486, 2521",
	  .endpoints = { EITHER(5, UDC_INTERRUPT, 64), EITHER(5, BULK, 64), EITHER(1, BULK, 1023),
			 EITHER(4, UDC_ISOCHRONOUS, 1023) },
	  .zlp = UDC_YES, .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_FULL },
	{ .driver = "m66592_udc", .source = "gadget/udc/m66592-udc.c:780, 1508, 1587, 1627, 1632",
	  .endpoints = { EITHER(7, ALL, 512) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "max3420-udc", .source = "gadget/udc/max3420_udc.c:1146, 1167, 1179, 1228",
	  .endpoints = { IN(2, BULK, 64), OUT(1, BULK, 64) }, .zlp = UDC_NO,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_FULL },
	{ .driver = "mtu3",
	  .source = "mtu3/mtu3_core.c:615, mtu3_gadget.c:627, 669, 712, mtu3_qmu.c:270",
	  .endpoints = { PAIRS(15, ALL, 1024) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER_PLUS, .dual_role = true },
	{ .driver = "musb-hdrc",
	  .source = "musb/musb_gadget.c:474, 1674, 1718, 1780, 2075, sunxi.c:632",
	  .endpoints = { PAIRS(15, ALL, 0) }, .endpoints_depend_on_hardware = true, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH, .dual_role = true,
	  .note = "sets quirk_zlp_not_supp, with which network functions send a byte instead of a "
		  "ZLP; Allwinner has 4 or 5 IN and OUT of 512 bytes" },
	{ .driver = "net2272", .source = "gadget/udc/net2272.c:42, 255, 1158, 1392, 1553, 2249",
	  .endpoints = { EITHER(3, ALL, 0) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "net2280",
	  .source = "gadget/udc/net2280.c:85, 916, 1619, 2174, 3640, 3694, 3706",
	  .endpoints = { EITHER(8, ALL, 0) }, .endpoints_depend_on_hardware = true, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER,
	  .note = "NET228x has 6, two of them with 64 bytes; USB338x has 4 IN and 4 OUT, or 4" },
	{ .driver = "omap_udc", .source = "gadget/udc/omap_udc.c:380, 562, 1315, 2637",
	  .zlp = UDC_YES, .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_FULL },
	{ .driver = "pxa27x-udc",
	  .source = "gadget/udc/pxa27x_udc.c:934, 1617, 1666, 2303, pxa27x_udc.h:406",
	  .endpoints = { PAIRS(1, BULK, 64), PAIRS(1, UDC_ISOCHRONOUS, 256),
			 IN(1, UDC_INTERRUPT, 16) },
	  .zlp = UDC_YES, .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_FULL,
	  .note = "no alternate settings" },
	{ .driver = "r8a66597_udc",
	  .source = "gadget/udc/r8a66597-udc.h:18, r8a66597-udc.c:977, 1800, 1871, 1917",
	  .endpoints = { EITHER(7, ALL, 512) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH,
	  .note = "3 can be bulk, 2 isochronous, 2 interrupt" },
	{ .driver = "renesas_usb3",
	  .source = "gadget/udc/renesas_usb3.c:262, 1121, 2434, 2687, 2727, 2868",
	  .endpoints = { IN(8, BULK, 0), OUT(7, BULK, 0) }, .endpoints_depend_on_hardware = true,
	  .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_SUPER,
	  .note = "3 IN and 2 OUT, except on RZ/V2M" },
	{ .driver = "renesas_usbhs",
	  .source = "renesas_usbhs/common.c:369, 383, mod_gadget.c:1050, 1128, fifo.c:571",
	  .zlp = UDC_YES, .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH,
	  .note = "9 or 15 for either direction, each with one type; 2 are isochronous" },
	{ .driver = "snps-udc-plat", .source = "gadget/udc/snps_udc_core.c:109, 1427, 3137",
	  .endpoints = { PAIRS(15, BULK, 0) }, .endpoints_depend_on_hardware = true,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH },
	{ .driver = "tegra-xudc",
	  .source = "gadget/udc/tegra-xudc.c:461, 1288, 2184, 3175, 3178, 3883",
	  .endpoints = { PAIRS(15, BULK, 1024) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_SUPER },
	{ .driver = "usbf_renesas", .source = "gadget/udc/renesas_usbf.c:345, 577, 3172, 3282",
	  .endpoints = { EITHER(5, BULK, 512), EITHER(4, UDC_INTERRUPT, 1024),
			 EITHER(6, UDC_ISOCHRONOUS, 1024) },
	  .zlp = UDC_YES, .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH,
	  .note = "the driver has no code for isochronous transfers" },
	{ .driver = "usbip-vudc",
	  .source = "usbip/vudc_dev.c:221, 528, 555, 608, vudc_transfer.c:265",
	  .endpoints = { PAIRS(15, ALL, 0) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO,
	  .remote_wakeup = UDC_NO, .max_speed = GADGET_SPEED_HIGH, .is_virtual = true },
	{ .driver = "xilinx-udc", .source = "gadget/udc/udc-xilinx.c:83, 700, 826, 1436, 2105",
	  .endpoints = { EITHER(7, ALL, 0) }, .zlp = UDC_YES,
	  .scatter_gather = UDC_NO, .remote_wakeup = UDC_YES, .max_speed = GADGET_SPEED_HIGH,
	  .note = "interrupt packets have at most 64 bytes" },
	{ 0 },
};
/* clang-format on */

const struct udc_traits *udc_traits_or_unknown(const char *driver)
{
	const struct udc_traits *traits = udc_traits_table;

	while (traits->driver && !streq_null(driver, traits->driver))
		traits++;
	return traits;
}

unsigned int udc_count_endpoints(const struct udc_traits *traits, enum udc_direction direction)
{
	unsigned int n = 0;

	for (const struct udc_endpoint_group *e = traits->endpoints; e->n; e++)
		n += e->direction == direction ? e->n : 0;
	return n;
}

enum udc_answer udc_has_isochronous(const struct udc_traits *traits)
{
	if (!traits->endpoints[0].n)
		return UDC_UNKNOWN;
	for (const struct udc_endpoint_group *e = traits->endpoints; e->n; e++)
		if (e->types & UDC_ISOCHRONOUS)
			return UDC_YES;
	return UDC_NO;
}

char *udc_endpoint_counts_text(const struct udc_traits *traits)
{
	const char *most = traits->endpoints_depend_on_hardware ? "at most " : "";

	if (!traits->endpoints[0].n)
		return xstrdup("unknown");
	if (udc_count_endpoints(traits, UDC_EITHER))
		return strf("%s%u for either direction", most,
			    udc_count_endpoints(traits, UDC_EITHER));
	return strf("%s%u IN and %u OUT", most, udc_count_endpoints(traits, UDC_IN),
		    udc_count_endpoints(traits, UDC_OUT));
}

static char *types_and_packet_text(const struct udc_endpoint_group *e)
{
	const char *types = (e->types & UDC_ALL_TYPES) == UDC_ALL_TYPES ? "all types"
			    : e->types & UDC_BULK			? "bulk, interrupt"
			    : e->types & UDC_INTERRUPT			? "interrupt"
									: "isochronous";

	return e->max_packet ? strf("%s, at most %u bytes", types, e->max_packet) : xstrdup(types);
}

char *udc_endpoint_types_text(const struct udc_traits *traits)
{
	static const char *const directions[] = { "IN", "OUT", "IN or OUT" };
	const struct udc_endpoint_group *first = traits->endpoints;
	bool differ = false;
	char *text;

	if (!first->n)
		return NULL;
	text = types_and_packet_text(first);
	for (const struct udc_endpoint_group *e = first; e->n; e++)
		differ |= e->types != first->types || e->max_packet != first->max_packet;
	if (!differ)
		return text;
	free(text);
	text = xstrdup("");
	for (const struct udc_endpoint_group *e = first; e->n; e++) {
		_cleanup_free_ char *old = text, *types = types_and_packet_text(e);

		text = strf("%s%s%u %s (%s)", old, e == first ? "" : ", ", e->n,
			    directions[e->direction], types);
	}
	return text;
}

char *udc_max_transfer_text(const struct udc_traits *traits)
{
	if (!traits->max_transfer)
		return NULL;
	return strf("at most %u KiB a transfer: %s", traits->max_transfer / 1024,
		    traits->longer_transfers);
}
