/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Validation by the kernel's rules: each refusal from both sides, by hand.
 * tests/lab/blob/test_validate.py compares the rules with the kernel.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "hex.h"

#define OS_HEAD HEAD("09000000") "01000000 01000000 " VENDOR
#define COMPAT_HEAD "00 23000000 0100 0400 0100 "
#define WINUSB "57494e5553420000 0000000000000000 "
#define PROP_HEAD "00 1c000000 0100 0500 0100 "
/* Of 17 bytes: a name of 2, data of 1. */
#define PROP "11000000 01000000 0200 6100 01000000 00 "

#define FIVE(x) x x x x x
#define ENDPOINTS_30 FIVE(BULK(01) BULK(81) BULK(02) BULK(82) BULK(03) BULK(83))

static const struct finding_row rows[] = {
	BOTH(FFS_WRITE_SHORT, 0, "03000000 0f000000 01000000 000000", FS_HEAD N(01) VENDOR),
	BOTH(FFS_DESCS_LENGTH, 4, "03000000 1a000000 01000000 01000000" VENDOR,
	     "03000000 19000000 01000000 01000000" VENDOR),
	BOTH(FFS_DESCS_MAGIC, 0, "02000000 LL 01000000 01000000" VENDOR,
	     "01000000 LL 01000000 00000000" VENDOR),
	BOTH(FFS_FLAGS, 8, HEAD("01000080") N(00), HEAD("01010000") N(01) VENDOR),
	BOTH(FFS_EVENTFD_CLOSED, 12, HEAD("21000000") "ffffffff" N(01) VENDOR,
	     HEAD("21000000") "01000000" N(01) VENDOR),
	BAD(FFS_EVENTFD_OTHER, 12, HEAD("21000000") "02000000" N(01) VENDOR),
	BOTH(FFS_COUNT_CUT, 16, HEAD("03000000") "00000000 010000", FS_HEAD N(01) VENDOR),
	BOTH(FFS_OS_COUNT_CUT, 16, HEAD("09000000") "00000000",
	     OS_HEAD COMPAT_HEAD "00 01 " WINUSB "000000000000"),

	BOTH(FFS_DESC_HEAD_CUT, 25, FS_HEAD N(02) VENDOR "07", FS_HEAD N(01) VENDOR),
	BOTH(FFS_DESC_CUT, 25, FS_HEAD N(02) VENDOR "07 05 81", FS_HEAD N(02) VENDOR BULK(81)),
	BAD(FFS_DESC_RESERVED, 26, FS_HEAD N(02) VENDOR "04 03 09 04"),
	BAD(FFS_DESC_RESERVED, 26, FS_HEAD N(02) VENDOR "02 01"),
	BAD(FFS_DESC_RESERVED, 26, FS_HEAD N(02) VENDOR "02 02"),
	BAD(FFS_DESC_RESERVED, 26, FS_HEAD N(02) VENDOR "02 06"),
	BOTH(FFS_INTERFACE_LENGTH, 16, FS_HEAD N(01) "0a 04 00 00 00 ff 00 00 00 00",
	     FS_HEAD N(01) VENDOR),
	BOTH(FFS_ENDPOINT_LENGTH, 25, FS_HEAD N(02) VENDOR "08 05 81 02 40 00 00 00",
	     FS_HEAD N(02) VENDOR "09 05 81 02 40 00 00 00 00"),
	BOTH(FFS_ENDPOINT_ZERO, 27, FS_HEAD N(02) VENDOR BULK(80), FS_HEAD N(02) VENDOR BULK(8f)),
	BOTH(FFS_ENDPOINT_MANY, 25 + 30 * 7, FS_HEAD "20000000" VENDOR ENDPOINTS_30 BULK(04),
	     FS_HEAD "1f000000" VENDOR ENDPOINTS_30),
	BOTH(FFS_ENDPOINT_ADDRESS, 20 + 9 + 7 + 9 + 2,
	     HEAD("03000000") N(02) N(02) VENDOR BULK(81) VENDOR BULK(82),
	     HEAD("03000000") N(02) N(02) VENDOR BULK(81) VENDOR BULK(81)),
	/* The next speed's endpoints are compared with the first one's in order */
	BAD(FFS_ENDPOINT_ADDRESS, 20 + 9 + 9 + 2,
	    HEAD("03000000") N(01) N(02) VENDOR VENDOR BULK(81)),
	BOTH(FFS_HID_LENGTH, 25, FS_HEAD N(02) INTERFACE(00, 00, 00, 03) "08 21 11 01 00 01 22 3f",
	     FS_HEAD N(02) INTERFACE(00, 00, 00, 03) HID_DESC),
	BOTH(FFS_CCID_LENGTH, 25, FS_HEAD N(02) INTERFACE(00, 00, 00, 0b) HID_DESC,
	     FS_HEAD N(02) INTERFACE(00, 00, 00, 0b) "36 21 10 01" FIVE(FIVE("0000"))),
	BOTH(FFS_DFU_LENGTH, 25, FS_HEAD N(02) "09 04 00 00 00 fe 01 00 00 07 21 0d ff 00 00 04",
	     FS_HEAD N(02) "09 04 00 00 00 fe 01 00 00 09 21 0d ff 00 00 04 10 01"),
	BAD(FFS_CLASS_OTHER, 25, FS_HEAD N(02) VENDOR HID_DESC),
	BAD(FFS_CLASS_OTHER, 16, FS_HEAD N(02) HID_DESC INTERFACE(00, 00, 00, 03)),
	BAD(FFS_CLASS_OTHER, 25,
	    FS_HEAD N(02) "09 04 00 00 00 fe 02 00 00 09 21 0d ff 00 00 04 10 01"),
	ON("6.1-patched", FFS_CLASS_OTHER, 25,
	   FS_HEAD N(02) "09 04 00 00 00 fe 01 00 00 09 21 0d ff 00 00 04 10 01", NULL),
	BOTH(FFS_OTG_LENGTH, 25, FS_HEAD N(02) VENDOR "05 09 00 00 02",
	     FS_HEAD N(02) VENDOR OTG_DESC),
	BOTH(FFS_ASSOCIATION_LENGTH, 16, FS_HEAD N(02) "09 0b 00 01 ff 00 00 00 00" VENDOR,
	     FS_HEAD N(02) "08 0b 00 01 ff 00 00 00" VENDOR),
	BOTH(FFS_COMPANION_LENGTH, 32, SS_HEAD N(03) VENDOR BULK(81) "08 30 00 00 00 00 00 00",
	     SS_HEAD N(03) VENDOR BULK(81) COMPANION),
	BAD(FFS_DESC_UNIMPLEMENTED, 26, FS_HEAD N(02) VENDOR "02 07"),
	BAD(FFS_DESC_UNIMPLEMENTED, 26, FS_HEAD N(02) VENDOR "02 23"),
	BAD(FFS_DESC_UNKNOWN, 26, FS_HEAD N(02) VENDOR "05 24 00 10 01"),
	BAD(FFS_DESC_UNKNOWN, 26, FS_HEAD N(02) VENDOR "08 31 00 00 00 00 00 00"),

	BAD(FFS_SET_ENDPOINTS, 20 + 9 + 7, HEAD("03000000") N(02) N(01) VENDOR BULK(81) VENDOR),
	BOTH(FFS_SET_INTERFACES, 20 + 9,
	     HEAD("03000000") N(01) N(02) VENDOR VENDOR INTERFACE(01, 00, 00, ff),
	     HEAD("03000000") N(01) N(02) VENDOR VENDOR INTERFACE(00, 01, 00, ff)),

	BAD(FFS_OS_HEAD_CUT, 29, OS_HEAD "00 0a000000 0100 0400 01"),
	BOTH(FFS_OS_LENGTH, 30,
	     OS_HEAD "00 24000000 0100 0400 0100"
		     "00 01 " WINUSB "000000000000",
	     OS_HEAD COMPAT_HEAD "00 01 " WINUSB "000000000000"),
	/* Too few are not noticed */
	BOTH(FFS_OS_VERSION, 34, OS_HEAD "00 00000000 0002 0400 0000",
	     OS_HEAD "00 00000000 0001 0400 0000"),
	ON("6.1-stock", FFS_OS_VERSION, 34, OS_HEAD "00 00000000 0001 0400 0000",
	   OS_HEAD "00 00000000 0100 0400 0000"),
	BOTH(FFS_OS_INDEX, 36, OS_HEAD "00 00000000 0100 0600 0000",
	     OS_HEAD "00 00000000 0100 0500 0000"),
	BAD(FFS_OS_COUNT, 38, OS_HEAD "00 00000000 0100 0400 0001"),
	BAD(FFS_COMPAT_CUT, 40, OS_HEAD "00 22000000 0100 0400 0100 00 01 " WINUSB "0000000000"),
	BOTH(FFS_COMPAT_INTERFACE, 40, OS_HEAD COMPAT_HEAD "01 01 " WINUSB "000000000000",
	     OS_HEAD COMPAT_HEAD "00 00 " WINUSB "000000000000"),
	BAD(FFS_COMPAT_RESERVED2, 63, OS_HEAD COMPAT_HEAD "00 01 " WINUSB "000000000001"),
	BAD(FFS_PROP_CUT, 40,
	    OS_HEAD "00 14000000 0100 0500 0100"
		    "110000000100000002"),
	BOTH(FFS_PROP_INTERFACE, 29, OS_HEAD "01 1c000000 0100 0500 0100" PROP,
	     OS_HEAD PROP_HEAD PROP),
	BOTH(FFS_PROP_SIZE, 40, OS_HEAD PROP_HEAD "12000000 01000000 0200 6100 01000000 00",
	     OS_HEAD PROP_HEAD "11ff0000 01000000 0200 6100 01000000 00"),
	BAD(FFS_PROP_TYPE_LOW, 44, OS_HEAD PROP_HEAD "11000000 00000000 0200 6100 01000000 00"),
	BOTH(FFS_PROP_TYPE_HIGH, 44, OS_HEAD PROP_HEAD "11000000 08000000 0200 6100 01000000 00",
	     OS_HEAD PROP_HEAD "11000000 07000000 0200 6100 01000000 00"),
	BOTH(FFS_PROP_NAME, 48, OS_HEAD PROP_HEAD "11000000 01000000 0400 6100 01000000 00",
	     OS_HEAD PROP_HEAD "11000000 01000000 0300 610000 00000000"),
	BAD(FFS_PROP_DATA, 52, OS_HEAD PROP_HEAD "11000000 01000000 0200 6100 02000000 00"),

	BAD(FFS_NOTHING, 16, FS_HEAD "00000000"),
	BAD(FFS_NOTHING, 16, FS_HEAD "00000000" VENDOR),
	BAD(FFS_NOTHING, 12, HEAD("00000000") VENDOR),
	BOTH(FFS_DESCS_LEFT, 25, FS_HEAD N(01) VENDOR "00", FS_HEAD N(01) VENDOR),
	BOTH(FFS_PROXY_ODD, 8, HEAD("01010000") N(02) VENDOR BULK(81),
	     HEAD("01010000") N(03) VENDOR BULK(81) BULK(02)),
	BAD(FFS_PROXY_PAIR, 8, HEAD("01010000") N(03) VENDOR BULK(81) BULK(82)),
	BAD(FFS_PROXY_PAIR, 8, HEAD("01010000") N(05) VENDOR BULK(81) BULK(01) BULK(02) BULK(03)),

	OF_STRINGS(FFS_STRINGS_MAGIC, 0, FS_HEAD N(01) NAMED,
		   "03000000 LL 02000000 01000000 0904 6100 6200",
		   STRINGS_HEAD "02000000 01000000 0904 6100 6200"),
	OF_STRINGS(FFS_STRINGS_LENGTH, 4, FS_HEAD N(01) NAMED,
		   "02000000 17000000 02000000 01000000 0904 6100 6200", NULL),
	OF_STRINGS(FFS_STRINGS_PARITY, 8, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 00000000 0904 6100 6200", NULL),
	OF_STRINGS(FFS_STRINGS_PARITY, 8, FS_HEAD N(01) VENDOR, STRINGS_HEAD "00000000 01000000",
		   STRINGS_HEAD "00000000 00000000"),
	OF_STRINGS(FFS_STRINGS_FEW, 8, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "01000000 01000000 0904 6100 6200", NULL),
	OF_STRINGS(FFS_LANGUAGE_CUT, 22, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 02000000 0904 6100 6200",
		   STRINGS_HEAD "02000000 02000000 0904 6100 6200 0704 00 00"),
	OF_STRINGS(FFS_LANGUAGE_CUT, 22, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 02000000 0904 6100 6200 0704", NULL),
	OF_STRINGS(FFS_STRING_CUT, 20, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 01000000 0904 6100 62", NULL),
	OF_STRINGS(FFS_STRING_CUT, 22, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "03000000 01000000 0904 6100 6200",
		   STRINGS_HEAD "03000000 01000000 0904 6100 6200 00"),
	OF_STRINGS(FFS_STRINGS_LEFT, 22, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 01000000 0904 6100 6200 00", NULL),
	/* (4 MiB - 8) / (8 + 16 * 4) = 58254 */
	OF_STRINGS(FFS_STRINGS_MEMORY, 12, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 8fe30000 0904 6100 6200", NULL),
	OF_STRINGS(FFS_LANGUAGE_CUT, 22, FS_HEAD N(01) NAMED,
		   STRINGS_HEAD "02000000 8ee30000 0904 6100 6200", NULL),
};

Test(validate, every_refusal_from_both_sides)
{
	check_rows(rows, ARRAY_SIZE(rows), false);
}

Test(validate, no_refusal_is_without_a_blob)
{
	struct finding_row all[ARRAY_SIZE(rows) + 1];

	memcpy(all, rows, sizeof(rows));
	/* too large for a table */
	all[ARRAY_SIZE(rows)] = (struct finding_row){ .rule = FFS_WRITE_HUGE };
	check_complete(all, ARRAY_SIZE(all), FFS_REFUSAL);
}

/* --- beyond the table --- */

static const struct ffs_validation_options *options(void)
{
	static struct ffs_validation_options j;

	j.kernel = ffs_kernel_rules_find("6.12-stock");
	return &j;
}

#define MAX_ALLOC (4U << 20)

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* A blob of `n` OTG descriptors. */
static struct ffs_finding finding_of_many(uint32_t n)
{
	size_t size = 16 + 3 * (size_t)n;
	_cleanup_free_ uint8_t *data = xcalloc(size, 1);
	struct ffs_instance in = { 0 };

	put32(data, 3);
	put32(data + 4, (uint32_t)size);
	put32(data + 8, 1);
	put32(data + 12, n);
	for (size_t i = 16; i < size; i += 3)
		memcpy(data + i, "\3\11", 2);
	return ffs_validate_as_kernel(options(), &in, data, size);
}

Test(validate, four_mebibytes_and_no_more)
{
	struct ffs_finding v = finding_of_many((MAX_ALLOC - 16) / 3);

	cr_assert_eq(v.rule, FFS_ACCEPTED);
	v = finding_of_many((MAX_ALLOC - 16) / 3 + 1);
	cr_assert_eq(v.rule, FFS_WRITE_HUGE);
	cr_assert_eq(v.kernel_error, -ENOMEM);
}

Test(validate, nothing_at_all_is_a_write_too)
{
	struct ffs_instance in = { 0 };

	cr_assert_eq(ffs_validate_as_kernel(options(), &in, NULL, 0).rule, FFS_WRITE_SHORT);
}

Test(validate, a_kernel_refuses_an_unknown_flag)
{
	struct ffs_finding v =
		finding_of_hex("6.12-stock", false, NULL, HEAD("01010000") N(01) VENDOR);

	cr_assert_eq(v.rule, FFS_FLAGS);
	cr_assert_eq(v.kernel_error, -ENOSYS);
	cr_assert_eq(v.found, 256);
}

Test(validate, strings_that_no_descriptor_uses_are_not_read)
{
	struct ffs_finding v = finding_of_hex(NULL, false, FS_HEAD N(01) VENDOR,
					      STRINGS_HEAD "ffffffff ffffffff 4711");

	cr_assert_eq(v.rule, FFS_ACCEPTED);
}

Test(validate, a_speed_without_interfaces_leaves_the_next_one_to_be_the_first)
{
	struct ffs_finding v = finding_of_hex(
		NULL, false, NULL, HEAD("03000000") N(01) N(02) OTG_DESC VENDOR BULK(81));

	cr_assert_eq(v.rule, FFS_ACCEPTED);
}

Test(validate, os_descriptors_alone_are_accepted_without_features)
{
	struct ffs_finding v = finding_of_hex(NULL, false, NULL,
					      HEAD("08000000") N(01) "00 0b000000 0100 0400 0000");

	cr_assert_eq(v.rule, FFS_ACCEPTED);
	v = finding_of_hex(NULL, true, NULL, HEAD("08000000") N(01) "00 0b000000 0100 0400 0000");
	cr_assert_eq(v.rule, FFS_USB_NO_INTERFACE);
}

/* A refused blob leaves state in the instance, so that a valid one is refused, too. */
Test(validate, a_refused_blob_leaves_something_behind_until_all_is_closed)
{
	size_t bad_size, good_size;
	_cleanup_free_ uint8_t *bad = from_hex(FS_HEAD N(02) VENDOR BULK(81) "00", &bad_size);
	_cleanup_free_ uint8_t *good = from_hex(FS_HEAD N(02) VENDOR BULK(82), &good_size);
	struct ffs_instance in = { 0 };

	cr_assert_eq(ffs_validate_as_kernel(options(), &in, bad, bad_size).rule, FFS_DESCS_LEFT);
	cr_assert_eq(ffs_validate_as_kernel(options(), &in, good, good_size).rule,
		     FFS_ENDPOINT_ADDRESS);
	ffs_instance_simulate_close(&in);
	cr_assert_eq(ffs_validate_as_kernel(options(), &in, good, good_size).rule, FFS_ACCEPTED);
	cr_assert_eq(in.state, FFS_WANTS_STRINGS);
	cr_assert_eq(in.n_endpoints, 1);
	cr_assert_eq(in.n_interfaces, 1);
	cr_assert_eq(in.endpoint_address[1], 0x82);
}

Test(validate, sentences_name_the_byte_and_the_numbers)
{
	struct ffs_finding v = finding_of_hex(NULL, false, NULL,
					      FS_HEAD N(02) VENDOR "08 05 81 02 "
								   "40 00 00 00");
	_cleanup_free_ char *text = ffs_finding_text(&v);
	_cleanup_free_ char *accepted = ffs_finding_text(&(struct ffs_finding){ 0 });

	cr_assert_str_eq(text,
			 "byte 25: bLength is 8, but an endpoint descriptor has 7 bytes, in "
			 "audio interfaces 9; set bLength to 7, in audio interfaces to 9, and "
			 "write that many bytes");
	cr_assert_str_eq(accepted, "accepted");
}

Test(validate, every_rule_has_its_words)
{
	for (enum ffs_rule r = FFS_ACCEPTED; r < FFS_RULE_COUNT; r++) {
		const struct ffs_rule_info *info = ffs_rule_info(r);

		cr_assert_not_null(info->name, "rule %d", r);
		cr_assert_not_null(info->reference, "%s", info->name);
		cr_assert_eq(info->kind == FFS_REFUSAL, info->kernel_error != 0, "%s", info->name);
		cr_assert_eq(info->kind == FFS_BRANCH, !info->what_is_wrong, "%s", info->name);
		cr_assert_eq(info->kind == FFS_BRANCH, !info->what_to_do, "%s", info->name);
	}
}
