/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Validation by the standards: each rule from both sides, by hand; and what ffsctl encodes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "blob/encode.h"
#include "gadgetfile/gadgetfile.h"
#include "gadgetfile/syntax/diag.h"
#include "hex.h"

#define HS_HEAD HEAD("02000000")
#define ONE(class) INTERFACE(00, 00, 01, class)
#define EP(attributes, size, interval) "07 05 81 " #attributes " " size " " #interval " "
#define CCID "36 21 10 01 00 07" CCID_REST
#define CCID_REST "000000000000000000000000" CCID_MORE
#define CCID_MORE "000000000000000000000000000000000000000000000000000000000000000000000000"
#define DFU_INTERFACE "09 04 00 00 00 fe 01 02 00 "
#define DFU "09 21 0f ff 00 00 04 10 01 "
#define OS_HEAD HEAD("09000000") "01000000 01000000 " VENDOR
#define WINUSB "57494e5553420000 0000000000000000 000000000000 "
#define STRING_2 FS_HEAD N(01) NAMED

static const struct finding_row rows[] = {
	BOTH(FFS_USB_NO_INTERFACE, 16, FS_HEAD N(01) OTG_DESC, FS_HEAD N(02) OTG_DESC VENDOR),
	BOTH(FFS_USB_INTERFACE_NUMBER, 18, FS_HEAD N(01) INTERFACE(01, 00, 00, ff),
	     FS_HEAD N(01) VENDOR),
	BOTH(FFS_USB_INTERFACE_NUMBER, 27, FS_HEAD N(02) VENDOR INTERFACE(02, 00, 00, ff),
	     FS_HEAD N(02) VENDOR INTERFACE(01, 00, 00, ff)),
	/* settings of one interface must be adjacent */
	BOTH(FFS_USB_INTERFACE_NUMBER, 36,
	     FS_HEAD N(03) VENDOR INTERFACE(01, 00, 00, ff) INTERFACE(00, 01, 00, ff),
	     FS_HEAD N(03) VENDOR INTERFACE(00, 01, 00, ff) INTERFACE(01, 00, 00, ff)),
	BAD(FFS_USB_ALTERNATE, 19, FS_HEAD N(01) INTERFACE(00, 01, 00, ff)),
	BAD(FFS_USB_ALTERNATE, 28, FS_HEAD N(02) VENDOR INTERFACE(00, 02, 00, ff)),
	BAD(FFS_USB_ALTERNATE, 28, FS_HEAD N(02) VENDOR VENDOR),
	BAD(FFS_USB_INTERFACE_CLASS, 21, FS_HEAD N(01) INTERFACE(00, 00, 00, 00)),
	BOTH(FFS_USB_ENDPOINT_COUNT, 20, FS_HEAD N(01) ONE(ff), FS_HEAD N(02) ONE(ff) BULK(81)),
	BAD(FFS_USB_ENDPOINT_COUNT, 20, FS_HEAD N(02) VENDOR BULK(81)),
	BAD(FFS_USB_OTG_TWICE, 19, FS_HEAD N(03) OTG_DESC OTG_DESC VENDOR),
	BOTH(FFS_USB_OTG_BITS, 18, FS_HEAD N(02) "03 09 04" VENDOR,
	     FS_HEAD N(02) "03 09 03" VENDOR),
	BOTH(FFS_USB_ASSOCIATION_EMPTY, 19, FS_HEAD N(02) "08 0b 00 00 ff 00 00 00" VENDOR,
	     FS_HEAD N(02) "08 0b 00 01 ff 00 00 00" VENDOR),
	BAD(FFS_USB_ASSOCIATION_CLASS, 20, FS_HEAD N(02) "08 0b 00 01 00 00 00 00" VENDOR),
	BAD(FFS_USB_ASSOCIATION_ORDER, 27, FS_HEAD N(02) VENDOR "08 0b 00 01 ff 00 00 00"),
	BOTH(FFS_USB_ASSOCIATION_OVERLAP, 35,
	     FS_HEAD N(04) "08 0b 00 02 ff 00 00 00" VENDOR
			   "08 0b 01 01 ff 00 00 00" INTERFACE(01, 00, 00, ff),
	     FS_HEAD N(04) "08 0b 00 01 ff 00 00 00" VENDOR
			   "08 0b 01 01 ff 00 00 00" INTERFACE(01, 00, 00, ff)),
	BAD(FFS_USB_ASSOCIATION_MISSING, 19, FS_HEAD N(02) "08 0b 00 02 ff 00 00 00" VENDOR),

	BAD(FFS_USB_ENDPOINT_STRAY, 16, FS_HEAD N(02) BULK(81) ONE(ff)),
	BAD(FFS_USB_ENDPOINT_STRAY, 33,
	    FS_HEAD N(04) VENDOR "08 0b 01 01 ff 00 00 00" BULK(81) INTERFACE(01, 00, 00, ff)),
	BOTH(FFS_USB_ENDPOINT_NINE, 25, FS_HEAD N(02) ONE(ff) "09 05 81 02 40 00 00 00 00",
	     FS_HEAD N(02) ONE(01) "09 05 81 02 40 00 00 00 00"),
	BAD(FFS_USB_ENDPOINT_BITS, 27, FS_HEAD N(02) ONE(ff) BULK(91)),
	BOTH(FFS_USB_ENDPOINT_TWICE, 34, FS_HEAD N(03) INTERFACE(00, 00, 02, ff) BULK(81) BULK(81),
	     FS_HEAD N(03) INTERFACE(00, 00, 02, ff) BULK(81) BULK(01)),
	BOTH(FFS_USB_ENDPOINT_SHARED, 43,
	     FS_HEAD N(04) ONE(ff) BULK(81) INTERFACE(01, 00, 01, ff) BULK(81),
	     FS_HEAD N(04) ONE(ff) BULK(81) INTERFACE(00, 01, 01, ff) BULK(81)),
	BAD(FFS_USB_ATTRIBUTES, 28, FS_HEAD N(02) ONE(ff) EP(06, "4000", 00)),
	BOTH(FFS_USB_ATTRIBUTES, 28, HS_HEAD N(02) ONE(ff) EP(13, "4000", 01),
	     SS_HEAD N(03) ONE(ff) EP(13, "4000", 01) COMPANION),
	BAD(FFS_USB_ATTRIBUTES, 28, SS_HEAD N(03) ONE(ff) EP(23, "4000", 01) COMPANION),
	BOTH(FFS_USB_ATTRIBUTES, 28, FS_HEAD N(02) ONE(ff) EP(35, "0000", 01),
	     FS_HEAD N(02) ONE(ff) EP(25, "0000", 01)),
	BOTH(FFS_USB_SIZE_BITS, 29, FS_HEAD N(02) ONE(ff) EP(03, "4008", 01),
	     HS_HEAD N(02) ONE(ff) EP(03, "010a", 01)),
	BAD(FFS_USB_SIZE_BITS, 29, HS_HEAD N(02) ONE(ff) EP(02, "000a", 00)),
	BAD(FFS_USB_SIZE_BITS, 29, HS_HEAD N(02) ONE(ff) EP(03, "4020", 01)),
	BOTH(FFS_USB_SIZE_CONTROL, 29, FS_HEAD N(02) ONE(ff) EP(00, "0c00", 00),
	     FS_HEAD N(02) ONE(ff) EP(00, "0800", 00)),
	BAD(FFS_USB_SIZE_CONTROL, 29, HS_HEAD N(02) ONE(ff) EP(00, "2000", 00)),
	BAD(FFS_USB_SIZE_BULK, 29, FS_HEAD N(02) ONE(ff) EP(02, "0002", 00)),
	BAD(FFS_USB_SIZE_BULK, 29, FS_HEAD N(02) ONE(ff) EP(02, "0000", 00)),
	BAD(FFS_USB_SIZE_BULK, 29, FS_HEAD N(02) ONE(ff) EP(02, "0400", 00)),
	BOTH(FFS_USB_SIZE_BULK, 29, HS_HEAD N(02) ONE(ff) EP(02, "4000", 00),
	     HS_HEAD N(02) ONE(ff) EP(02, "0002", 00)),
	BOTH(FFS_USB_SIZE_BULK, 29, SS_HEAD N(03) ONE(ff) EP(02, "0002", 00) COMPANION,
	     SS_HEAD N(03) ONE(ff) EP(02, "0004", 00) COMPANION),
	BOTH(FFS_USB_SIZE_INTERRUPT, 29, FS_HEAD N(02) ONE(ff) EP(03, "4100", 01),
	     FS_HEAD N(02) ONE(ff) EP(03, "4000", 01)),
	BAD(FFS_USB_SIZE_INTERRUPT, 29, HS_HEAD N(02) ONE(ff) EP(03, "0000", 01)),
	BOTH(FFS_USB_SIZE_ISOCHRONOUS, 38,
	     FS_HEAD N(03) VENDOR INTERFACE(00, 01, 01, ff) EP(01, "0004", 01),
	     FS_HEAD N(03) VENDOR INTERFACE(00, 01, 01, ff) EP(01, "ff03", 01)),
	BOTH(FFS_USB_TRANSACTIONS, 29, HS_HEAD N(02) ONE(ff) EP(03, "000a", 01),
	     HS_HEAD N(02) ONE(ff) EP(03, "010a", 01)),
	BOTH(FFS_USB_TRANSACTIONS, 29, HS_HEAD N(02) ONE(ff) EP(03, "aa12", 01),
	     HS_HEAD N(02) ONE(ff) EP(03, "ab12", 01)),
	BAD(FFS_USB_TRANSACTIONS, 29, HS_HEAD N(02) ONE(ff) EP(03, "001c", 01)),
	BOTH(FFS_USB_DEFAULT_BANDWIDTH, 29, HS_HEAD N(02) ONE(ff) EP(01, "0100", 01),
	     HS_HEAD N(02) ONE(ff) EP(01, "0000", 01)),
	BOTH(FFS_USB_INTERVAL, 31, FS_HEAD N(02) ONE(ff) EP(03, "4000", 00),
	     FS_HEAD N(02) ONE(ff) EP(03, "4000", ff)),
	BOTH(FFS_USB_INTERVAL, 31, HS_HEAD N(02) ONE(ff) EP(03, "4000", 11),
	     HS_HEAD N(02) ONE(ff) EP(03, "4000", 10)),
	BAD(FFS_USB_INTERVAL, 31, FS_HEAD N(02) ONE(ff) EP(01, "0000", 11)),

	BAD(FFS_USB_COMPANION_SPEED, 32, HS_HEAD N(03) ONE(ff) EP(02, "0002", 00) COMPANION),
	BAD(FFS_USB_COMPANION_STRAY, 25, SS_HEAD N(02) VENDOR COMPANION),
	BAD(FFS_USB_COMPANION_STRAY, 38,
	    SS_HEAD N(04) ONE(ff) EP(02, "0004", 00) COMPANION COMPANION),
	BAD(FFS_USB_COMPANION_MISSING, 25, SS_HEAD N(02) ONE(ff) EP(02, "0004", 00)),
	BAD(FFS_USB_COMPANION_MISSING, 25,
	    SS_HEAD N(04) ONE(ff) EP(02, "0004", 00) OTG_DESC COMPANION),
	BOTH(FFS_USB_BURST, 34, SS_HEAD N(03) ONE(ff) EP(02, "0004", 00) "06 30 10 00 00 00",
	     SS_HEAD N(03) ONE(ff) EP(02, "0004", 00) "06 30 0f 00 00 00"),
	BOTH(FFS_USB_BURST, 34, SS_HEAD N(03) ONE(ff) EP(03, "0004", 01) "06 30 03 00 00 00",
	     SS_HEAD N(03) ONE(ff) EP(03, "0004", 01) "06 30 02 00 00 0c"),
	BAD(FFS_USB_BURST, 34, SS_HEAD N(03) ONE(ff) EP(00, "0002", 01) "06 30 01 00 00 00"),
	BOTH(FFS_USB_COMPANION_BITS, 35,
	     SS_HEAD N(03) ONE(ff) EP(02, "0004", 00) "06 30 00 20 00 00",
	     SS_HEAD N(03) ONE(ff) EP(02, "0004", 00) "06 30 00 10 00 00"),
	BAD(FFS_USB_COMPANION_BITS, 35,
	    SS_HEAD N(03) ONE(ff) EP(03, "0004", 01) "06 30 00 01 00 00"),
	BAD(FFS_USB_COMPANION_BITS, 35,
	    SS_HEAD N(03) ONE(ff) EP(01, "0004", 01) "06 30 00 80 00 00"),
	BAD(FFS_USB_STREAMS, 35, SS_HEAD N(03) ONE(ff) EP(02, "0004", 00) "06 30 00 11 00 00"),
	BOTH(FFS_USB_MULT, 35, SS_HEAD N(03) ONE(ff) EP(01, "0004", 01) "06 30 01 03 00 00",
	     SS_HEAD N(03) ONE(ff) EP(01, "0004", 01) "06 30 01 02 00 00"),
	BAD(FFS_USB_MULT_BURST, 35, SS_HEAD N(03) ONE(ff) EP(01, "0004", 01) "06 30 00 01 00 00"),
	BOTH(FFS_USB_SIZE_BURST, 29, SS_HEAD N(03) ONE(ff) EP(03, "ff03", 01) "06 30 01 00 00 00",
	     SS_HEAD N(03) ONE(ff) EP(03, "ff03", 01) "06 30 00 00 ff 03"),
	BOTH(FFS_USB_INTERVAL_BYTES, 36,
	     SS_HEAD N(03) ONE(ff) EP(03, "4000", 01) "06 30 00 00 41 00",
	     SS_HEAD N(03) ONE(ff) EP(03, "4000", 01) "06 30 00 00 40 00"),

	BOTH(FFS_USB_CLASS_ORDER, 32, FS_HEAD N(03) ONE(03) BULK(81) HID_DESC,
	     FS_HEAD N(03) ONE(03) HID_DESC BULK(81)),
	BAD(FFS_USB_CLASS_ORDER, 34, FS_HEAD N(03) INTERFACE(00, 00, 00, 03) HID_DESC HID_DESC),
	/* the kernel still takes it as the HID interface's */
	BAD(FFS_USB_CLASS_ORDER, 42,
	    FS_HEAD N(05) INTERFACE(00, 00, 00, 03) HID_DESC
	    "08 0b 01 01 ff 00 00 00" HID_DESC INTERFACE(01, 00, 00, ff)),
	BAD(FFS_USB_CLASS_MISSING, 16, FS_HEAD N(01) INTERFACE(00, 00, 00, 03)),
	/* one for all settings of an interface, after any of them */
	BOTH(FFS_USB_CLASS_MISSING, 16,
	     FS_HEAD N(03) DFU_INTERFACE "09 04 01 00 00 fe 01 02 00 " DFU,
	     FS_HEAD N(03) DFU_INTERFACE DFU "09 04 00 01 00 fe 01 02 00 "),
	BOTH(FFS_USB_CLASS_MISSING, 34,
	     FS_HEAD N(03) DFU_INTERFACE DFU "09 04 01 00 00 fe 01 02 00 ",
	     FS_HEAD N(03) DFU_INTERFACE "09 04 00 01 00 fe 01 02 00 " DFU),
	BAD(FFS_USB_HID_REPORT, 30,
	    FS_HEAD N(02) INTERFACE(00, 00, 00, 03) "09 21 11 01 00 02 22 3f 00"),
	BAD(FFS_USB_HID_REPORT, 30,
	    FS_HEAD N(02) INTERFACE(00, 00, 00, 03) "09 21 11 01 00 01 23 3f 00"),
	BOTH(FFS_USB_HID_COUNTRY, 29,
	     FS_HEAD N(02) INTERFACE(00, 00, 00, 03) "09 21 11 01 24 01 22 3f 00",
	     FS_HEAD N(02) INTERFACE(00, 00, 00, 03) "09 21 11 01 23 01 22 3f 00"),
	BOTH(FFS_USB_CCID_VOLTAGE, 30,
	     FS_HEAD N(02) INTERFACE(00, 00, 00, 0b) "36 21 10 01 00 08" CCID_REST,
	     FS_HEAD N(02) INTERFACE(00, 00, 00, 0b) CCID),
	BAD(FFS_USB_CCID_VOLTAGE, 30,
	    FS_HEAD N(02) INTERFACE(00, 00, 00, 0b) "36 21 10 01 00 00" CCID_REST),
	BOTH(FFS_USB_DFU_BITS, 27, FS_HEAD N(02) DFU_INTERFACE "09 21 10 ff 00 00 04 10 01",
	     FS_HEAD N(02) DFU_INTERFACE DFU),
	BAD(FFS_USB_DFU_ENDPOINTS, 20, FS_HEAD N(03) "09 04 00 00 01 fe 01 02 00" DFU BULK(81)),

	BOTH(FFS_USB_COMPAT_TWICE, 64,
	     OS_HEAD "00 3b000000 0100 0400 0200"
		     "0001" WINUSB "0001" WINUSB,
	     OS_HEAD "00 23000000 0100 0400 0100"
		     "0001" WINUSB),
	BAD(FFS_USB_COMPAT_ID, 42,
	    OS_HEAD "00 23000000 0100 0400 0100"
		    "0001 77494e5553420000 0000000000000000 000000000000"),
	BAD(FFS_USB_COMPAT_ID, 46,
	    OS_HEAD "00 23000000 0100 0400 0100"
		    "0001 57494e0053420000 0000000000000000 000000000000"),
	BOTH(FFS_USB_PROP_NAME, 50,
	     OS_HEAD "00 1c000000 0100 0500 0100"
		     "11000000 01000000 0200 6161 01000000 00",
	     OS_HEAD "00 1c000000 0100 0500 0100"
		     "11000000 01000000 0200 6100 01000000 00"),
	BAD(FFS_USB_PROP_NAME, 50,
	    OS_HEAD "00 1c000000 0100 0500 0100"
		    "11000000 01000000 0200 0000 01000000 00"),
	BOTH(FFS_USB_PROP_NUMBER, 52,
	     OS_HEAD "00 1c000000 0100 0500 0100"
		     "11000000 04000000 0200 6100 01000000 00",
	     OS_HEAD "00 1f000000 0100 0500 0100"
		     "14000000 04000000 0200 6100 04000000 00000000"),

	OF_STRINGS(FFS_USB_LANGUAGE_ZERO, 16, STRING_2,
		   STRINGS_HEAD "02000000 01000000 0000 6100 6200",
		   STRINGS_HEAD "02000000 01000000 0904 6100 6200"),
	OF_STRINGS(FFS_USB_LANGUAGE_TWICE, 20, STRING_2,
		   STRINGS_HEAD "02000000 02000000 0904 0000 0904 0000",
		   STRINGS_HEAD "02000000 02000000 0904 0000 0704 0000"),
	OF_STRINGS(FFS_USB_STRING_TEXT, 19, STRING_2,
		   STRINGS_HEAD "02000000 01000000 0904 61c32800 00",
		   STRINGS_HEAD "02000000 01000000 0904 61c3a900 f09f988000"),
	/* overlong, a half of UTF-16, beyond the last character */
	OF_STRINGS(FFS_USB_STRING_TEXT, 18, STRING_2,
		   STRINGS_HEAD "02000000 01000000 0904 c08000 00", NULL),
	OF_STRINGS(FFS_USB_STRING_TEXT, 18, STRING_2,
		   STRINGS_HEAD "02000000 01000000 0904 eda08000 00", NULL),
	OF_STRINGS(FFS_USB_STRING_TEXT, 18, STRING_2,
		   STRINGS_HEAD "02000000 01000000 0904 f490808000 00", NULL),
	OF_STRINGS(FFS_USB_STRING_TEXT, 18, STRING_2, STRINGS_HEAD "02000000 01000000 0904 8000 00",
		   NULL),
	OF_STRINGS(FFS_USB_STRING_TEXT, 18, STRING_2,
		   STRINGS_HEAD "02000000 01000000 0904 c300 00", /* no descriptor uses the third */
		   STRINGS_HEAD "03000000 01000000 0904 00 00 c300"),
};

