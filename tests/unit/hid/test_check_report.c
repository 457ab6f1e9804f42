/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks HID report descriptors: one for each rule, ones that come close to a rule, and the length
 * of reports.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../fuzz/hid_reports.h"
#include "../rounds.h"
#include "base/cleanup.h"
#include "base/util.h"
#include "hid/check_report.h"

#define PAGE(n) 0x05, (n)
#define USAGE(n) 0x09, (n)
#define USAGES(first, last) 0x19, (first), 0x29, (last)
#define APPLICATION PAGE(1), USAGE(6), 0xa1, 0x01
#define END 0xc0
#define RANGE(min, max) 0x15, (min), 0x25, (max)
#define SIZE(bits) 0x75, (bits)
#define COUNT(n) 0x95, (n)
#define ID(n) 0x85, (n)
#define INPUT 0x81, 0x02
#define OUTPUT 0x91, 0x02
#define FEATURE 0xb1, 0x02
#define PADDING(bits) SIZE(1), COUNT(bits), 0x81, 0x03
#define PUSH 0xa4
#define POP 0xb4
/* A field of one byte, and what it needs, without its usage. */
#define BYTE RANGE(0, 1), SIZE(8), COUNT(1)
/* The offset of the first item after APPLICATION. */
#define INSIDE 6

static struct hid_report r;

#define BYTES(...) .bytes = { __VA_ARGS__ }, .size = sizeof((const uint8_t[]){ __VA_ARGS__ })
#define FIND(name, at) .rule = (name), .offset = (at)

