/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads descriptors: settings, sizes, associations, OS descriptors, blobs. tests/bad has the
 * errors. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "blob/uapi.h"
#include "gadgetfile/types/language_id.h"
#include "text.h"

TestSuite(descriptors, .fini = unload);

#define ALTERNATE(inside)                                                                          \
	FFS("interfaces = ( { alternates = ( { endpoints = ( " inside " ); } ); } );")

static const struct interface *interface(size_t n)
{
	return &g->functions[0].ffs->interfaces[n];
}

Test(descriptors, endpoint_numbers_continue_across_settings)
{
	static const struct {
		uint8_t alternate, address;
		const char *name;
	} want[] = { { 0, 0x81, "ep1-in" },
		     { 1, 0x02, "ep2-out" },
		     { 1, 0x83, "ep3-in" },
		     { 2, 0x84, "ep4-in" } };

	load(FFS("interfaces = ( { endpoints = ( \"bulk-in\" ); alternates = ( { endpoints = ( "
		 "\"bulk-out\", \"interrupt-in\" ); }, { endpoints = ( \"bulk-in\" ); } ); }, "
		 "{ alternates = ( { } ); endpoints = ( \"bulk-out\" ); } );"));
	cr_assert_eq(interface(0)->n_endpoints, 4);
	cr_expect_eq(interface(0)->highest_alternate, 2);
	for (size_t i = 0; i < 4; i++) {
		const struct endpoint *ep = &interface(0)->endpoints[i];

		cr_expect_eq(ep->alternate, want[i].alternate);
		cr_expect_eq(ep->address, want[i].address);
		cr_expect_str_eq(ep->name, want[i].name);
		cr_expect_eq(ep->file_number, i + 1);
	}
	cr_expect_eq(interface(1)->highest_alternate, 1);
	cr_expect_eq(interface(1)->endpoints[0].file_number, 5);
	cr_expect_eq(interface(1)->endpoints[0].alternate, 0);
}

Test(descriptors, an_alternate_setting_has_the_class_of_its_interface_or_its_own)
{
	static const uint8_t want[][3] = { { 7, 1, 4 }, { 7, 1, 2 }, { 0xfe, 1, 0 }, { 3, 1, 2 } };

	load(FFS("interfaces = ( { class = \"printer\"; subclass = 1; protocol = 2; alternates = ( "
		 "{ "
		 "protocol = 4; }, { } ); }, { class = 8; alternates = ( { class = \"dfu\"; }, { "
		 "class = "
		 "3; subclass = 1; protocol = 2; } ); } );"));
	for (size_t i = 0; i < 4; i++) {
		cr_expect_eq(interface(i / 2)->alternate_class[i % 2].class, want[i][0]);
		cr_expect_eq(interface(i / 2)->alternate_class[i % 2].subclass, want[i][1]);
		cr_expect_eq(interface(i / 2)->alternate_class[i % 2].protocol, want[i][2]);
	}
}

Test(descriptors, isochronous_sizes_and_intervals_are_adapted_to_each_speed)
{
	const struct endpoint *ep;

	load(ALTERNATE("{ direction = \"in\"; type = \"iso\"; max_packet = 1024; mult = 3; "
		       "interval = 5; }"));
	ep = &interface(0)->endpoints[0];
	cr_expect_eq(ep->type, EP_ISOCHRONOUS);
	cr_expect_eq(ep->speed[EP_FULL].max_packet, 1023);
	cr_expect_eq(ep->speed[EP_HIGH].max_packet, 1024);
	cr_expect_eq(ep->speed[EP_SUPER].max_packet, 1024);
	/* 4 ms: 2^2 frames, 2^5 microframes */
	cr_expect_eq(ep->speed[EP_FULL].interval, 3);
	cr_expect_eq(ep->speed[EP_HIGH].interval, 6);
	cr_expect_eq(ep->speed[EP_SUPER].interval, 6);
	cr_expect_eq(ep->speed[EP_FULL].mult, 1);
	cr_expect_eq(ep->speed[EP_HIGH].mult, 3);
	/* Several bursts are bursts of several packets */
	cr_expect_eq(ep->speed[EP_SUPER].mult, 1);
	cr_expect_eq(ep->speed[EP_SUPER].burst, 2);
}

