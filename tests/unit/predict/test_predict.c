// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks that predicted descriptors are consistent, without a kernel.
 * (tests/lab/predict/test_predict.py compares each byte with a kernel.)
 */
#include <criterion/criterion.h>
#include <linux/usb/ch9.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "gadgetfile/gadgetfile.h"
#include "gadgetfile/types/attrs.h"
#include "predict/predict.h"

static struct gadget *load(const char *functions)
{
	_cleanup_free_ char *text = strf("attrs : { idVendor = 0x1d6b; idProduct = 0x0104; };\n"
					 "functions : { %s };\n",
					 functions);
	struct diags diags = { 0 };
	struct gadget *g;

	gadgetfile_load_text("test.conf", text, strlen(text), &g, NULL, &diags);
	cr_assert_not_null(g, "%s", diags.n ? diags.list[0].text : "");
	diags_free(&diags);
	return g;
}

static unsigned int total_of(const struct descriptor *d)
{
	return d->bytes[2] | (unsigned int)d->bytes[3] << 8;
}

/* Checks lengths, counts and total lengths. */
static void check_config(const struct prediction_input *f)
{
	_cleanup_descriptors_ struct descriptors d = { 0 };
	const struct function *function = &f->gadget->functions[0];
	bool maybe = false, seen[256] = { false };
	unsigned int endpoints = 0, interfaces = 0;
	size_t total = 0;

	predict_config(f, &f->gadget->configs[0], &d);
	cr_assert_gt(d.n, 1, "%s: no descriptors", function->type);
	for (size_t i = 0; i < d.n; i++) {
		const struct descriptor *one = &d.list[i];

		cr_assert_eq(one->bytes[0], one->size, "%s: descriptor %zu: %u, not %zu",
			     function->type, i, one->bytes[0], one->size);
		maybe |= one->depends_on_endpoints;
		total += one->size;
		if (one->bytes[1] == USB_DT_INTERFACE) {
			cr_assert_eq(endpoints, 0, "%s: endpoint missing", function->type);
			endpoints = one->bytes[4];
			interfaces += !seen[one->bytes[2]];
			seen[one->bytes[2]] = true;
		} else if (one->bytes[1] == USB_DT_ENDPOINT) {
			cr_assert_gt(endpoints--, 0, "%s: surplus endpoint", function->type);
			if (f->speed == EP_SUPER)
				cr_assert_eq(d.list[i + 1].bytes[1], USB_DT_SS_ENDPOINT_COMP, "%s",
					     function->type);
		}
	}
	cr_assert_eq(endpoints, 0, "%s: endpoint missing", function->type);
	cr_assert_eq(d.list[0].bytes[4], interfaces, "%s", function->type);
	cr_assert_eq(total_of(&d.list[0]), total, "%s", function->type);
	cr_assert_eq(d.list[0].certain_bits[2], maybe ? 0 : 0xff);
}

static void check_type(const char *type, const char *attrs)
{
	_cleanup_free_ char *text = strf("f : { type = \"%s\"; %s };", type, attrs);
	_cleanup_gadget_ struct gadget *g = load(text);

	for (int kernel = 0; kernel < KERNEL_SERIES_COUNT; kernel++) {
		for (int speed = 0; speed < EP_SPEED_COUNT; speed++) {
			const struct prediction_input f = { g,	   (enum kernel_series)kernel,
							    speed, NULL,
							    NULL,  NULL };

			if (predict_can_run_at_speed(g, speed))
				check_config(&f);
		}
	}
}

Test(predict, each_function_type_has_consistent_descriptors)
{
	static const char *const attrs[][2] = {
		{ "hid", "attrs : { report_desc = \"mouse\"; };" },
		{ "uvc", "attrs : { formats = ( { type = \"mjpeg\"; frames = ( { width = 16; "
			 "height = 16; } ); }, { type = \"yuyv\"; frames = ( { width = 8; height = "
			 "8; fps = ( 5, 10 ); }, { width = 16; height = 16; } ); } ); };" },
	};

	for (const struct function_type *t = function_table; t->name; t++) {
		const char *has = "";

		for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
			if (streq(attrs[i][0], t->name))
				has = attrs[i][1];
		if (!streq(t->name, "ffs"))
			check_type(t->name, has);
	}
}