static const struct example {
	enum hid_rule rule;
	size_t offset;
	uint8_t bytes[64];
	size_t size;
	enum hid_boot_protocol boot;
} broken[] = {
	{ FIND(HID_RULE_ITEM_CUT_OFF, INSIDE), BYTES(APPLICATION, 0x26, 0xff) },
	{ FIND(HID_RULE_ITEM_CUT_OFF, 0), BYTES(0x27) },
	{ FIND(HID_RULE_ITEM_CUT_OFF, 2), BYTES(0x05, 0x01, 0xfe) },
	{ FIND(HID_RULE_ITEM_CUT_OFF, 0), BYTES(0xfe, 3, 0xf0, 1, 2) },
	{ FIND(HID_RULE_LONG_ITEM, INSIDE),
	  BYTES(APPLICATION, 0xfe, 2, 0xf0, END, END, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_LONG_ITEM, INSIDE),
	  BYTES(APPLICATION, 0xf4, 0, 0, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_END_WITHOUT_COLLECTION, 19),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, END, END) },
	{ FIND(HID_RULE_OPEN_COLLECTION, 4),
	  BYTES(APPLICATION, USAGE(1), 0xa1, 0, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_REPORT_ID_0, INSIDE),
	  BYTES(APPLICATION, ID(0), USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_REPORT_ID_LARGE, INSIDE),
	  BYTES(APPLICATION, 0x86, 0x00, 0x01, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_LOGICAL_RANGE, 16),
	  BYTES(APPLICATION, USAGE(1), RANGE(5, 1), SIZE(8), COUNT(1), INPUT, END) },
	/* The maximum is read before the minimum: 0xff is 255, then the minimum is -1. */
	{ FIND(HID_RULE_LOGICAL_RANGE, 16),
	  BYTES(APPLICATION, USAGE(1), RANGE(0x81, 0x80), SIZE(8), COUNT(1), INPUT, END) },
	{ FIND(HID_RULE_REPORT_SIZE, INSIDE),
	  BYTES(APPLICATION, 0x76, 0x01, 0x01, COUNT(1), RANGE(0, 1), USAGE(1), INPUT, END) },
	{ FIND(HID_RULE_REPORT_COUNT, INSIDE),
	  BYTES(APPLICATION, 0x96, 0x01, 0x30, SIZE(8), RANGE(0, 1), USAGE(1), INPUT, END) },
	/* 2048 fields of 8 bytes, one byte too many */
	{ FIND(HID_RULE_REPORT_LONG, 17),
	  BYTES(APPLICATION, USAGE(1), RANGE(0, 1), SIZE(64), 0x96, 0x00, 0x08, INPUT, END) },
	{ FIND(HID_RULE_PUSH, INSIDE + 4),
	  BYTES(APPLICATION, PUSH, PUSH, PUSH, PUSH, PUSH, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_POP, INSIDE), BYTES(APPLICATION, POP, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_GLOBAL_ITEM, INSIDE),
	  BYTES(APPLICATION, 0xc5, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_USAGES_MANY, INSIDE + 5),
	  BYTES(APPLICATION, 0x19, 0, 0x2a, 0xff, 0x2f, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_DELIMITER_NESTED, INSIDE + 2),
	  BYTES(APPLICATION, 0xa9, 1, 0xa9, 1, USAGE(1), 0xa9, 0, BYTE, INPUT, END) },
	{ FIND(HID_RULE_DELIMITER_CLOSED, INSIDE),
	  BYTES(APPLICATION, 0xa9, 0, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_DELIMITER_OPEN, 19),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, END, 0xa9, 1) },

	{ FIND(HID_RULE_NO_REPORT, 0), BYTES(APPLICATION, END) },
	{ FIND(HID_RULE_NO_REPORT, 0), BYTES(APPLICATION, PADDING(0), END) },
	{ FIND(HID_RULE_FIELD_BEFORE_ID, 16),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, ID(1), USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_USAGE_RANGE, INSIDE + 2),
	  BYTES(APPLICATION, USAGES(5, 1), RANGE(0, 1), SIZE(8), 0x96, 0x00, 0x30, 0x81, 0, END) },
	{ FIND(HID_RULE_USAGE_MAXIMUM_ALONE, INSIDE),
	  BYTES(APPLICATION, 0x29, 5, RANGE(0, 5), SIZE(8), COUNT(6), INPUT, END) },
	{ FIND(HID_RULE_USAGE_MINIMUM_ALONE, INSIDE + 2),
	  BYTES(APPLICATION, USAGE(1), 0x19, 5, BYTE, INPUT, END) },
	{ FIND(HID_RULE_USAGES_UNUSED, 16 + 2),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, USAGE(2), END) },
	{ FIND(HID_RULE_USAGES_UNUSED, 17 + 2),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, END, USAGE(2)) },
	{ FIND(HID_RULE_USAGES_EXCESS, 18),
	  BYTES(APPLICATION, USAGE(1), USAGE(2), BYTE, INPUT, END) },
	{ FIND(HID_RULE_FIELD_OUTSIDE, 12), BYTES(PAGE(1), USAGE(1), BYTE, INPUT) },
	{ FIND(HID_RULE_COLLECTION_TYPE, 4),
	  BYTES(PAGE(1), USAGE(2), 0xa1, 0, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_COLLECTION_USAGE, 2), BYTES(PAGE(1), 0xa1, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_COLLECTION_USAGE, 6),
	  BYTES(PAGE(1), USAGE(2), USAGE(3), 0xa1, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_ID_OUTSIDE, 0), BYTES(ID(1), APPLICATION, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_COLLECTION_ID, 17 + 2 + 4),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, END, APPLICATION, USAGE(1), INPUT, END) },
	{ FIND(HID_RULE_ID_SHARED, 18 + 3 + 6 + 2),
	  BYTES(APPLICATION, ID(1), USAGE(1), BYTE, INPUT, END, APPLICATION, USAGE(1), OUTPUT,
		END) },
	{ FIND(HID_RULE_ITEM_UNKNOWN, INSIDE),
	  BYTES(APPLICATION, 0x00, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_ITEM_UNKNOWN, INSIDE),
	  BYTES(APPLICATION, 0x69, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_ITEM_UNKNOWN, INSIDE),
	  BYTES(APPLICATION, 0x0d, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_ITEM_TRAILING, 17 + 2),
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, END, PAGE(1)) },
	{ FIND(HID_RULE_FIELD_USAGE, 14), BYTES(APPLICATION, BYTE, INPUT, END) },
	{ FIND(HID_RULE_FIELD_EMPTY, 14), BYTES(APPLICATION, USAGE(1), RANGE(0, 1), SIZE(8), INPUT,
						USAGE(1), COUNT(1), INPUT, END) },
	{ FIND(HID_RULE_LOGICAL_SIZE, 16),
	  BYTES(APPLICATION, USAGE(1), RANGE(0, 2), SIZE(1), COUNT(8), INPUT, END) },
	{ FIND(HID_RULE_LOGICAL_SIZE, 16),
	  BYTES(APPLICATION, USAGE(1), RANGE(0x81, 0x7f), SIZE(1), COUNT(8), INPUT, END) },
	/* Buttons, then X with the range of the buttons */
	{ FIND(HID_RULE_LOGICAL_LEAKS, 30),
	  BYTES(APPLICATION, PAGE(9), USAGES(1, 8), RANGE(0, 1), SIZE(1), COUNT(8), INPUT, PAGE(1),
		USAGE(0x30), SIZE(8), COUNT(1), INPUT, END) },
	/* A wheel and AC Pan with the range of the buttons before them */
	{ FIND(HID_RULE_LOGICAL_LEAKS, 30),
	  BYTES(APPLICATION, PAGE(9), USAGES(1, 8), RANGE(0, 1), SIZE(1), COUNT(8), INPUT, PAGE(1),
		USAGE(0x38), SIZE(8), COUNT(1), 0x81, 6, END) },
	{ FIND(HID_RULE_LOGICAL_LEAKS, 31),
	  BYTES(APPLICATION, PAGE(9), USAGES(1, 8), RANGE(0, 1), SIZE(1), COUNT(8), INPUT,
		PAGE(0x0c), 0x0a, 0x38, 0x02, SIZE(8), COUNT(1), 0x81, 6, END) },
	/* Keys with the range of the modifiers */
	{ FIND(HID_RULE_ARRAY_LEAKS, 30),
	  BYTES(APPLICATION, PAGE(7), USAGES(0xe0, 0xe7), RANGE(0, 1), SIZE(1), COUNT(8), INPUT,
		USAGES(0, 101), SIZE(8), COUNT(6), 0x81, 0, END) },
	/* X of 10 cm, then Y with another logical range */
	{ FIND(HID_RULE_PHYSICAL_LEAKS, 28),
	  BYTES(APPLICATION, USAGE(0x30), RANGE(0, 100), 0x35, 0, 0x45, 10, 0x65, 0x11, SIZE(8),
		COUNT(1), INPUT, USAGE(0x31), 0x25, 50, INPUT, END) },
	{ FIND(HID_RULE_PAGE_SWAPPED, 0),
	  BYTES(0x06, 0xff, 0x00, USAGE(6), 0xa1, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_PAGE_SWAPPED, 0),
	  BYTES(0x06, 0x00, 0x01, USAGE(6), 0xa1, 1, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_PAGE_SWAPPED, INSIDE), /* beside a mouse */
	  BYTES(PAGE(1), USAGE(2), 0xa1, 1, 0x06, 0xff, 0x00, USAGE(1), BYTE, INPUT, END) },
	{ FIND(HID_RULE_PARTIAL_BYTE, 16),
	  BYTES(APPLICATION, USAGE(1), RANGE(0, 1), SIZE(1), COUNT(7), INPUT, END) },