Test(validate_usb, every_rule_from_both_sides)
{
	check_rows(rows, ARRAY_SIZE(rows), true);
}

/* The kernel accepts a blob that only breaks a rule of the standards. */
Test(validate_usb, the_kernel_takes_all_of_them)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ffs_finding v =
			finding_of_hex(rows[i].kernel, false, rows[i].descriptors, rows[i].bad);

		cr_expect_eq(v.rule, FFS_ACCEPTED, "%s: %s", ffs_rule_info(rows[i].rule)->name,
			     ffs_finding_text(&v));
	}
}

Test(validate_usb, no_rule_is_without_a_blob)
{
	struct finding_row all[ARRAY_SIZE(rows) + 2];

	memcpy(all, rows, sizeof(rows));
	/* have separate tests */
	all[ARRAY_SIZE(rows)] = (struct finding_row){ .rule = FFS_USB_LANGUAGES };
	all[ARRAY_SIZE(rows) + 1] = (struct finding_row){ .rule = FFS_USB_STRING_LONG };
	check_complete(all, ARRAY_SIZE(all), FFS_STANDARD);
}

/* The only string that descriptors use: `n` letters and `more`, in hexadecimal. */
static struct ffs_finding finding_of_string(size_t n, const char *more)
{
	char text[1024] = STRINGS_HEAD "01000000 01000000 0904 ";