/* Returns the number of errors if the last of 8 properties has a value of `n` characters. */
static size_t errors_beside_winusb(unsigned int last)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("functions : { e : { ffs : { winusb = true; interfaces = ( { } ); os_properties = ( ",
	      f);
	for (int i = 0; i < 8; i++)
		fprintf(f, "{ interface = 0; name = \"%d\"; data = \"%0*d\"; }%s", i,
			i < 7 ? 237 : (int)last, 0, i < 7 ? ", " : "");
	fputs(" ); }; }; };", f);
	fclose(f);
	return count_errors(text, size);
}

Test(descriptors, the_size_limit_of_properties_includes_the_winusb_guid)
{
	/* 10 + 7 * (14 + 4 + 476) + 14 + 4 + 2 * (n + 1), and 14 + 40 + 78 of the GUID */
	cr_expect_eq(errors_beside_winusb(237), 0);
	cr_expect_eq(errors_beside_winusb(238), 1);
}

Test(descriptors, mult_at_superspeed_needs_a_burst)
{
	const struct endpoint *ep;

	load(ALTERNATE("{ direction = \"in\"; type = \"iso\"; max_packet = 1024; mult = 3; "
		       "burst = 4; }, { direction = \"in\"; type = \"iso\"; max_packet = 700; mult "
		       "= 3; }, { direction = \"in\"; type = \"iso\"; max_packet = 1024; mult = 3; "
		       "burst = 0; }"));
	ep = interface(0)->endpoints;
	cr_expect_eq(ep[0].speed[EP_SUPER].mult, 3);
	cr_expect_eq(ep[0].speed[EP_SUPER].burst, 4);
	cr_expect_eq(ep[1].speed[EP_SUPER].mult, 1);
	cr_expect_eq(ep[1].speed[EP_SUPER].burst, 0);
	cr_expect_eq(ep[2].speed[EP_SUPER].mult, 1);
	cr_expect_eq(ep[2].speed[EP_SUPER].burst, 0);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(ep[i].speed[EP_HIGH].mult, 3);
}

Test(descriptors, exact_sizes_for_all_speeds_replace_max_packet)
{
	const struct endpoint *ep;

	load(FFS("speeds = [ \"full\", \"high\" ]; interfaces = ( { alternates = ( { endpoints = "
		 "( { direction = \"in\"; type = \"iso\"; full : { max_packet = 5; }; high : { "
		 "max_packet = 6; }; } ); } ); } );"));
	ep = &interface(0)->endpoints[0];
	cr_expect_eq(ep->speed[EP_FULL].max_packet, 5);
	cr_expect_eq(ep->speed[EP_HIGH].max_packet, 6);
}

Test(descriptors, mult_of_an_interrupt_endpoint_applies_at_high_speed_only)
{
	const struct endpoint *ep;

	load(ALTERNATE("{ direction = \"in\"; type = \"interrupt\"; max_packet = 600; mult = 2; "
		       "}"));
	ep = &interface(0)->endpoints[0];
	cr_expect_eq(ep->speed[EP_FULL].mult, 1);
	cr_expect_eq(ep->speed[EP_HIGH].mult, 2);
	cr_expect_eq(ep->speed[EP_SUPER].mult, 1);
}

Test(descriptors, warns_about_bandwidth_in_setting_0)
{
	load(FFS("interfaces = ( { endpoints = ( { direction = \"in\"; type = \"iso\"; max_packet "
		 "= 1; } ); } );"));
	cr_expect(said(DIAG_WARNING, "must not use bandwidth"));
	unload();
	load(ALTERNATE("{ direction = \"in\"; type = \"iso\"; max_packet = 1; }"));
	cr_expect(!said(DIAG_WARNING, "must not use bandwidth"));
}

#define PAIR "interfaces = ( { class = 7; subclass = 6; protocol = 5; }, { } ); "

Test(descriptors, an_association_has_the_class_of_its_first_interface)
{
	const struct association *a;

	load(FFS(PAIR "associations = ( { first = 0; count = 2; } );"));
	a = g->functions[0].ffs->associations;
	cr_expect(a->class == 7 && a->subclass == 6 && a->protocol == 5);
	unload();
	load(FFS(PAIR "associations = ( { first = 0; count = 2; class = \"dfu\"; } );"));
	a = g->functions[0].ffs->associations;
	cr_expect(a->class == 0xfe && a->subclass == 1 && a->protocol == 0);
}

