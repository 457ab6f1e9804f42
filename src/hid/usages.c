/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the usages that stand before a main item. */
#include "hid/usages.h"

#include <stdlib.h>

#include "base/util.h"

static void add_range(struct hid_usages *u, uint32_t first, uint32_t last, bool has_page,
		      uint32_t usage_page)
{
	u->n += last - first + 1;
	if (!has_page) {
		first = HID_USAGE_OF(usage_page & 0xffff, first & 0xffff);
		last = HID_USAGE_OF(usage_page & 0xffff, last & 0xffff);
	}
	*array_add(u->ranges, u->n_ranges) = (struct hid_usage_range){ first, last, has_page };
}

/*
 * Adds the usages up to `last`. Linux computes with unsigned numbers that wrap: of a range that is
 * too long, which a reversed one is as well, it takes as many usages as there is space for.
 */
static enum hid_local_result add_maximum(struct hid_usages *u, uint32_t last, bool has_page,
					 uint32_t usage_page)
{
	uint32_t first = u->minimum;
	bool is_reversed = first > last, had_minimum = u->minimum_waits;

	u->minimum_waits = false;
	if (last - first + u->n >= HID_MAX_USAGES) {
		last = HID_MAX_USAGES - u->n + first - 1;
		if (last == 0)
			return HID_LOCAL_TOO_MANY_USAGES;
	}
	if (first <= last) {
		if (last == UINT32_MAX || last - first >= HID_MAX_USAGES - u->n)
			return HID_LOCAL_TOO_MANY_USAGES;
		add_range(u, first, last, has_page, usage_page);
	}
	if (is_reversed)
		return HID_LOCAL_RANGE_REVERSED;
	return had_minimum ? HID_LOCAL_TAKEN : HID_LOCAL_MAXIMUM_ALONE;
}

static enum hid_local_result add_delimiter(struct hid_usages *u, bool opens)
{
	if (opens) {
		if (u->delimiter_depth > 0)
			return HID_LOCAL_DELIMITER_NESTED;
		u->delimiter_depth++;
		u->delimiter_branch++;
		return HID_LOCAL_TAKEN;
	}
	if (u->delimiter_depth == 0)
		return HID_LOCAL_DELIMITER_CLOSED;
	u->delimiter_depth--;
	return HID_LOCAL_TAKEN;
}

enum hid_local_result hid_usages_add_item(struct hid_usages *u, const struct hid_item *item,
					  size_t offset, uint32_t usage_page)
{
	bool is_alternative = u->delimiter_branch > 1; /* which Linux does not read */
	bool has_page = item->data_size > 2;

	if (!u->any)
		u->offset = offset;
	u->any = true;
	switch (item->kind) {
	case HID_USAGE:
		if (is_alternative)
			return HID_LOCAL_TAKEN;
		if (u->n >= HID_MAX_USAGES)
			return HID_LOCAL_TOO_MANY_USAGES;
		add_range(u, item->value, item->value, has_page, usage_page);
		return HID_LOCAL_TAKEN;
	case HID_USAGE_MINIMUM:
		if (is_alternative)
			return HID_LOCAL_TAKEN;
		u->minimum = item->value;
		u->minimum_waits = true;
		u->minimum_offset = offset;
		return HID_LOCAL_TAKEN;
	case HID_USAGE_MAXIMUM:
		return is_alternative ? HID_LOCAL_TAKEN
				      : add_maximum(u, item->value, has_page, usage_page);
	case HID_DELIMITER:
		return add_delimiter(u, item->value != 0);
	case HID_DESIGNATOR_INDEX:
	case HID_DESIGNATOR_MINIMUM:
	case HID_DESIGNATOR_MAXIMUM:
	case HID_STRING_INDEX:
	case HID_STRING_MINIMUM:
	case HID_STRING_MAXIMUM:
		return HID_LOCAL_TAKEN;
	default:
		return HID_LOCAL_UNKNOWN;
	}
}

void hid_usages_complete(struct hid_usages *u, uint32_t usage_page)
{
	for (size_t i = u->n_ranges; i-- > 0;) {
		struct hid_usage_range *r = &u->ranges[i];

		if (r->has_page)
			continue;
		if (r->first >> 16 == usage_page)
			break;
		r->first = HID_USAGE_OF(usage_page & 0xffff, r->first & 0xffff);
		r->last = HID_USAGE_OF(usage_page & 0xffff, r->last & 0xffff);
	}
}

uint32_t hid_usages_get(const struct hid_usages *u, uint32_t index)
{
	for (size_t i = 0; i < u->n_ranges; i++) {
		const struct hid_usage_range *r = &u->ranges[i];

		if (index <= r->last - r->first)
			return r->first + index;
		index -= r->last - r->first + 1;
	}
	return u->ranges[u->n_ranges - 1].last;
}

void hid_usages_free(struct hid_usages *u)
{
	free(u->ranges);
	*u = (struct hid_usages){ 0 };
}
