// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parses HID report descriptors. Section numbers are those of "Device Class Definition for HID"
 * 1.11. Linux as a host refuses the same descriptors (fetch_item, close_collection and
 * hid_open_report in drivers/hid/hid-core.c).
 */
#include "gadgetfile/types/hid_report.h"

#include <stdlib.h>

#include "base/util.h"

#define LONG_ITEM 0xfe /* 6.2.2.3 */

enum kind { INPUT, OUTPUT, FEATURE, KIND_COUNT };

struct parser {
	struct hid_global_state globals;
	size_t *open_collections; /* offsets of their items */
	size_t n_open_collections;
	bool has_ids;			/* the descriptor has a Report ID item */
	uint64_t bits[KIND_COUNT][256]; /* length of each report without its ID */
};

size_t hid_item_read(const uint8_t *bytes, size_t size, size_t offset, struct hid_item *item)
{
	static const uint8_t data_sizes[] = { 0, 1, 2, 4 }; /* 6.2.2.2 */
	uint8_t prefix = bytes[offset];
	size_t length;

	*item = (struct hid_item){ .kind = prefix & 0xfc, .is_long = prefix == LONG_ITEM };
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

void hid_process_global_item(struct hid_global_state *state, const struct hid_item *item)
{
	struct hid_globals *now = &state->now;

	switch (item->kind) {
	case HID_USAGE_PAGE:
		now->usage_page = item->value;
		break;
	case HID_LOGICAL_MINIMUM:
		now->negative_logical_minimum = hid_item_signed_value(item) < 0;
		break;
	case HID_PHYSICAL_MINIMUM:
		now->negative_physical_minimum = hid_item_signed_value(item) < 0;
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
		*array_add(state->pushed, state->n_pushed) = *now;
		break;
	case HID_POP:
		if (state->n_pushed > 0)
			*now = state->pushed[--state->n_pushed];
		break;
	}
}

static void add_field(struct parser *p, enum kind kind)
{
	const struct hid_globals *now = &p->globals.now;

	p->bits[kind][now->report_id] += (uint64_t)now->report_size * now->report_count;
}

/* Processes the item at `offset`. Returns false for an End Collection without a Collection. */
static bool process_item(struct parser *p, const struct hid_item *item, size_t offset)
{
	switch (item->kind) {
	case HID_INPUT:
		add_field(p, INPUT);
		break;
	case HID_OUTPUT:
		add_field(p, OUTPUT);
		break;
	case HID_FEATURE:
		add_field(p, FEATURE);
		break;
	case HID_COLLECTION:
		*array_add(p->open_collections, p->n_open_collections) = offset;
		break;
	case HID_END_COLLECTION:
		if (p->n_open_collections == 0)
			return false;
		p->n_open_collections--;
		break;
	case HID_REPORT_ID:
		p->has_ids = true;
		break;
	}
	hid_process_global_item(&p->globals, item);
	return true;
}

/*
 * Parses all items. Sets the problem and its offset in `report` and stops, if there is a problem.
 */
static void parse_items(struct parser *p, const uint8_t *bytes, size_t size,
			struct hid_report *report)
{
	struct hid_item item;

	for (size_t offset = 0; offset < size; offset += 1 + item.data_size) {
		report->problem_offset = offset;
		report->missing_bytes = hid_item_read(bytes, size, offset, &item);
		if (report->missing_bytes > 0) {
			report->problem = HID_REPORT_ITEM_CUT_OFF;
			return;
		}
		if (!item.is_long && !process_item(p, &item, offset)) {
			report->problem = HID_REPORT_END_WITHOUT_COLLECTION;
			return;
		}
	}
	if (p->n_open_collections > 0) {
		report->problem = HID_REPORT_OPEN_COLLECTION;
		report->problem_offset = p->open_collections[p->n_open_collections - 1];
	}
}

/* Returns the bytes of the longest report of one kind: its ID, if there are IDs, and its fields. */
static uint64_t longest_report(const struct parser *p, enum kind kind)
{
	uint64_t longest = 0;

	for (size_t id = 0; id < ARRAY_SIZE(p->bits[kind]); id++)
		if (p->bits[kind][id] > longest)
			longest = p->bits[kind][id];
	/* A report ID is one byte before the fields (6.2.2.7). */
	return longest ? (longest + 7) / 8 + p->has_ids : 0;
}

void hid_report_parse(const uint8_t *bytes, size_t size, struct hid_report *report)
{
	struct parser p = { 0 };

	*report = (struct hid_report){ 0 };
	parse_items(&p, bytes, size, report);
	report->input_length = longest_report(&p, INPUT);
	report->output_length = longest_report(&p, OUTPUT);
	report->feature_length = longest_report(&p, FEATURE);
	free(p.globals.pushed);
	free(p.open_collections);
}

char *hid_report_problem_text(const struct hid_report *report)
{
	switch (report->problem) {
	case HID_REPORT_ITEM_CUT_OFF:
		return strf("%zu byte%s of this item %s beyond the end of the report descriptor "
			    "(HID 1.11, 6.2.2.2)",
			    report->missing_bytes, report->missing_bytes == 1 ? "" : "s",
			    report->missing_bytes == 1 ? "is" : "are");
	case HID_REPORT_END_WITHOUT_COLLECTION:
		return xstrdup("this End Collection ends no Collection (HID 1.11, 6.2.2.6)");
	case HID_REPORT_OPEN_COLLECTION:
		return xstrdup("this Collection has no End Collection (HID 1.11, 6.2.2.6)");
	default:
		return NULL;
	}
}

const char *hid_report_problem_hint(const struct hid_report *report)
{
	static const char *const hints[] = {
		[HID_REPORT_VALID] = NULL,
		[HID_REPORT_ITEM_CUT_OFF] = "the lowest two bits of an item's first byte are the "
					    "size of its data: 0, 1, 2 or 4 bytes",
		[HID_REPORT_END_WITHOUT_COLLECTION] =
			"remove this byte, or begin a collection with 0xa1",
		[HID_REPORT_OPEN_COLLECTION] = "add 0xc0 where the collection ends",
	};

	return hints[report->problem];
}
