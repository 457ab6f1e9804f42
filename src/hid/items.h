/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the items of HID report descriptors as Linux does as a host (fetch_item and
 * hid_parser_global in drivers/hid/hid-core.c). Section numbers are those of "Device Class
 * Definition for HID" 1.11.
 */
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

/* The bits of an item's first byte that are its type (6.2.2.2). */
enum hid_item_type {
	HID_TYPE_MAIN = 0x00,
	HID_TYPE_GLOBAL = 0x04,
	HID_TYPE_LOCAL = 0x08,
	HID_TYPE_RESERVED = 0x0c,
};
#define HID_TYPE_MASK 0x0c

/* Bits of the data of Input, Output and Feature items (6.2.2.5). */
#define HID_FIELD_CONSTANT 0x01
#define HID_FIELD_VARIABLE 0x02
#define HID_FIELD_RELATIVE 0x04

struct hid_item {
	unsigned int kind; /* one of enum hid_item_kind, or an unknown one */
	/*
	 * A long item (6.2.2.3), which has no kind and no value. Linux takes each item with the tag
	 * 15 for one.
	 */
	bool is_long;
	size_t data_size; /* bytes after the first one */
	uint32_t value;	  /* the data as an unsigned number */
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
	/*
	 * A maximum is a signed number if the minimum was negative when the item of the maximum
	 * came, else an unsigned one.
	 */
	int32_t logical_minimum, logical_maximum;
	int32_t physical_minimum, physical_maximum;
	uint32_t unit;
	uint32_t report_size, report_count; /* bits of a field, and number of fields */
	uint8_t report_id;		    /* 0: reports have none */
};

/* How many Push items Linux allows without a Pop (HID_GLOBAL_STACK_SIZE in linux/hid.h). */
#define HID_MAX_PUSHED 4

struct hid_global_state {
	struct hid_globals now;
	struct hid_globals pushed[HID_MAX_PUSHED];
	size_t n_pushed;
};

/* Changes the state if the item is a global one. A Push or Pop that Linux refuses changes nothing.
 */
void hid_process_global_item(struct hid_global_state *state, const struct hid_item *item);