Test(descriptors, associations_set_the_device_class_unless_the_file_does)
{
	load(FFS(PAIR "associations = ( { first = 0; count = 2; } );"));
	cr_expect_eq(g->device_attrs[GADGET_DEVICE_CLASS].value, 0xef);
	cr_expect_eq(g->device_attrs[GADGET_DEVICE_SUB_CLASS].value, 2);
	cr_expect_eq(g->device_attrs[GADGET_DEVICE_PROTOCOL].value, 1);
	cr_expect(!said(DIAG_WARNING, "associations"));
	unload();
	load("attrs = { bDeviceClass = 0; };" FFS(PAIR
						  "associations = ( { first = 0; count = 2; } );"));
	cr_expect_eq(g->device_attrs[GADGET_DEVICE_CLASS].value, 0);
	cr_expect(!g->device_attrs[GADGET_DEVICE_SUB_CLASS].set);
	cr_expect(said(DIAG_WARNING, "hosts may ignore associations"));
	unload();
	load("attrs = { bDeviceClass = \"misc\"; bDeviceSubClass = 2; bDeviceProtocol = 1; "
	     "};" FFS(PAIR "associations = ( { first = 0; count = 2; } );"));
	cr_expect(!said(DIAG_WARNING, "associations"));
	unload();
	load(FFS(PAIR));
	cr_expect(!g->device_attrs[GADGET_DEVICE_CLASS].set);
}

Test(descriptors, an_association_numbers_interfaces_within_the_configuration)
{
	load("functions : { a : { ffs : { " PAIR "}; }; b : { ffs : { " PAIR
	     "associations = ( { first = 0; count = 2; } ); }; }; };");
	cr_expect_eq(g->functions[1].ffs->first_interface, 2);
}

Test(descriptors, extra_descriptors_are_not_changed)
{
	load(FFS("interfaces = ( { class = \"dfu\"; extra = ( [ 9, 0x21, 13, 255, 0, 0, 8, 26, 1 "
		 "] ); } );"));
	cr_assert_eq(interface(0)->n_extra_descriptors, 1);
	cr_assert_eq(interface(0)->extra_descriptors[0].size, 9);
	cr_assert_arr_eq(interface(0)->extra_descriptors[0].data,
			 "\x09\x21\x0d\xff\0\0\x08\x1a\x01", 9);
}

/* --- Microsoft OS descriptors ----------------------------------------------------------------- */

static const char *entry(const char *path)
{
	for (size_t i = 0; i < g->configfs_attributes.n; i++)
		if (streq(g->configfs_attributes.list[i].path, path))
			return g->configfs_attributes.list[i].value;
	return NULL;
}

static const struct os_property *only_property(const struct interface *i)
{
	cr_assert_eq(i->n_properties, 1);
	return &i->properties[0];
}

Test(descriptors, winusb_adds_all_os_descriptors_for_windows)
{
	/* It must never change: programs have it. */
	const char *guid = "{8251a93e-fc2a-87a9-994a-7a6ed05c79cd}";

	load(FFS("winusb = true; interfaces = ( { }, { } );"));
	cr_expect(g->functions[0].ffs->has_os_descs);
	for (size_t i = 0; i < 2; i++) {
		const struct os_property *p = only_property(interface(i));

		cr_expect_str_eq(interface(i)->compatible, "WINUSB");
		cr_expect_str_eq(interface(i)->sub_compatible, "");
		cr_expect_eq(p->data_type, 1);
		cr_expect_str_eq(p->name, "DeviceInterfaceGUID");
		cr_expect_eq(p->data.size, strlen(guid) + 1);
		cr_expect_str_eq((char *)p->data.data, guid);
	}
	cr_expect(said(DIAG_NOTE, guid));
	cr_expect_str_eq(entry("os_desc/use"), "1");
	cr_expect_str_eq(entry("os_desc/qw_sign"), "MSFT100");
	cr_expect_str_eq(entry("os_desc/b_vendor_code"), "0xee");
	cr_expect_str_eq(entry("os_desc/c.1"), "configs/c.1");
}

Test(descriptors, winusb_uses_the_guid_of_the_file)
{
	load(FFS("winusb = \"{6FA459EA-ee8a-3ca4-894e-db77e160355e}\"; interfaces = ( { } );"));
	cr_expect_str_eq((char *)only_property(interface(0))->data.data,
			 "{6FA459EA-ee8a-3ca4-894e-db77e160355e}");
	cr_expect(!said(DIAG_NOTE, "GUID"));
}