Test(predict, descriptors_are_consistent_with_unusual_attributes)
{
	check_type("uac1", "attrs : { p_chmask = 0; c_chmask = 0xf; };");
	check_type("uac2", "attrs : { c_chmask = 0; p_mute_present = false; };");
	check_type("uac2", "attrs : { c_sync = \"adaptive\"; p_volume_present = false; };");
	check_type("midi", "attrs : { in_ports = 16; out_ports = 16; };");
	check_type("midi2", "attrs : { endpoints = ( { blocks = ( { num_groups = 16; "
			    "midi1_num_groups = 16; }, { direction = 1; midi1_num_groups = 1; } ); "
			    "}, { }, { }, { } ); };");
	check_type("uvc", "tree = ( { path = \"control/extensions/x/guidExtensionCode\"; value = "
			  "( 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 ); }, "
			  "{ path = \"control/extensions/x/baSourceID\"; value = \"1\\n2\"; }, "
			  "{ path = \"control/extensions/x/bmControls\"; value = \"0xff\"; }, "
			  "{ path = \"control/enable_interrupt_ep\"; value = 1; } );");
}

/* Counts the descriptors with this type and third byte for which `fits` is true. */
static size_t count(const struct prediction_input *f, uint8_t type, uint8_t subtype,
		    bool (*fits)(const struct descriptor *d))
{
	_cleanup_descriptors_ struct descriptors d = { 0 };
	size_t n = 0;

	predict_config(f, &f->gadget->configs[0], &d);
	for (size_t i = 0; i < d.n; i++)
		n += d.list[i].bytes[1] == type && d.list[i].bytes[2] == subtype &&
		     fits(&d.list[i]);
	return n;
}

#define INPUT_TERMINAL 2
#define CHANNEL_NAMES 13 /* offset of iChannelNames in audio class 2 */

static bool has_channel_names(const struct descriptor *d)
{
	for (size_t i = 0; i < d->n_strings; i++)
		if (d->size == 17 && d->strings[i].offset == CHANNEL_NAMES)
			return str_has_suffix(d->strings[i].text, " Channels");
	return false;
}

static bool has_no_channel_names(const struct descriptor *d)
{
	return d->size == 17 && !has_channel_names(d) && d->bytes[CHANNEL_NAMES] == 0 &&
	       d->certain_bits[CHANNEL_NAMES] == 0xff;
}

/* A unit test, because the lab's Linux 6.1 is built without sound. */
Test(predict, uac2_terminals_have_channel_names_since_6_12)
{
	_cleanup_gadget_ struct gadget *g = load("f : { type = \"uac2\"; };");

	for (int speed = 0; speed < EP_SPEED_COUNT; speed++) {
		const struct prediction_input old = { g, KERNEL_6_1, speed, NULL, NULL, NULL },
					      new = { g, KERNEL_6_12, speed, NULL, NULL, NULL };

		cr_expect_eq(count(&old, USB_DT_CS_INTERFACE, INPUT_TERMINAL, has_no_channel_names),
			     2);
		cr_expect_eq(count(&new, USB_DT_CS_INTERFACE, INPUT_TERMINAL, has_channel_names),
			     2);
	}
}

static bool has_9216_bytes_per_interval(const struct descriptor *d)
{
	return d->bytes[3] == 2 && (d->bytes[4] | d->bytes[5] << 8) == 3 * 3072;
}

/* 3 bursts of 3 packets with 1024 bytes each. */
Test(predict, uvc_bytes_per_interval_include_all_bursts)
{
	_cleanup_gadget_ struct gadget *g =
		load("f : { type = \"uvc\"; attrs : { streaming_maxpacket = 3072; "
		     "streaming_maxburst = 2; formats = ( { type = \"mjpeg\"; frames = ( { width = "
		     "16; height = 16; } ); } ); }; };");
	const struct prediction_input f = { g, KERNEL_6_12, EP_SUPER, NULL, NULL, NULL };

	cr_expect_eq(count(&f, USB_DT_SS_ENDPOINT_COMP, 2, has_9216_bytes_per_interval), 1);
}