	for (size_t i = 0; i < n; i++)
		strcat(text, "61");
	strcat(text, more);
	strcat(text, "00");
	return finding_of_hex(NULL, true, FS_HEAD N(01) "09 04 00 00 00 ff 00 00 01", text);
}

Test(validate_usb, a_string_descriptor_has_room_for_126_units)
{
	/* Of UTF-16, in which some characters are two units, and most are one */
	cr_expect_eq(finding_of_string(126, "").rule, FFS_ACCEPTED);
	cr_expect_eq(finding_of_string(127, "").rule, FFS_USB_STRING_LONG);
	cr_expect_eq(finding_of_string(124, "f09f9880").rule, FFS_ACCEPTED);
	cr_expect_eq(finding_of_string(125, "f09f9880").rule, FFS_USB_STRING_LONG);
	cr_expect_eq(finding_of_string(125, "c3bc").rule, FFS_ACCEPTED);
	cr_expect_eq(finding_of_string(126, "c3bc").rule, FFS_USB_STRING_LONG);
}

static struct ffs_finding finding_of_languages(unsigned int n)
{
	char text[2048], *end = text;

	end += sprintf(end, STRINGS_HEAD "01000000 %02x000000 ", n);
	for (unsigned int i = 1; i <= n; i++)
		end += sprintf(end, "%02x0400 ", i);
	return finding_of_hex(NULL, true, FS_HEAD N(01) "09 04 00 00 00 ff 00 00 01", text);
}

