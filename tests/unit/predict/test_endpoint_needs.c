// SPDX-License-Identifier: GPL-2.0-or-later
/* The endpoints that a configuration needs, and what a UDC of a known driver does not have. */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "gadgetfile/gadgetfile.h"
#include "gadgetfile/keys/function_types.h"
#include "predict/endpoint_needs.h"
#include "predict/udc_mismatch.h"

static struct gadget *load(const char *text)
{
	struct diags diags = { 0 };
	struct gadget *g;

	gadgetfile_load_text("/nonexistent/demo.conf", text, strlen(text), &g, NULL, &diags);
	cr_assert_not_null(g, "%s", diags.n ? diags.list[0].text : "");
	diags_free(&diags);
	return g;
}

static void expect_needs(const char *text, size_t config, unsigned int in, unsigned int out,
			 bool at_least)
{
	_cleanup_gadget_ struct gadget *g = load(text);

	for (int kernel = 0; kernel < KERNEL_SERIES_COUNT; kernel++) {
		_cleanup_endpoint_needs_ struct endpoint_needs needs = { 0 };

		endpoint_needs_find(g, (enum kernel_series)kernel, &g->configs[config], &needs);
		cr_expect_eq(needs.in, in, "%u IN: %s", needs.in, text);
		cr_expect_eq(needs.out, out, "%u OUT: %s", needs.out, text);
		cr_expect_eq(needs.is_minimum, at_least, "%s", text);
		cr_expect_eq(needs.n, in + out, "%s", text);
	}
}

#define FUNCTION(group) "functions = { f = { " group " }; };"
#define BOTH                                                                                       \
	"functions = { a = { type = \"acm\"; }; b = { ffs = { interfaces = ( { endpoints = ( "     \
	"\"bulk-in\", \"bulk-in\", \"interrupt-out\" ); } ); }; }; };"

Test(endpoint_needs, are_those_of_all_functions_of_one_configuration)
{
	expect_needs(BOTH, 0, 4, 2, false);
	expect_needs(BOTH "configs = ( { functions = ( \"a\" ); }, { functions = ( \"b\" ); } );",
		     0, 2, 1, false);
	expect_needs(BOTH "configs = ( { functions = ( \"a\" ); }, { functions = ( \"b\" ); } );",
		     1, 2, 1, false);
}

Test(endpoint_needs, depend_on_attributes)
{
	expect_needs(FUNCTION("type = \"hid\"; attrs = { report_desc = \"mouse\"; "
			      "no_out_endpoint = true; };"),
		     0, 1, 0, false);
	expect_needs(FUNCTION("type = \"uac2\"; attrs = { c_chmask = 0; p_mute_present = false; "
			      "p_volume_present = false; };"),
		     0, 1, 0, false);
}

Test(endpoint_needs, count_an_endpoint_once_that_several_alternate_settings_have)
{
	expect_needs(FUNCTION("type = \"tcm\";"), 0, 2, 2, false);
	/* The isochronous endpoints of SourceSink are only used if the UDC has them. */
	expect_needs(FUNCTION("type = \"SourceSink\";"), 0, 1, 1, false);
}

Test(endpoint_needs, leave_out_descriptors_for_which_no_endpoint_is_claimed)
{
	expect_needs(FUNCTION("type = \"midi2\";"), 0, 2, 2, false);
	expect_needs(
		FUNCTION("type = \"midi2\"; attrs = { endpoints = ( { blocks = ( { direction = "
			 "1; }, { midi1_num_groups = 1; } ); } ); };"),
		0, 2, 1, false);
}

Test(endpoint_needs, of_a_daemon_are_unknown)
{
	expect_needs(FUNCTION("ffs = { }; worker = { exec = [ \"true\" ]; opens = \"ep0\"; };"), 0,
		     0, 0, true);
	expect_needs(FUNCTION("type = \"ffs\";"), 0, 0, 0, true);
}

/* bind_failure.c uses the numbers in the table of function types. */
Test(endpoint_needs, are_those_of_the_table_of_function_types)
{
	for (const struct function_type *t = function_table; t->name; t++) {
		_cleanup_free_ char *text =
			strf("functions = { f = { type = \"%s\"; %s }; };", t->name,
			     streq(t->name, "hid") ? "attrs = { report_desc = \"mouse\"; };" : "");
		_cleanup_endpoint_needs_ struct endpoint_needs needs = { 0 };
		_cleanup_gadget_ struct gadget *g = NULL;

		if (streq(t->name, "ffs") || streq(t->name, "uvc")) /* uvc needs formats */
			continue;
		g = load(text);
		endpoint_needs_find(g, KERNEL_6_12, &g->configs[0], &needs);
		if (t->endpoints.is_minimum) {
			cr_expect_geq(needs.in, t->endpoints.in, "%s", t->name);
			cr_expect_geq(needs.out, t->endpoints.out, "%s", t->name);
		} else {
			cr_expect_eq(needs.in, t->endpoints.in, "%s: %u", t->name, needs.in);
			cr_expect_eq(needs.out, t->endpoints.out, "%s: %u", t->name, needs.out);
		}
	}
}