Test(descriptors, without_winusb_there_are_no_os_descriptors)
{
	load(FFS("winusb = false; interfaces = ( { } );"));
	cr_expect(!g->functions[0].ffs->has_os_descs);
	cr_expect_eq(g->configfs_attributes.n, 0);
	cr_expect_eq(interface(0)->n_properties, 0);
}

Test(descriptors, os_compat_overrides_winusb)
{
	load(FFS("winusb = true; interfaces = ( { }, { } ); os_compat = ( { interface = 0; "
		 "compatible = \"MTP\"; sub_compatible = \"8_LETTER\"; } ); os_properties = ( { "
		 "interface = 1; name = \"DeviceInterfaceGUID\"; data = \"x\"; } );"));
	cr_expect_str_eq(interface(0)->compatible, "MTP");
	cr_expect_str_eq(interface(0)->sub_compatible, "8_LETTER");
	cr_expect_eq(interface(0)->n_properties, 0);
	cr_expect_str_eq(interface(1)->compatible, "WINUSB");
	cr_expect_str_eq((char *)only_property(interface(1))->data.data, "x");
}

#define TWO                                                                                        \
	"functions : { a : { ffs : { interfaces = ( { } ); }; }; b : { ffs : { interfaces = ( { "  \
	"} ); winusb = true; }; }; }; configs = ( { functions = ( \"a\" ); }, { name = \"two\"; "  \
	"functions = ( \"a\", \"b\" ); } );"

Test(descriptors, os_descriptors_use_the_configuration_with_the_function)
{
	load(TWO);
	cr_expect_str_eq(entry("os_desc/two.2"), "configs/two.2");
	cr_expect(g->functions[0].ffs->has_os_descs, "every function says what it has: nothing");
	cr_expect_str_eq(g->functions[0].ffs->interfaces[0].compatible, "");
}

Test(descriptors, warns_about_os_descriptors_that_no_host_reads)
{
	load("os_descs = { use = false; };" TWO);
	cr_expect(said(DIAG_WARNING, "'use' in the gadget's 'os_descs' is false"));
	cr_expect_str_eq(entry("os_desc/use"), "0");
	unload();
	load("os_descs = { config_id = 1; b_vendor_code = 9; };" TWO);
	cr_expect(said(DIAG_WARNING, "configuration 1, which does not contain this function"));
	cr_expect_str_eq(entry("os_desc/c.1"), "configs/c.1");
	cr_expect_str_eq(entry("os_desc/b_vendor_code"), "9");
}

/* --- blobs ------------------------------------------------------------------------------------ */

#define LANGUAGES 1500 /* in each of which the blob has every string */

static void print_texts(FILE *to)
{
	unsigned int n = 0;

	for (unsigned int lang = 0x401; n < LANGUAGES; lang++) {
		if (!lang_is_valid((uint16_t)lang))
			continue;
		fprintf(to, "%s{ lang = 0x%x; text = \"x\"; }", n == 0 ? "" : ", ", lang);
		n++;
	}
}

/* Each key is valid, but together they exceed the kernel's buffer. */
Test(descriptors, reports_what_the_kernel_would_refuse_at_its_position)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	fputs("functions : {\n a : {\n  ffs : { interfaces = ( { string = ( ", to);
	print_texts(to);
	fputs(" ); }", to);
	for (int i = 0; i < 15; i++)
		fprintf(to, ", { string = \"%0126d\"; }", i);
	fputs(" ); associations = ( ", to);
	for (int i = 0; i < 16; i += 2)
		fprintf(to, "%s{ first = %d; count = 2; string = \"%0126d\"; }", i ? ", " : "", i,
			i);
	fputs(" ); }; }; };\n", to);
	fclose(to);
	gadgetfile_load_text("/nonexistent/demo.conf", text, size, &g, NULL, &d);
	free(text);
	cr_expect_null(g);
	cr_expect_eq(d.n_errors, 1);
	cr_expect(said(DIAG_ERROR, "FunctionFS refuses the strings of function 'a'"), "%s",
		  d.list[0].text);
	for (size_t i = 0; i < d.n; i++) {
		if (d.list[i].severity != DIAG_ERROR)
			continue;
		cr_expect_eq(d.list[i].line, 3);
		cr_expect_eq(d.list[i].column, 3);
		cr_expect_eq(d.list[i].end_column, 6, "'ffs'");
	}
}

