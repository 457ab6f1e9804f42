/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses HID report descriptors ("Device Class Definition for HID" 1.11, section 6.2.2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Items: their first byte without the two bits of their size (6.2.2.4, 6.2.2.7, 6.2.2.8). */
enum hid_item_kind {
	HID_INPUT = 0x80,
	HID_OUTPUT = 0x90,
	HID_COLLECTION = 0xa0,
	HID_FEATURE = 0xb0,
	HID_END_COLLECTION = 0xc0,
	HID_USAGE_PAGE = 0x04,
	HID_LOGICAL_MINIMUM = 0x14,
	HID_LOGICAL_MAXIMUM = 0x24,
	HID_PHYSICAL_MINIMUM = 0x34,
	HID_PHYSICAL_MAXIMUM = 0x44,
	HID_UNIT_EXPONENT = 0x54,
	HID_UNIT = 0x64,
	HID_REPORT_SIZE = 0x74,
	HID_REPORT_ID = 0x84,
	HID_REPORT_COUNT = 0x94,
	HID_PUSH = 0xa4,
	HID_POP = 0xb4,
	HID_USAGE = 0x08,
	HID_USAGE_MINIMUM = 0x18,
	HID_USAGE_MAXIMUM = 0x28,
	HID_DESIGNATOR_INDEX = 0x38,
	HID_DESIGNATOR_MINIMUM = 0x48,
	HID_DESIGNATOR_MAXIMUM = 0x58,
	HID_STRING_INDEX = 0x78,
	HID_STRING_MINIMUM = 0x88,
	HID_STRING_MAXIMUM = 0x98,
	HID_DELIMITER = 0xa8,
};

struct hid_item {
	unsigned int kind; /* one of enum hid_item_kind, or an unknown one */
	bool is_long;	   /* a long item (6.2.2.3), which has no kind and no value */
	size_t data_size;  /* bytes after the first one */
	uint32_t value;	   /* the data as an unsigned number */
};

/*
 * Reads the item at `offset`, which is less than `size`. Returns how many bytes the item lacks; if
 * it lacks any, it has no value.
 */
size_t hid_item_read(const uint8_t *bytes, size_t size, size_t offset, struct hid_item *item);
/* Returns the data as a signed number (two's complement, 5.8). */
int32_t hid_item_signed_value(const struct hid_item *item);

/* The values of global items (6.2.2.7) on which other items depend. */
struct hid_globals {
	uint32_t usage_page;
	uint32_t report_size, report_count; /* bits of a field, and number of fields */
	uint8_t report_id;
	bool negative_logical_minimum, negative_physical_minimum;
};

struct hid_global_state {
	struct hid_globals now;
	struct hid_globals *pushed; /* by Push items; the caller frees the array */
	size_t n_pushed;
};

/* Changes the state if the item is a global one. */
void hid_process_global_item(struct hid_global_state *state, const struct hid_item *item);

/* Why no host can parse a report descriptor. */
enum hid_report_problem {
	HID_REPORT_VALID,
	/* the descriptor ends inside the item at `problem_offset` */
	HID_REPORT_ITEM_CUT_OFF,
	/* End Collection at `problem_offset` ends no Collection */
	HID_REPORT_END_WITHOUT_COLLECTION,
	/* the Collection at `problem_offset` has no End Collection */
	HID_REPORT_OPEN_COLLECTION,
};

struct hid_report {
	enum hid_report_problem problem; /* the first problem */
	size_t problem_offset;		 /* bytes before the item with the problem */
	size_t missing_bytes;		 /* bytes that the item of HID_REPORT_ITEM_CUT_OFF lacks */
	/*
	 * Length of the longest report of each kind in bytes, with its report ID; 0: the descriptor
	 * defines no such report. After a problem, only the items before it are counted.
	 */
	uint64_t input_length, output_length, feature_length;
};

void hid_report_parse(const uint8_t *bytes, size_t size, struct hid_report *report);
/*
 * Describes the problem of the item at report->offset, which both texts call "this". The caller
 * frees the text; the hint is a constant. Both are NULL for HID_REPORT_VALID.
 */
char *hid_report_problem_text(const struct hid_report *report);
const char *hid_report_problem_hint(const struct hid_report *report);
