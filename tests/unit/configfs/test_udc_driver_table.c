// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of UDC drivers, and what is derived from it. */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "configfs/udc_driver_table.h"

static void expect_texts(const char *driver, const char *endpoints, const char *types)
{
	_cleanup_free_ char *has = udc_endpoint_counts_text(udc_traits_or_unknown(driver)),
			    *has_types = udc_endpoint_types_text(udc_traits_or_unknown(driver));

	cr_expect_str_eq(has, endpoints, "%s: %s", driver, has);
	cr_expect_str_eq(has_types ?: "", types, "%s: %s", driver, has_types);
}

Test(udc_traits, virtual_and_dual_role_drivers)
{
	cr_expect(udc_traits_or_unknown("dummy_udc")->is_virtual);
	cr_expect(udc_traits_or_unknown("usbip-vudc")->is_virtual);
	cr_expect_not(udc_traits_or_unknown("dwc3")->is_virtual);
	cr_expect_not(udc_traits_or_unknown(NULL)->is_virtual);
	cr_expect(udc_traits_or_unknown("dwc3")->dual_role);
	cr_expect_not(udc_traits_or_unknown("net2280")->dual_role);
}

Test(udc_traits, of_an_unknown_driver_everything_is_unknown)
{
	for (size_t i = 0; i < 2; i++) {
		const struct udc_traits *t = udc_traits_or_unknown(i ? "no-such-driver" : NULL);

		cr_expect_null(t->driver);
		cr_expect_eq(udc_count_endpoints(t, UDC_IN), 0);
		cr_expect_eq(udc_has_isochronous(t), UDC_UNKNOWN);
		cr_expect_eq(t->zlp, UDC_UNKNOWN);
		cr_expect_eq(t->scatter_gather, UDC_UNKNOWN);
		cr_expect_eq(t->max_speed, GADGET_SPEED_NONE);
	}
	expect_texts(NULL, "unknown", "");
	expect_texts("omap_udc", "unknown", "");
}

Test(udc_traits, endpoints_by_direction)
{
	const struct udc_traits *t = udc_traits_or_unknown("pxa27x-udc");

	cr_expect_eq(udc_count_endpoints(t, UDC_IN), 3);
	cr_expect_eq(udc_count_endpoints(t, UDC_OUT), 2);
	cr_expect_eq(udc_count_endpoints(t, UDC_EITHER), 0);
	expect_texts("max3420-udc", "2 IN and 1 OUT", "bulk, interrupt, at most 64 bytes");
	expect_texts("net2272", "3 for either direction", "all types");
	expect_texts("dwc2", "at most 15 IN and 15 OUT", "all types, at most 1024 bytes");
	expect_texts("usbf_renesas", "15 for either direction",
		     "5 IN or OUT (bulk, interrupt, at most 512 bytes), 4 IN or OUT (interrupt, at "
		     "most 1024 bytes), 6 IN or OUT (isochronous, at most 1024 bytes)");
}

Test(udc_traits, isochronous_endpoints)
{
	cr_expect_eq(udc_has_isochronous(udc_traits_or_unknown("dwc2")), UDC_YES);
	cr_expect_eq(udc_has_isochronous(udc_traits_or_unknown("pxa27x-udc")), UDC_YES);
	cr_expect_eq(udc_has_isochronous(udc_traits_or_unknown("tegra-xudc")), UDC_NO);
	cr_expect_eq(udc_has_isochronous(udc_traits_or_unknown("renesas_usbhs")), UDC_UNKNOWN);
}

Test(udc_traits, remote_wakeup_is_known_of_all)
{
	cr_expect_eq(udc_traits_or_unknown("dwc2")->remote_wakeup, UDC_NO);
	cr_expect_eq(udc_traits_or_unknown("dwc3")->remote_wakeup, UDC_YES);
	cr_expect_eq(udc_traits_or_unknown("no-such-driver")->remote_wakeup, UDC_UNKNOWN);
	for (const struct udc_traits *t = udc_traits_table; t->driver; t++)
		cr_expect_neq(t->remote_wakeup, UDC_UNKNOWN, "%s", t->driver);
}

Test(udc_traits, each_row_has_a_source_and_follows_the_one_before)
{
	const char *before = "";

	for (const struct udc_traits *t = udc_traits_table; t->driver; t++) {
		cr_expect(t->source && strstr(t->source, ".") && strchr(t->source, ':'), "%s",
			  t->driver);
		cr_expect_lt(strcmp(before, t->driver), 0, "%s after %s", t->driver, before);
		cr_expect_eq(t->endpoints[UDC_MAX_GROUPS].n, 0, "%s", t->driver);
		for (const struct udc_endpoint_group *e = t->endpoints; e->n; e++)
			cr_expect(e->types && e->n <= 15, "%s", t->driver);
		before = t->driver;
	}
}