static void load_with_blob(const char *name, const char *data, size_t size)
{
	_cleanup_free_ char *text = NULL;
	FILE *f = fopen(name, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(data, 1, size, f), size);
	fclose(f);
	text = strf("functions : { echo : { ffs : { blob = { descriptors = \"%s\"; }; }; }; };",
		    name);
	load(text);
	unlink(name);
}

Test(descriptors, a_blob_defines_speeds_and_endpoints)
{
	static const char blob[] =
		/* FS, HS, SS, virtual_addr */
		"\3\0\0\0\x84\0\0\0\x17\0\0\0\4\0\0\0\4\0\0\0\6\0\0\0"
		"\x09\4\0\0\0\xff\1\2\0\x09\4\0\1\2\xff\1\2\0"
		"\7\5\x83\1\xff\3\1\7\5\4\3\x10\0\2" /* 1023, isochronous; 16 */
		"\x09\4\0\0\0\xff\1\2\0\x09\4\0\1\2\xff\1\2\0"
		"\7\5\x83\1\0\x14\1\7\5\4\3\x10\0\2" /* 1024 * 3, isochronous; 16 */
		"\x09\4\0\0\0\xff\1\2\0\x09\4\0\1\2\xff\1\2\0"
		"\7\5\x83\1\0\4\1\6\x30\1\2\0\x18\7\5\4\3\x10\0\2\6\x30\0\0\x10\0";
	char name[] = "/tmp/ffsctl-test-blob-XXXXXX";
	int fd = mkstemp(name);
	const struct endpoint *ep;
	const struct ffs *ffs;

	cr_assert_geq(fd, 0);
	close(fd);
	load_with_blob(name, blob, sizeof(blob) - 1);
	ffs = g->functions[0].ffs;
	cr_expect(ffs->has_speed[EP_FULL] && ffs->has_speed[EP_HIGH] && ffs->has_speed[EP_SUPER]);
	cr_expect_eq(ffs->flags, FUNCTIONFS_VIRTUAL_ADDR);
	cr_expect_eq(ffs->raw_descriptors.size, sizeof(blob) - 1);
	cr_expect_arr_eq(ffs->raw_descriptors.data, blob, sizeof(blob) - 1);
	cr_assert_eq(ffs->n_interfaces, 1);
	cr_expect_eq(interface(0)->class, 0xff);
	cr_expect_eq(interface(0)->subclass, 1);
	cr_expect_eq(interface(0)->highest_alternate, 1);
	cr_assert_eq(interface(0)->n_endpoints, 2);
	ep = &interface(0)->endpoints[0];
	cr_expect_eq(ep->type, EP_ISOCHRONOUS);
	cr_expect_eq(ep->address, 0x83);
	cr_expect_eq(ep->alternate, 1);
	cr_expect_str_eq(ep->name, "ep1-in");
	cr_expect_eq(ep->speed[EP_FULL].max_packet, 1023);
	cr_expect_eq(ep->speed[EP_HIGH].max_packet, 1024);
	cr_expect_eq(ep->speed[EP_HIGH].mult, 3);
	cr_expect_eq(ep->speed[EP_SUPER].burst, 1);
	cr_expect_eq(ep->speed[EP_SUPER].mult, 3);
	ep = &interface(0)->endpoints[1];
	cr_expect_eq(ep->type, EP_INTERRUPT);
	cr_expect_eq(ep->file_number, 2);
	cr_expect_eq(ep->speed[EP_SUPER].max_packet, 16);
	cr_expect_eq(ep->speed[EP_SUPER].interval, 2);
}

Test(descriptors, a_class_descriptor_in_a_blob_belongs_to_the_setting_before_it)
{
	/* FS; setting 1 is of class HID, setting 0 is not */
	static const char blob[] = "\3\0\0\0\x2b\0\0\0\1\0\0\0\3\0\0\0"
				   "\x09\4\0\0\0\xff\0\0\0\x09\4\0\1\0\3\0\0\0"
				   "\x09\x21\x11\1\0\1\x22\x3f\0";
	char name[] = "/tmp/ffsctl-test-blob-XXXXXX";
	int fd = mkstemp(name);

	cr_assert_geq(fd, 0);
	close(fd);
	load_with_blob(name, blob, sizeof(blob) - 1);
	cr_expect_eq(interface(0)->highest_alternate, 1);
}