static const uint8_t h265[16] = {
	'H', '2', '6', '5', 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113
};

static bool is_second_format(const struct descriptor *d)
{
	static const uint8_t before[] = { 28, 0x24, 0x10, 2, 1 }, after[] = { 0, 1, 0, 0, 0, 0, 1 };

	return d->size == 28 && memcmp(d->bytes, before, 5) == 0 &&
	       memcmp(d->bytes + 5, h265, 16) == 0 && memcmp(d->bytes + 21, after, 7) == 0;
}

static bool is_frame_with_bytes_per_line(const struct descriptor *d)
{
	static const uint8_t end[] = { 64, 66, 15, 0, 1, 0, 5, 0, 0, 64, 66, 15, 0 };

	return d->size == 30 && memcmp(d->bytes + 17, end, sizeof(end)) == 0;
}

/* As uvc_configfs.c of Linux 6.18 and 7.1 makes them; the lab has no such kernel. */
Test(predict, uvc_frame_based_formats_have_descriptors_of_their_own)
{
	_cleanup_gadget_ struct gadget *g = load("f : { type = \"uvc\"; attrs : { formats = ( { "
						 "type = \"h264\"; frames = ( { width = 16; "
						 "height = 16; } ); }, { type = \"framebased\"; "
						 "guidFormat = ( 0x48, 0x32, 0x36, 0x35, 0, "
						 "0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, "
						 "0x71 ); frames = ( { width = 16; height = "
						 "16; dwBytesPerLine = 1280; fps = 10; } ); }, { "
						 "type = \"mjpeg\"; frames = ( { width = 16; "
						 "height = 16; } ); } ); }; };");
	const struct prediction_input f = { g, KERNEL_6_12, EP_HIGH, NULL, NULL, NULL };

	cr_expect_eq(count(&f, USB_DT_CS_INTERFACE, 0x10, is_second_format), 1);
	cr_expect_eq(count(&f, USB_DT_CS_INTERFACE, 0x11, is_frame_with_bytes_per_line), 1);
}

Test(predict, an_unknown_type_makes_the_totals_uncertain)
{
	_cleanup_gadget_ struct gadget *g = load("f : { type = \"new\"; };");
	const struct prediction_input f = { g, KERNEL_6_12, EP_HIGH, NULL, NULL, NULL };
	_cleanup_descriptors_ struct descriptors d = { 0 };

	cr_assert_not(predict_covers_function(&g->functions[0]));
	predict_config(&f, &g->configs[0], &d);
	cr_assert_eq(d.n, 1);
	cr_assert_eq(d.list[0].certain_bits[2] | d.list[0].certain_bits[3] |
			     d.list[0].certain_bits[4],
		     0);
}

Test(predict, renumbers_functionfs_descriptors)
{
	_cleanup_gadget_ struct gadget *g = load("a : { type = \"acm\"; }; b : { ffs : { "
						 "interfaces = ( { string = \"s\"; endpoints = ( "
						 "\"bulk-in\" ); }, { } ); }; };");
	const struct prediction_input f = { g, KERNEL_6_12, EP_SUPER, NULL, NULL, NULL };
	_cleanup_descriptors_ struct descriptors d = { 0 };
	const struct descriptor *first = NULL;

	predict_config(&f, &g->configs[0], &d);
	for (size_t i = 0; i < d.n && !first; i++)
		if (d.list[i].function == &g->functions[1])
			first = &d.list[i];
	cr_assert_not_null(first);
	cr_assert_eq(first->bytes[1], USB_DT_INTERFACE);
	cr_assert_eq(first->bytes[2], 2);
	cr_assert_str_eq(first->strings[0].text, "s");
	cr_assert_eq(first[1].bytes[2], 0x80);
	cr_assert_eq(first[1].certain_bits[2], 0xf0);
	cr_assert_eq(d.list[0].bytes[4], 4);
}

#define ETHERNET_FUNCTIONAL 0x0f /* CDC ECM 1.2, 5.4 */

