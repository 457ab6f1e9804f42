/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the items of HID report descriptors. */
#include "hid/items.h"

#define LONG_ITEM_TAG 0xf0 /* 6.2.2.3 */

size_t hid_item_read(const uint8_t *bytes, size_t size, size_t offset, struct hid_item *item)
{
	static const uint8_t data_sizes[] = { 0, 1, 2, 4 }; /* 6.2.2.2 */
	uint8_t prefix = bytes[offset];
	size_t length;

	*item = (struct hid_item){ .kind = prefix & 0xfc,
				   .is_long = (prefix & 0xf0) == LONG_ITEM_TAG };
	item->data_size = data_sizes[prefix & 3];
	if (item->is_long) /* the size of the data, and a tag */
		item->data_size = offset + 1 < size ? 2 + (size_t)bytes[offset + 1] : 2;
	length = 1 + item->data_size;
	if (length > size - offset)
		return length - (size - offset);
	for (size_t i = 0; i < item->data_size && !item->is_long; i++)
		item->value |= (uint32_t)bytes[offset + 1 + i] << (8 * i);
	return 0;
}

int32_t hid_item_signed_value(const struct hid_item *item)
{
	if (item->data_size == 1)
		return (int8_t)item->value;
	return item->data_size == 2 ? (int16_t)item->value : (int32_t)item->value;
}

static int32_t maximum(const struct hid_item *item, int32_t minimum)
{
	return minimum < 0 ? hid_item_signed_value(item) : (int32_t)item->value;
}

void hid_process_global_item(struct hid_global_state *state, const struct hid_item *item)
{
	struct hid_globals *now = &state->now;

	if (item->is_long)
		return;
	switch (item->kind) {
	case HID_USAGE_PAGE:
		now->usage_page = item->value;
		break;
	case HID_LOGICAL_MINIMUM:
		now->logical_minimum = hid_item_signed_value(item);
		break;
	case HID_LOGICAL_MAXIMUM:
		now->logical_maximum = maximum(item, now->logical_minimum);
		break;
	case HID_PHYSICAL_MINIMUM:
		now->physical_minimum = hid_item_signed_value(item);
		break;
	case HID_PHYSICAL_MAXIMUM:
		now->physical_maximum = maximum(item, now->physical_minimum);
		break;
	case HID_UNIT:
		now->unit = item->value;
		break;
	case HID_REPORT_SIZE:
		now->report_size = item->value;
		break;
	case HID_REPORT_COUNT:
		now->report_count = item->value;
		break;
	case HID_REPORT_ID:
		now->report_id = (uint8_t)item->value;
		break;
	case HID_PUSH:
		if (state->n_pushed < HID_MAX_PUSHED)
			state->pushed[state->n_pushed++] = *now;
		break;
	case HID_POP:
		if (state->n_pushed > 0)
			*now = state->pushed[--state->n_pushed];
		break;
	}
}