#define MODIFIERS PAGE(7), USAGES(0xe0, 0xe7), RANGE(0, 1), SIZE(1), COUNT(8), INPUT
#define KEYS USAGES(0, 101), RANGE(0, 101), SIZE(8), COUNT(6), 0x81, 0
	{ FIND(HID_RULE_BOOT_ID, 0), BYTES(APPLICATION, ID(1), MODIFIERS, PADDING(8), KEYS, END),
	  .boot = HID_BOOT_KEYBOARD },
	{ FIND(HID_RULE_BOOT_KEYBOARD, 36),
	  BYTES(APPLICATION, MODIFIERS, PADDING(8), USAGES(0, 7), RANGE(0, 1), INPUT, END),
	  .boot = HID_BOOT_KEYBOARD },
	{ FIND(HID_RULE_BOOT_LEDS, 54),
	  BYTES(APPLICATION, MODIFIERS, PADDING(8), KEYS, PAGE(8), USAGE(0x4b), RANGE(0, 1),
		SIZE(1), COUNT(1), OUTPUT, SIZE(7), 0x91, 3, END),
	  .boot = HID_BOOT_KEYBOARD },
	{ FIND(HID_RULE_BOOT_LONG, 56),
	  BYTES(APPLICATION, MODIFIERS, PADDING(8), KEYS, PAGE(0x0c), USAGES(1, 8), RANGE(0, 1),
		SIZE(1), COUNT(8), INPUT, END),
	  .boot = HID_BOOT_KEYBOARD },
	{ FIND(HID_RULE_BOOT_MOUSE, 0), BYTES(APPLICATION, PADDING(8), END),
	  .boot = HID_BOOT_MOUSE },
};

static void check(const struct example *e)
{
	hid_report_check(e->bytes, e->size, e->boot, &r);
}