static void expect_mismatch(const char *driver, const char *text, const char *says)
{
	_cleanup_gadget_ struct gadget *g = load(text);
	_cleanup_udc_mismatches_ struct udc_mismatches m = { 0 };

	udc_mismatches_find(driver, NULL, g, KERNEL_6_12, &m);
	cr_expect_eq(m.n, says ? 1 : 0, "%s: %zu: %s", text, m.n, m.n ? m.list[0].text : "");
	if (says && m.n > 0) {
		cr_expect_str_eq(m.list[0].text, says);
		cr_expect_not_null(m.list[0].hint);
		cr_expect_not_null(m.list[0].at->file);
	}
}

static void expect_page_warning(struct udc_facts udc, const char *says)
{
	_cleanup_gadget_ struct gadget *g =
		load("functions = { f = { type = \"gser\"; }; };"
		     "webusb = { landingPage = \"https://x.example/\"; };");
	_cleanup_udc_mismatches_ struct udc_mismatches m = { 0 };

	udc_mismatches_find(NULL, &udc, g, KERNEL_6_12, &m);
	cr_expect_eq(m.n, says ? 1 : 0, "%s", m.n ? m.list[0].text : "no warning");
	if (says && m.n > 0) {
		cr_expect_eq(m.list[0].kind, UDC_LANDING_PAGE_UNREAD);
		cr_expect_str_eq(m.list[0].text, says);
	}
}

/* tests/cli/test_warnings.py has those of a file alone. */
Test(udc_mismatches, a_landing_page_is_read_with_superspeed_or_a_fix)
{
	static const char has_no_fix[] =
		"Chromium does not read 'landingPage': bcdUSB is 2.01 on a UDC "
		"without SuperSpeed, and must be 2.10";

	expect_page_warning((struct udc_facts){ .superspeed = UDC_NO, .webusb_fix = UDC_NO },
			    has_no_fix);
	expect_page_warning((struct udc_facts){ .superspeed = UDC_NO, .webusb_fix = UDC_UNKNOWN },
			    "Chromium reads 'landingPage' only if the kernel has a fix: bcdUSB is "
			    "2.01 on a UDC without SuperSpeed, and must be 2.10");
	expect_page_warning((struct udc_facts){ .superspeed = UDC_NO, .webusb_fix = UDC_YES },
			    NULL);
	expect_page_warning((struct udc_facts){ .superspeed = UDC_YES, .webusb_fix = UDC_NO },
			    NULL);
	expect_page_warning((struct udc_facts){ .superspeed = UDC_UNKNOWN, .webusb_fix = UDC_NO },
			    NULL);
}

static void expect_fifo_warning(const char *params, const char *text, const char *says)
{
	_cleanup_gadget_ struct gadget *g = load(text);
	_cleanup_udc_mismatches_ struct udc_mismatches m = { 0 };
	struct udc_facts facts = { 0 };

	udc_facts_set_tx_fifos(&facts, params);
	udc_mismatches_find("dwc2", &facts, g, KERNEL_6_12, &m);
	cr_expect_eq(m.n, says ? 1 : 0, "%s: %zu: %s", text, m.n, m.n ? m.list[0].text : "");
	if (says && m.n > 0) {
		cr_expect_eq(m.list[0].kind, UDC_TOO_FEW_FIFOS);
		cr_expect_str_eq(m.list[0].text, says);
	}
}

#define ENDPOINTS(list)                                                                            \
	"functions = { f = { ffs = { interfaces = ( { endpoints = ( " list " ); } ); }; }; };"
#define FIFO(n, words) "g_tx_fifo_size[" #n "]              : " #words "\n"
#define DEDICATED "en_multiple_tx_fifo           : 1\n"
#define ONE_LARGE FIFO(0, 0) FIFO(1, 16) FIFO(2, 256) FIFO(3, 16) FIFO(4, 0)