/* The string iMACAddress of the first function, an ecm function with an address from a source. */
static void expect_mac_address(char *const *host_addresses, const char *text)
{
	_cleanup_gadget_ struct gadget *g =
		load("f : { type = \"ecm\"; attrs : { host_addr : { from "
		     "= \"machine-id\"; }; }; };");
	const struct prediction_input f = { g, KERNEL_6_12, EP_HIGH, NULL, host_addresses, NULL };
	_cleanup_descriptors_ struct descriptors d = { 0 };
	const struct descriptor *found = NULL;

	predict_config(&f, &g->configs[0], &d);
	for (size_t i = 0; i < d.n; i++)
		if (d.list[i].bytes[1] == USB_DT_CS_INTERFACE &&
		    d.list[i].bytes[2] == ETHERNET_FUNCTIONAL)
			found = &d.list[i];
	cr_assert_not_null(found);
	cr_assert_eq(found->n_strings, 1U);
	cr_expect_str_eq(found->strings[0].from_key_value, "machine-id");
	if (text)
		cr_expect_str_eq(found->strings[0].text, text);
	else
		cr_expect_null(found->strings[0].text);
}

Test(predict, an_address_is_that_of_this_system_or_unknown)
{
	expect_mac_address((char *[]){ (char[]){ "02:1d:6b:01:04:0a" } }, "021D6B01040A");
	expect_mac_address((char *[]){ NULL }, NULL);
	expect_mac_address(NULL, NULL);
}

#define WEBUSB "f : { type = \"gser\"; }; }; webusb : { landingPage = \"https://x.example/\"; "
#define NO_WEBUSB "f : { type = \"gser\"; };"