static char *findings_text(void)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < r.n_findings; i++) {
		_cleanup_free_ char *finding = hid_finding_text(&r.findings[i]);
		char *longer = strf("%sbyte %zu: %s\n", text, r.findings[i].offset, finding);

		free(text);
		text = longer;
	}
	return text;
}

Test(check_report, each_rule_is_found_at_its_item_and_alone)
{
	bool seen[HID_RULE_COUNT] = { [HID_RULE_EMPTY] = true };

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		_cleanup_free_ char *text = NULL;

		check(&broken[i]);
		text = findings_text();
		seen[broken[i].rule] = true;
		cr_expect(r.n_findings == 1 && r.findings[0].rule == broken[i].rule &&
				  r.findings[0].offset == broken[i].offset,
			  "example %zu, rule %d at byte %zu:\n%s", i, (int)broken[i].rule,
			  broken[i].offset, text);
	}
	for (size_t rule = 0; rule < HID_RULE_COUNT; rule++)
		cr_expect(seen[rule], "rule %zu has no example", rule);
}

Test(check_report, an_empty_descriptor_is_an_error)
{
	hid_report_check((const uint8_t *)"", 0, HID_BOOT_NONE, &r);
	cr_assert_eq(r.n_findings, 1);
	cr_expect_eq(r.findings[0].rule, HID_RULE_EMPTY);
}