Test(validate_usb, string_descriptor_0_has_room_for_126_languages)
{
	cr_expect_eq(finding_of_languages(126).rule, FFS_ACCEPTED);
	cr_expect_eq(finding_of_languages(127).rule, FFS_USB_LANGUAGES);
}

Test(validate_usb, associations_count_from_the_first_interface_of_the_configuration)
{
	static const char blob[] = FS_HEAD N(02) "08 0b 03 01 ff 00 00 00" VENDOR;
	size_t size;
	_cleanup_free_ uint8_t *data = from_hex(blob, &size);

	for (unsigned int first = 0; first < 5; first++) {
		const struct ffs_validation_options options = {
			.kernel = ffs_kernel_rules_find("6.12-patched"), .first_interface = first
		};
		struct ffs_instance in = { 0 };
		struct ffs_finding v = ffs_validate_usb(&options, &in, data, size);

		cr_expect_eq(v.rule, first == 3 ? FFS_ACCEPTED : FFS_USB_ASSOCIATION_ORDER);
	}
}

/* --- what ffsctl encodes --- */

static const struct ffs_validation_options *options(const char *kernel)
{
	static struct ffs_validation_options j;

	j.kernel = ffs_kernel_rules_find(kernel);
	return &j;
}

static void taken(const char *path, const struct ffs_validation_options *j, struct ffs_instance *in,
		  const uint8_t *data, size_t size)
{
	struct ffs_finding v = ffs_validate_usb(j, in, data, size);

	cr_assert_eq(v.rule, FFS_ACCEPTED, "%s on %s: %s", path, j->kernel->name,
		     ffs_finding_text(&v));
}

