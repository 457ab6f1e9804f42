// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known about drivers of UDCs, and the gadgets that they cannot carry. */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "configfs/udc.h"
#include "gadgetfile/gadgetfile.h"

static struct gadget *load(const char *text)
{
	struct diags diags = { 0 };
	struct gadget *g;

	gadgetfile_load_text("/nonexistent/demo.conf", text, strlen(text), &g, NULL, &diags);
	cr_assert_not_null(g, "%s", diags.n ? diags.list[0].text : "");
	diags_free(&diags);
	return g;
}

Test(udc_mismatch_reason, a_known_driver_has_too_few_endpoints)
{
	_cleanup_gadget_ struct gadget *g =
		load("functions = { a = { type = \"acm\"; }; b = { type = \"gser\"; }; };");
	_cleanup_free_ char *words = udc_mismatch_reason("max3420-udc", g);

	cr_expect_str_eq(words ?: "",
			 "the gadget needs at least 5 endpoints besides ep0, but a UDC of "
			 "max3420-udc has 3");
}

Test(udc_mismatch_reason, is_nothing_for_enough_or_an_unknown_number_of_endpoints)
{
	_cleanup_gadget_ struct gadget *g = load("functions = { a = { type = \"acm\"; }; };");

	cr_expect_null(udc_mismatch_reason("max3420-udc", g));
	cr_expect_null(udc_mismatch_reason("dwc2", g), "its number depends on the hardware");
	cr_expect_null(udc_mismatch_reason("no-such-driver", g));
	cr_expect_null(udc_mismatch_reason(NULL, g));
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