/* What comes close to a rule, but every host reads as it is written. */
static const struct example good[] = {
	{ .rule = HID_RULE_LOGICAL_RANGE, /* 0xff is 255 */
	  BYTES(APPLICATION, USAGE(1), RANGE(0, 0xff), SIZE(8), COUNT(1), INPUT, END) },
	{ .rule = HID_RULE_REPORT_LONG, /* 16383 bytes */
	  BYTES(APPLICATION, USAGE(1), RANGE(0, 1), SIZE(8), 0x96, 0xff, 0x1f, INPUT, USAGE(1),
		INPUT, USAGE(1), COUNT(1), INPUT, END) },
	{ .rule = HID_RULE_REPORT_SIZE,
	  BYTES(APPLICATION, USAGE(1), RANGE(0, 1), 0x76, 0x00, 0x01, COUNT(1), INPUT, END) },
	{ .rule = HID_RULE_PUSH,
	  BYTES(APPLICATION, PUSH, PUSH, PUSH, PUSH, POP, POP, POP, POP, USAGE(1), BYTE, INPUT,
		END) },
	{ .rule = HID_RULE_FIELD_BEFORE_ID,
	  BYTES(APPLICATION, ID(1), USAGE(1), BYTE, INPUT, ID(2), USAGE(1), INPUT, END) },
	{ .rule = HID_RULE_USAGE_RANGE, BYTES(APPLICATION, USAGES(5, 5), BYTE, INPUT, END) },
	{ .rule = HID_RULE_USAGES_EXCESS, /* an array has as many usages as it likes */
	  BYTES(APPLICATION, USAGES(0, 101), RANGE(0, 101), SIZE(8), COUNT(6), 0x81, 0, END) },
	{ .rule = HID_RULE_USAGES_EXCESS, /* of a vendor, and of a feature report */
	  BYTES(0x06, 0x00, 0xff, USAGE(1), 0xa1, 1, USAGES(1, 9), RANGE(0, 1), SIZE(8), COUNT(8),
		INPUT, END) },
	{ .rule = HID_RULE_USAGES_EXCESS,
	  BYTES(APPLICATION, USAGES(1, 9), RANGE(0, 1), SIZE(8), COUNT(8), FEATURE, END) },
	{ .rule = HID_RULE_COLLECTION_TYPE, /* inside */
	  BYTES(APPLICATION, USAGE(1), 0xa1, 0, USAGE(1), BYTE, INPUT, END, END) },
	{ .rule = HID_RULE_COLLECTION_ID,
	  BYTES(APPLICATION, ID(1), USAGE(1), BYTE, INPUT, END, APPLICATION, ID(2), USAGE(1), INPUT,
		END) },
	{ .rule = HID_RULE_ID_SHARED, /* by reports of two kinds */
	  BYTES(APPLICATION, ID(1), USAGE(1), BYTE, INPUT, USAGE(1), OUTPUT, END) },
	{ .rule = HID_RULE_FIELD_USAGE,
	  BYTES(APPLICATION, USAGE(1), BYTE, INPUT, PADDING(8), END) },
	{ .rule = HID_RULE_LOGICAL_SIZE,
	  BYTES(APPLICATION, USAGE(1), RANGE(0x80, 0x7f), SIZE(8), COUNT(1), INPUT, END) },
	{ .rule = HID_RULE_LOGICAL_SIZE, /* a vendor's counter of 6 bits from 0 to 127 */
	  BYTES(APPLICATION, 0x06, 0x00, 0xff, USAGE(0x20), RANGE(0, 127), SIZE(6), COUNT(1), INPUT,
		PADDING(2), END) },
	{ .rule = HID_RULE_LOGICAL_LEAKS, /* AC Pan, then an axis with the same range */
	  BYTES(APPLICATION, PAGE(0x0c), 0x0a, 0x38, 0x02, RANGE(0x81, 0x7f), SIZE(8), COUNT(1),
		INPUT, PAGE(1), USAGE(0x30), INPUT, END) },
	{ .rule = HID_RULE_ARRAY_LEAKS, /* keys with a range of their own, and of a vendor */
	  BYTES(APPLICATION, USAGES(0, 255), RANGE(0, 101), SIZE(8), COUNT(6), 0x81, 0, END) },
	{ .rule = HID_RULE_ARRAY_LEAKS,
	  BYTES(0x06, 0x00, 0xff, USAGE(1), 0xa1, 1, USAGE(1), 0x15, 0, 0x26, 0xff, 0, SIZE(8),
		COUNT(64), 0x81, 0, USAGE(2), 0x91, 0, END) },
	{ .rule = HID_RULE_PHYSICAL_LEAKS, /* the range of X is written again for Y */
	  BYTES(APPLICATION, USAGE(0x30), RANGE(0, 100), 0x35, 0, 0x45, 10, 0x65, 0x11, SIZE(8),
		COUNT(1), INPUT, USAGE(0x31), RANGE(0, 100), INPUT, END) },
	{ .rule = HID_RULE_PHYSICAL_LEAKS, /* X and Y with the same ranges */
	  BYTES(APPLICATION, USAGE(0x30), RANGE(0, 100), 0x35, 0, 0x45, 10, 0x65, 0x11, SIZE(8),
		COUNT(1), INPUT, USAGE(0x31), INPUT, END) },
	{ .rule = HID_RULE_PAGE_SWAPPED,
	  BYTES(0x06, 0x00, 0xff, USAGE(6), 0xa1, 1, USAGE(1), BYTE, INPUT, END) },
	{ .rule = HID_RULE_PAGE_SWAPPED, /* the FIDO Alliance */
	  BYTES(0x06, 0xd0, 0xf1, USAGE(1), 0xa1, 1, USAGE(0x20), BYTE, INPUT, END) },
	{ .rule = HID_RULE_PAGE_SWAPPED, /* the Fn key of Apple's keyboards */
	  BYTES(APPLICATION, 0x06, 0xff, 0x00, USAGE(3), BYTE, INPUT, END) },
	/* The usage page that holds at the main item is that of the usage. */
	{ .rule = HID_RULE_BOOT_KEYBOARD,
	  BYTES(APPLICATION, USAGES(0xe0, 0xe7), PAGE(7), RANGE(0, 1), SIZE(1), COUNT(8), INPUT,
		PADDING(8), KEYS, END),
	  .boot = HID_BOOT_KEYBOARD },
	/* A longer mouse, and one of two buttons */
	{ .rule = HID_RULE_BOOT_MOUSE,
	  BYTES(APPLICATION, PAGE(9), USAGES(1, 2), RANGE(0, 1), SIZE(1), COUNT(2), INPUT,
		PADDING(6), PAGE(1), USAGE(0x30), USAGE(0x31), USAGE(0x38), RANGE(0x81, 0x7f),
		SIZE(8), COUNT(3), 0x81, 6, END),
	  .boot = HID_BOOT_MOUSE },
};

Test(check_report, what_comes_close_to_a_rule_is_no_finding)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_free_ char *text = NULL;

		check(&good[i]);
		text = findings_text();
		cr_expect_eq(r.n_findings, 0, "example %zu, near rule %d:\n%s", i,
			     (int)good[i].rule, text);
	}
}