Test(udc_mismatches, each_in_endpoint_needs_a_fifo_of_dwc2)
{
	static const char two_large[] =
		"configuration 1 has 2 IN endpoints with 512 bytes or more at high speed, and the "
		"UDC has 1 FIFO for them: a host cannot use all at once";

	expect_fifo_warning(DEDICATED ONE_LARGE, ENDPOINTS("\"bulk-in\", \"bulk-out\""), NULL);
	expect_fifo_warning(DEDICATED ONE_LARGE, ENDPOINTS("\"bulk-in\", \"bulk-in\""), two_large);
	expect_fifo_warning(DEDICATED ONE_LARGE "max_speed : 0\n",
			    ENDPOINTS("\"interrupt-in\", \"bulk-in\", \"interrupt-in\""), NULL);
	expect_fifo_warning(DEDICATED FIFO(1, 256) FIFO(2, 1024),
			    ENDPOINTS("\"bulk-in\", \"bulk-in\""), NULL);
	expect_fifo_warning(DEDICATED ONE_LARGE,
			    "max_speed = \"full\"; " ENDPOINTS("\"bulk-in\", \"bulk-in\""), NULL);
	expect_fifo_warning(
		DEDICATED ONE_LARGE,
		ENDPOINTS("\"bulk-in\", \"interrupt-in\", \"interrupt-in\", "
			  "\"interrupt-in\""),
		"configuration 1 has 4 IN endpoints with 64 bytes or more at high speed, "
		"and the UDC has 3 FIFOs for them: a host cannot use all at once");
	/* Shared FIFOs, and nothing known */
	expect_fifo_warning("en_multiple_tx_fifo : 0\n" ONE_LARGE,
			    ENDPOINTS("\"bulk-in\", \"bulk-in\""), NULL);
	expect_fifo_warning("", ENDPOINTS("\"bulk-in\", \"bulk-in\""), NULL);
}

Test(udc_mismatches, a_fifo_has_the_packets_of_a_microframe)
{
	static const char three[] =
		"functions = { f = { ffs = { interfaces = ( { alternates = ( { "
		"endpoints = ( { type = \"iso\"; direction = \"in\"; max_packet = "
		"1024; mult = 3; } ); } ); } ); }; }; };";

	expect_fifo_warning(DEDICATED FIFO(1, 768), three, NULL);
	expect_fifo_warning(
		DEDICATED FIFO(1, 767), three,
		"configuration 1 has 1 IN endpoint with 3072 bytes or more at high speed, "
		"and the UDC has 0 FIFOs for them: a host cannot use all at once");
}

#define TWO_LINES "functions = { a = { type = \"acm\"; }; b = { type = \"gser\"; }; };"

Test(udc_mismatches, a_known_driver_has_too_few_endpoints)
{
	expect_mismatch("max3420-udc", TWO_LINES,
			"configuration 1 needs 3 IN and 2 OUT endpoints besides endpoint 0, but a "
			"UDC of max3420-udc has 2 IN and 1 OUT");
	expect_mismatch("aspeed_udc", TWO_LINES,
			"configuration 1 needs 3 IN and 2 OUT endpoints besides endpoint 0, but a "
			"UDC of aspeed_udc has 4 for either direction");
}

Test(udc_mismatches, are_none_for_enough_or_unknown_endpoints)
{
	expect_mismatch("max3420-udc", "functions = { a = { type = \"acm\"; }; };", NULL);
	expect_mismatch("dwc2", TWO_LINES, NULL);
	expect_mismatch("omap_udc", TWO_LINES, NULL);
	expect_mismatch("no-such-driver", TWO_LINES, NULL);
	expect_mismatch(NULL, TWO_LINES, NULL);
}

/* The kernel takes the first endpoint that fits: other assignments must not cause a warning. */
Test(udc_mismatches, an_assignment_in_any_order_counts)
{
	/* at91_udc: only ep3 cannot be bulk, so that the interrupt endpoint must take it. */
	expect_mismatch("at91_udc",
			FUNCTION("ffs = { speeds = [ \"full\" ]; interfaces = ( { endpoints = ( "
				 "\"interrupt-in\", \"bulk-in\", \"bulk-in\", \"bulk-out\", "
				 "\"bulk-out\" ); } ); };"),
			NULL);
	expect_mismatch("at91_udc",
			FUNCTION("ffs = { speeds = [ \"full\" ]; interfaces = ( { endpoints = ( "
				 "\"bulk-in\", \"bulk-in\", \"bulk-in\", \"bulk-out\", "
				 "\"bulk-out\" ); } ); };"),
			"configuration 1 needs 3 IN and 2 OUT endpoints besides endpoint 0, but a "
			"UDC of at91_udc has 2 IN or OUT (all types, at most 64 bytes), 1 IN or "
			"OUT (interrupt, at most 64 bytes), 2 IN or OUT (all types, at most 512 "
			"bytes): none is left for the bulk OUT endpoint of function 'f'");
}

Test(udc_mismatches, isochronous_endpoints_are_reported_once_for_a_function)
{
	expect_mismatch(
		"tegra-xudc", FUNCTION("type = \"uac2\";"),
		"function 'f' needs isochronous endpoints, but a UDC of tegra-xudc has none");
}
