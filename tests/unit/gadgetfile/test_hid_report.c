// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses HID report descriptors: their problems, and the length of the longest report. */
#include <criterion/criterion.h>

#include "base/util.h"
#include "gadgetfile/types/hid_report.h"

static struct hid_report r;

#define PARSE(...)                                                                                 \
	do {                                                                                       \
		static const uint8_t bytes_[] = { __VA_ARGS__ };                                   \
                                                                                                   \
		hid_report_parse(bytes_, sizeof(bytes_), &r);                                      \
	} while (0)

#define COLLECTION 0xa1, 0x01
#define END 0xc0
#define SIZE(bits) 0x75, (bits)
#define COUNT(n) 0x95, (n)
#define ID(n) 0x85, (n)
#define INPUT 0x81, 0x02
#define OUTPUT 0x91, 0x02
#define FEATURE 0xb1, 0x02
#define PUSH 0xa4
#define POP 0xb4

static void expect_lengths(uint64_t input, uint64_t output, uint64_t feature)
{
	cr_expect_eq(r.problem, HID_REPORT_VALID, "problem %d", (int)r.problem);
	cr_expect_eq(r.input_length, input, "input: %llu", (unsigned long long)r.input_length);
	cr_expect_eq(r.output_length, output, "output: %llu", (unsigned long long)r.output_length);
	cr_expect_eq(r.feature_length, feature, "feature: %llu",
		     (unsigned long long)r.feature_length);
}

Test(hid_report, fields_of_a_report_add_up_to_whole_bytes)
{
	PARSE(COLLECTION, SIZE(1), COUNT(3), INPUT, SIZE(5), COUNT(1), INPUT, SIZE(8), COUNT(2),
	      INPUT, END);
	expect_lengths(3, 0, 0);
	PARSE(COLLECTION, SIZE(1), COUNT(9), INPUT, END);
	expect_lengths(2, 0, 0);
}

Test(hid_report, each_kind_has_its_own_length)
{
	PARSE(COLLECTION, SIZE(8), COUNT(4), INPUT, COUNT(2), OUTPUT, COUNT(7), FEATURE, END);
	expect_lengths(4, 2, 7);
}

Test(hid_report, the_longest_report_counts_with_its_id)
{
	PARSE(COLLECTION, ID(1), SIZE(8), COUNT(3), INPUT, END, COLLECTION, ID(2), COUNT(5), INPUT,
	      END, COLLECTION, ID(1), COUNT(1), INPUT, END);
	expect_lengths(6, 0, 0);
}

Test(hid_report, push_and_pop_keep_size_and_count)
{
	PARSE(COLLECTION, SIZE(8), COUNT(2), PUSH, SIZE(1), COUNT(8), INPUT, POP, INPUT, POP, INPUT,
	      END);
	expect_lengths(5, 0, 0);
}

Test(hid_report, sizes_have_up_to_four_bytes)
{
	PARSE(COLLECTION, 0x77, 0x08, 0x00, 0x00, 0x00, 0x96, 0x00, 0x01, INPUT, END);
	expect_lengths(256, 0, 0);
	/* 2^32 - 1 fields of 2^32 - 1 bits do not wrap */
	PARSE(0x77, 0xff, 0xff, 0xff, 0xff, 0x97, 0xff, 0xff, 0xff, 0xff, INPUT);
	cr_expect_gt(r.input_length, 1ULL << 60);
}

Test(hid_report, fields_without_size_or_count_are_no_report)
{
	PARSE(COLLECTION, INPUT, SIZE(8), OUTPUT, SIZE(0), COUNT(1), FEATURE, END);
	expect_lengths(0, 0, 0);
	PARSE(0);
	expect_lengths(0, 0, 0);
}

Test(hid_report, long_items_are_skipped)
{
	/* The data of the long item would be an End Collection. */
	PARSE(COLLECTION, SIZE(8), COUNT(1), 0xfe, 2, 0xf0, END, END, INPUT, END);
	expect_lengths(1, 0, 0);
}

static void expect_problem(enum hid_report_problem problem, size_t offset)
{
	cr_expect_eq(r.problem, problem, "problem %d", (int)r.problem);
	cr_expect_eq(r.problem_offset, offset, "at %zu", r.problem_offset);
}

Test(hid_report, an_item_ends_beyond_the_descriptor)
{
	PARSE(COLLECTION, END, 0x26, 0xff);
	expect_problem(HID_REPORT_ITEM_CUT_OFF, 3);
	cr_expect_eq(r.missing_bytes, 1);
	PARSE(0x27);
	expect_problem(HID_REPORT_ITEM_CUT_OFF, 0);
	cr_expect_eq(r.missing_bytes, 4);
	PARSE(0x05, 0x01, 0xfe);
	expect_problem(HID_REPORT_ITEM_CUT_OFF, 2);
	cr_expect_eq(r.missing_bytes, 2);
	PARSE(0xfe, 3, 0xf0, 1, 2);
	expect_problem(HID_REPORT_ITEM_CUT_OFF, 0);
	cr_expect_eq(r.missing_bytes, 1);
}

Test(hid_report, collections_are_unbalanced)
{
	PARSE(COLLECTION, 0xa1, 0x00, SIZE(8), COUNT(1), INPUT, END);
	expect_problem(HID_REPORT_OPEN_COLLECTION, 0);
	cr_expect_eq(r.input_length, 1, "the report is still counted");
	PARSE(COLLECTION, COLLECTION, END, COLLECTION, END, COLLECTION);
	expect_problem(HID_REPORT_OPEN_COLLECTION, 8);
	PARSE(COLLECTION, END, END);
	expect_problem(HID_REPORT_END_WITHOUT_COLLECTION, 3);
}