Test(check_report, errors_are_reported_together_and_without_warnings)
{
	static const uint8_t bytes[] = { APPLICATION, 0x29,    1,	 ID(0), USAGE(1),
					 RANGE(5, 1), SIZE(8), COUNT(1), INPUT };

	hid_report_check(bytes, sizeof(bytes), HID_BOOT_NONE, &r);
	cr_assert_eq(r.n_findings, 3);
	cr_expect_eq(r.findings[0].rule, HID_RULE_OPEN_COLLECTION);
	cr_expect_eq(r.findings[1].rule, HID_RULE_REPORT_ID_0);
	cr_expect_eq(r.findings[2].rule, HID_RULE_LOGICAL_RANGE);
}

static void expect_lengths(uint64_t input, uint64_t output, uint64_t feature)
{
	cr_expect_eq(r.input_length, input, "input: %llu", (unsigned long long)r.input_length);
	cr_expect_eq(r.output_length, output, "output: %llu", (unsigned long long)r.output_length);
	cr_expect_eq(r.feature_length, feature, "feature: %llu",
		     (unsigned long long)r.feature_length);
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const uint8_t bytes_[] = { __VA_ARGS__ };                                   \
                                                                                                   \
		hid_report_check(bytes_, sizeof(bytes_), HID_BOOT_NONE, &r);                       \
	} while (0)

Test(check_report, fields_of_a_report_add_up_to_whole_bytes)
{
	CHECK(APPLICATION, SIZE(1), COUNT(3), INPUT, SIZE(5), COUNT(1), INPUT, SIZE(8), COUNT(2),
	      INPUT, END);
	expect_lengths(3, 0, 0);
	CHECK(APPLICATION, SIZE(1), COUNT(9), INPUT, END);
	expect_lengths(2, 0, 0);
}

Test(check_report, each_kind_has_its_own_length)
{
	CHECK(APPLICATION, SIZE(8), COUNT(4), INPUT, COUNT(2), OUTPUT, COUNT(7), FEATURE, END);
	expect_lengths(4, 2, 7);
}

Test(check_report, the_longest_report_counts_with_its_id)
{
	CHECK(APPLICATION, ID(1), SIZE(8), COUNT(3), INPUT, END, APPLICATION, ID(2), COUNT(5),
	      INPUT, END, APPLICATION, ID(1), COUNT(1), INPUT, END);
	expect_lengths(6, 0, 0);
}

Test(check_report, push_and_pop_keep_size_and_count)
{
	CHECK(APPLICATION, SIZE(8), COUNT(2), PUSH, SIZE(1), COUNT(8), INPUT, POP, INPUT, END);
	expect_lengths(3, 0, 0);
}

Test(check_report, sizes_have_up_to_four_bytes)
{
	CHECK(APPLICATION, 0x77, 0x08, 0x00, 0x00, 0x00, 0x96, 0x00, 0x01, INPUT, END);
	expect_lengths(256, 0, 0);
	/* 2^32 - 1 fields of 2^32 - 1 bits do not wrap */
	CHECK(0x77, 0xff, 0xff, 0xff, 0xff, 0x97, 0xff, 0xff, 0xff, 0xff, INPUT);
	cr_expect_gt(r.input_length, 1ULL << 60);
}

Test(check_report, findings_are_bounded)
{
	uint8_t bytes[HID_REPORTS_MAX] = { 0 };

	hid_report_check(bytes, sizeof(bytes), HID_BOOT_NONE, &r);
	cr_expect_eq(r.n_findings, HID_MAX_FINDINGS);
}

Test(check_report, generated_descriptors)
{
	for (uint64_t i = 0; i < (uint64_t)rounds(2500, 20000); i++) {
		uint8_t *bytes = xcalloc(HID_REPORTS_MAX, 1), *copy;
		size_t size = hid_reports_make(bytes, 1, i);

		/* Of exactly this size, so that the sanitizer sees a read behind the end */
		copy = memcpy(xcalloc(size ? size : 1, 1), bytes, size);
		hid_report_check(copy, size, (enum hid_boot_protocol)(i % 3), &r);
		for (size_t n = 0; n < r.n_findings; n++) {
			_cleanup_free_ char *text = hid_finding_text(&r.findings[n]);
			_cleanup_free_ char *hint = hid_finding_hint(&r.findings[n]);

			cr_assert(r.findings[n].offset <= size);
			cr_assert(!strchr(text, '{') && !strchr(hint, '{'), "%s; %s", text, hint);
		}
		free(copy);
		free(bytes);
	}
}