static void example_is_taken(const char *path, const struct ffs_validation_options *j)
{
	struct diags d = { 0 };
	struct gadget *g = NULL;
	struct error err = { 0 };

	cr_assert_eq(gadgetfile_load(path, NULL, &g, NULL, &d, &err), 0, "%s: %s", path, err.text);
	for (size_t i = 0; i < g->n_functions; i++) {
		size_t descriptors_size, strings_size;
		_cleanup_free_ uint8_t *descriptors =
			ffs_blob_descriptors(g->functions[i].ffs, &descriptors_size);
		_cleanup_free_ uint8_t *strings =
			ffs_blob_strings(g->functions[i].ffs, &strings_size);
		struct ffs_instance in = { 0 };
		struct ffs_validation_options here = *j;

		here.first_interface = g->functions[i].ffs->first_interface;
		taken(path, &here, &in, descriptors, descriptors_size);
		taken(path, &here, &in, strings, strings_size);
		cr_assert_eq(in.state, FFS_ACTIVE);
	}
	gadget_free(g);
	diags_free(&d);
}

Test(validate_usb, what_we_encode_for_the_examples_is_taken)
{
	static const char *const names[] = { "interrupt",     "languages",	    "loopback",
					     "mount-options", "python-worker",	    "exec-worker",
					     "two-functions", "accessory/accessory" };
	const char *src = getenv("FFSCTL_SRC");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = strf("%s/examples/%s.conf", src ? src : ".", names[i]);

		for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++)
			/* accessory has files for both directions */
			if (strstr(k->name, "patched") || !strchr(names[i], '/'))
				example_is_taken(path, options(k->name));
	}
}

/* Alternate settings, isochronous endpoints, class, association and Microsoft OS descriptors. */
Test(validate_usb, what_we_encode_for_all_that_descriptors_may_say_is_taken)
{
	const char *src = getenv("FFSCTL_SRC");
	_cleanup_free_ char *path = strf("%s/tests/good/descriptors.conf", src ? src : ".");

	example_is_taken(path, options("6.12-patched"));
}
