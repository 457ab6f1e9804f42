/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The usages that stand before a main item: what Linux makes of Usage, Usage Minimum, Usage Maximum
 * and Delimiter items (hid_parser_local and hid_concatenate_last_usage_page in
 * drivers/hid/hid-core.c).
 */
#pragma once

#include "hid/items.h"

/* HID_MAX_USAGES in linux/hid.h */
#define HID_MAX_USAGES 12288

/* A usage: the page in bits 16 to 31, the number in bits 0 to 15. */
#define HID_USAGE_OF(page, number) ((uint32_t)(page) << 16 | (number))

struct hid_usage_range {
	uint32_t first, last;
	bool has_page; /* the item has four bytes, with a page of its own */
};

struct hid_usages {
	struct hid_usage_range *ranges; /* the owner calls hid_usages_free() */
	size_t n_ranges;
	uint32_t n; /* usages in all ranges; at most HID_MAX_USAGES */
	uint32_t minimum;
	/* bytes before the first item, and before a Usage Minimum that no Usage Maximum follows */
	size_t offset, minimum_offset;
	bool any, minimum_waits; /* there was an item; `minimum_offset` has a value */
	unsigned int delimiter_depth, delimiter_branch;
};

/* What Linux says of a local item. */
enum hid_local_result {
	HID_LOCAL_TAKEN,
	HID_LOCAL_UNKNOWN,
	HID_LOCAL_TOO_MANY_USAGES,  /* an error */
	HID_LOCAL_DELIMITER_NESTED, /* an error */
	HID_LOCAL_DELIMITER_CLOSED, /* an error: no delimiter is open */
	/* No errors: */
	HID_LOCAL_RANGE_REVERSED, /* the minimum is above the maximum */
	HID_LOCAL_MAXIMUM_ALONE,  /* no Usage Minimum belongs to this maximum */
};

enum hid_local_result hid_usages_add_item(struct hid_usages *u, const struct hid_item *item,
					  size_t offset, uint32_t usage_page);
/* Gives the usages without a page of their own the usage page that holds at the main item. */
void hid_usages_complete(struct hid_usages *u, uint32_t usage_page);
/*
 * Returns the usage of the field `index` of a main item, of which the last usage is repeated for
 * the fields that have none. There must be a usage.
 */
uint32_t hid_usages_get(const struct hid_usages *u, uint32_t index);
/* Forgets all, as after a main item. */
void hid_usages_free(struct hid_usages *u);