/* composite.c, USB_DT_DEVICE */
Test(predict, bcd_usb_depends_on_the_udc_and_on_a_fix_of_webusb)
{
	static const struct {
		const char *functions;
		enum kernel_series kernel;
		int speed;
		struct udc_facts udc;
		uint8_t value, certain;
		const char *text;
	} all[] = {
		{ NO_WEBUSB, KERNEL_6_12, EP_SUPER, { 0 }, 0x20, 0xff, "3.20" },
		{ NO_WEBUSB,
		  KERNEL_6_12,
		  EP_HIGH,
		  { 0 },
		  0,
		  0,
		  "2.00, 2.01 or 2.10, depending on the UDC" },
		{ NO_WEBUSB,
		  KERNEL_6_12,
		  EP_HIGH,
		  { .superspeed = UDC_YES, .webusb_fix = UDC_UNKNOWN },
		  0x10,
		  0xff,
		  "2.10" },
		{ NO_WEBUSB,
		  KERNEL_6_12,
		  EP_FULL,
		  { .superspeed = UDC_NO, .webusb_fix = UDC_YES },
		  0,
		  0xfe,
		  "2.00, or 2.01 if the UDC supports LPM" },
		{ WEBUSB,
		  KERNEL_6_1,
		  EP_HIGH,
		  { .superspeed = UDC_NO, .webusb_fix = UDC_YES },
		  0,
		  0xfe,
		  "2.00, or 2.01 if the UDC supports LPM" },
		{ WEBUSB,
		  KERNEL_6_12,
		  EP_HIGH,
		  { 0 },
		  0x10,
		  0xee,
		  "2.10, or 2.01 if the UDC has no SuperSpeed and the kernel no fix" },
		{ WEBUSB,
		  KERNEL_6_12,
		  EP_HIGH,
		  { .superspeed = UDC_UNKNOWN, .webusb_fix = UDC_NO },
		  0x10,
		  0xee,
		  "2.10, or 2.01 if the UDC has no SuperSpeed" },
		{ WEBUSB,
		  KERNEL_6_12,
		  EP_HIGH,
		  { .superspeed = UDC_NO, .webusb_fix = UDC_UNKNOWN },
		  0x10,
		  0xee,
		  "2.10, or 2.01 if the kernel has no fix" },
		{ WEBUSB,
		  KERNEL_6_18,
		  EP_HIGH,
		  { .superspeed = UDC_NO, .webusb_fix = UDC_NO },
		  0x01,
		  0xff,
		  "2.01" },
		{ WEBUSB,
		  KERNEL_6_18,
		  EP_FULL,
		  { .superspeed = UDC_NO, .webusb_fix = UDC_YES },
		  0x10,
		  0xff,
		  "2.10" },
		{ WEBUSB,
		  KERNEL_6_18,
		  EP_FULL,
		  { .superspeed = UDC_UNKNOWN, .webusb_fix = UDC_YES },
		  0x10,
		  0xff,
		  "2.10" },
		{ WEBUSB,
		  KERNEL_6_12,
		  EP_FULL,
		  { .superspeed = UDC_YES, .webusb_fix = UDC_NO },
		  0x10,
		  0xff,
		  "2.10" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		_cleanup_gadget_ struct gadget *g = load(all[i].functions);
		const struct prediction_input f = { g,	  all[i].kernel, all[i].speed,
						    NULL, NULL,		 &all[i].udc };
		_cleanup_descriptors_ struct descriptors d = { 0 };
		_cleanup_free_ char *text = NULL,
				    *line = strf("bcdUSB                  %s\n", all[i].text);
		size_t size;
		FILE *to = open_memstream(&text, &size);

		predict_device(&f, &d);
		descriptor_print(to, &d.list[0], NULL);
		fclose(to);
		cr_expect_eq(d.list[0].bytes[2], all[i].value, "%zu: %02x", i, d.list[0].bytes[2]);
		cr_expect_eq(d.list[0].certain_bits[2], all[i].certain, "%zu", i);
		cr_expect_not_null(strstr(text, line), "%zu: %s", i, text);
	}
}

Test(predict, prints_the_fields_of_a_descriptor)
{
	static const char wanted[] =
		"  interface, type 0x04, 9 bytes\n"
		"    bInterfaceNumber        0\n"
		"    bAlternateSetting       0\n"
		"    bNumEndpoints           2\n"
		"    bInterfaceClass         0x08\n"
		"    bInterfaceSubClass      0x06\n"
		"    bInterfaceProtocol      0x50\n"
		"    iInterface              ?  \"Mass Storage\"\n"
		"  endpoint, type 0x05, 7 bytes\n"
		"    bEndpointAddress        0x8?  in, number chosen by the UDC\n"
		"    bmAttributes            0x02\n"
		"    wMaxPacketSize          512\n"
		"    bInterval               0\n";
	_cleanup_gadget_ struct gadget *g = load("f : { type = \"mass_storage\"; };");
	const struct prediction_input f = { g, KERNEL_6_12, EP_HIGH, NULL, NULL, NULL };
	_cleanup_descriptors_ struct descriptors d = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	predict_config(&f, &g->configs[0], &d);
	descriptor_print(to, &d.list[1], &d.list[1]);
	descriptor_print(to, &d.list[2], &d.list[1]);
	fclose(to);
	cr_assert_str_eq(text, wanted);
}

/* Type 0x24 means pipe usage (UAS) in the storage class, else a class-specific interface. */
Test(predict, names_class_specific_descriptors_by_the_interface_class)
{
	static const uint8_t camera[] = { 9, USB_DT_INTERFACE, 0, 0, 0, USB_CLASS_VIDEO, 1, 0, 0 },
			     disk[] = { 9, USB_DT_INTERFACE,	   0, 0,
					0, USB_CLASS_MASS_STORAGE, 6, 0x62,
					0 },
			     one[] = { 4, USB_DT_CS_INTERFACE, 1, 0 };
	static const struct {
		const uint8_t *interface;
		const char *wanted;
	} cases[] = {
		{ camera, "  class-specific interface, type 0x24, 4 bytes\n" },
		{ disk, "  pipe usage, type 0x24, 4 bytes\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct descriptor d = { .size = sizeof(one) }, interface = { .size = 9 };
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *to = open_memstream(&text, &size);

		memcpy(d.bytes, one, sizeof(one));
		memset(d.certain_bits, 0xff, sizeof(one));
		memcpy(interface.bytes, cases[i].interface, 9);
		descriptor_print(to, &d, &interface);
		fclose(to);
		cr_assert_eq(strncmp(text, cases[i].wanted, strlen(cases[i].wanted)), 0, "%s",
			     text);
	}
}
