/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses report descriptors as Linux does (hid_open_report in drivers/hid/hid-core.c), and goes on
 * after an error, so that all errors are reported together.
 */
#include "hid/check_report.h"

#include <stdlib.h>

#include "base/util.h"
#include "hid/boot_report.h"
#include "hid/usages.h"

/* Limits of Linux (linux/hid.h). */
#define MAX_REPORT_SIZE 256		     /* hid_parser_global */
#define MAX_REPORT_BITS ((16384 - 1) * 8ULL) /* HID_MAX_BUFFER_SIZE, and hid_add_field */

#define APPLICATION 1 /* the value of a Collection (6.2.2.6) */

#define PAGE_DESKTOP 0x01
#define PAGE_LED 0x08
#define USAGE_KEYBOARD 0x06
#define USAGE_KEYPAD 0x07
#define USAGE_X 0x30
#define USAGE_Z 0x32
#define USAGE_RX 0x33
#define USAGE_RZ 0x35
#define USAGE_WHEEL 0x38
#define N_KNOWN_PAGES 0x93 /* pages from here to 0xfeff are reserved (HID Usage Tables 1.5, 3) */
#define VENDOR_PAGES 0xff
#define PAGE_OF_KEYBOARDS 0xff /* reserved, but Linux knows it of keyboards (HID_UP_CUSTOM) */

/* The applications of which Linux makes input devices (IS_INPUT_APPLICATION in linux/hid.h). */
static const struct {
	uint32_t first, last;
} input_applications[] = {
	{ HID_USAGE_OF(PAGE_DESKTOP, 0x00), HID_USAGE_OF(PAGE_DESKTOP, 0x08) },
	{ HID_USAGE_OF(PAGE_DESKTOP, 0x0c), HID_USAGE_OF(PAGE_DESKTOP, 0x0c) },
	{ HID_USAGE_OF(PAGE_DESKTOP, 0x80), HID_USAGE_OF(PAGE_DESKTOP, 0x80) },
	{ HID_USAGE_OF(0x0c, 0x01), HID_USAGE_OF(0x0c, 0x01) },
	{ HID_USAGE_OF(0x0d, 0x01), HID_USAGE_OF(0x0d, 0x06) },
};

/* Units (6.2.2.7) that Linux computes a resolution from (hidinput_calc_abs_res in hid-input.c). */
#define UNIT_CENTIMETER 0x11
#define UNIT_RADIAN 0x12
#define UNIT_INCH 0x13
#define UNIT_DEGREE 0x14

enum kind { INPUT, OUTPUT, FEATURE, KIND_COUNT };

struct report {
	uint64_t bits; /* without the ID */
	size_t offset; /* of the last main item */
	bool exists;
	size_t collection; /* the outermost one of its first main item; 0: there was none */
};

/* Which fields have used the values of global items since these were set. */
enum used_by { USED_BY_NONE, USED_BY_AXIS, USED_BY_OTHER };

struct check {
	struct hid_finding findings[2][HID_MAX_FINDINGS]; /* warnings, errors */
	size_t n_findings[2];
	struct hid_global_state globals;
	struct hid_usages usages;
	size_t *open_collections; /* offsets of their items */
	size_t n_open_collections;
	size_t n_outer_collections, collection_offset;
	uint32_t application; /* the usage of the outermost collection */
	bool collection_has_fields, collection_has_field_without_id;
	struct report reports[KIND_COUNT][256];
	bool has_ids; /* the descriptor has a Report ID item */
	size_t field_without_id_offset;
	bool has_field_without_id;
	enum used_by logical_used_by, physical_used_by;
	int64_t logical_values_of_physical; /* of the first field that used the physical range */
	size_t first_trailing_offset;
	bool has_trailing;
	struct hid_first_bits first_input, first_output;
};

static void find(struct check *c, enum hid_rule rule, size_t offset, int64_t found, int64_t wanted)
{
	struct hid_finding finding = { rule, offset, found, wanted };
	bool is_error = hid_finding_is_error(&finding);

	if (c->n_findings[is_error] < HID_MAX_FINDINGS)
		c->findings[is_error][c->n_findings[is_error]++] = finding;
}

/* --- fields --- */

static bool is_input_application(uint32_t usage)
{
	for (size_t i = 0; i < ARRAY_SIZE(input_applications); i++)
		if (usage >= input_applications[i].first && usage <= input_applications[i].last)
			return true;
	return false;
}

/* Returns whether the values are positions or movements, which are more than two. */
static bool is_axis(const struct check *c, uint32_t flags)
{
	uint32_t usage = hid_usages_get(&c->usages, 0);

	return flags & HID_FIELD_VARIABLE &&
	       (flags & HID_FIELD_RELATIVE || (usage >= HID_USAGE_OF(PAGE_DESKTOP, USAGE_X) &&
					       usage <= HID_USAGE_OF(PAGE_DESKTOP, USAGE_WHEEL)));
}

/* Returns how many bits a field needs for the values of its logical range. */
static unsigned int bits_of_range(const struct hid_globals *now)
{
	for (unsigned int bits = 1; bits < 32; bits++) {
		int64_t half = INT64_C(1) << (bits - 1);

		if (now->logical_minimum < 0
			    ? now->logical_minimum >= -half && now->logical_maximum < half
			    : (uint32_t)now->logical_maximum < 2 * half)
			return bits;
	}
	return 32;
}

static bool has_unit_of_axis(const struct check *c, uint32_t unit)
{
	uint32_t usage = hid_usages_get(&c->usages, 0);

	if (usage < HID_USAGE_OF(PAGE_DESKTOP, USAGE_X))
		return false;
	if (usage <= HID_USAGE_OF(PAGE_DESKTOP, USAGE_Z))
		return unit == UNIT_CENTIMETER || unit == UNIT_INCH;
	return usage <= HID_USAGE_OF(PAGE_DESKTOP, USAGE_RZ) &&
	       (unit == UNIT_RADIAN || unit == UNIT_DEGREE);
}

static bool has_vendor_usages(const struct check *c)
{
	return hid_usages_get(&c->usages, 0) >> 24 == VENDOR_PAGES;
}

/* Returns how many values the logical range has, as Linux computes it. */
static int64_t logical_values(const struct hid_globals *now)
{
	int64_t maximum = now->logical_minimum < 0 ? now->logical_maximum
						   : (int64_t)(uint32_t)now->logical_maximum;

	return maximum - now->logical_minimum + 1;
}

/* Finds values of global items that were meant for an earlier field only. */
static void check_leaks(struct check *c, uint32_t flags, size_t offset, unsigned int needed)
{
	const struct hid_globals *now = &c->globals.now;
	bool is_array = !(flags & HID_FIELD_VARIABLE), axis = is_axis(c, flags);

	if (axis && c->logical_used_by == USED_BY_OTHER && 2 * needed <= now->report_size)
		find(c, HID_RULE_LOGICAL_LEAKS, offset, now->report_size, needed);
	if (is_array && c->logical_used_by != USED_BY_NONE && logical_values(now) < c->usages.n)
		find(c, HID_RULE_ARRAY_LEAKS, offset, c->usages.n, logical_values(now));
	if (axis && c->logical_used_by == USED_BY_NONE && c->physical_used_by != USED_BY_NONE &&
	    c->logical_values_of_physical != logical_values(now) &&
	    now->physical_maximum > now->physical_minimum && has_unit_of_axis(c, now->unit))
		find(c, HID_RULE_PHYSICAL_LEAKS, offset, 0, 0);
}

/* Checks the values of a field that is neither constant nor empty and has a usage. */
static void check_field_values(struct check *c, uint32_t flags, size_t offset)
{
	const struct hid_globals *now = &c->globals.now;
	enum used_by user = is_axis(c, flags) ? USED_BY_AXIS : USED_BY_OTHER;
	unsigned int needed = bits_of_range(now);

	if (has_vendor_usages(c))
		; /* no host computes with them */
	else if (needed > now->report_size)
		find(c, HID_RULE_LOGICAL_SIZE, offset, now->report_size, needed);
	else
		check_leaks(c, flags, offset, needed);
	if (c->logical_used_by == USED_BY_NONE)
		c->logical_used_by = user;
	if (c->physical_used_by == USED_BY_NONE) {
		c->physical_used_by = user;
		c->logical_values_of_physical = logical_values(now);
	}
}

/* Returns whether Linux announces each usage of the field as a key, an axis or an LED. */
static bool has_input_usages(const struct check *c, enum kind kind, uint32_t flags)
{
	uint32_t page = hid_usages_get(&c->usages, 0) >> 16;

	if (!is_input_application(c->application) || !(flags & HID_FIELD_VARIABLE) ||
	    has_vendor_usages(c))
		return false;
	return kind == INPUT || (kind == OUTPUT && page == PAGE_LED);
}

static void check_field(struct check *c, enum kind kind, uint32_t flags, size_t offset)
{
	const struct hid_globals *now = &c->globals.now;

	if (c->n_open_collections == 0)
		find(c, HID_RULE_FIELD_OUTSIDE, offset, 0, 0);
	if (flags & HID_FIELD_CONSTANT)
		return;
	if (now->report_size == 0 || now->report_count == 0) {
		find(c, HID_RULE_FIELD_EMPTY, offset, now->report_size, now->report_count);
		return;
	}
	if (c->usages.n == 0) {
		find(c, HID_RULE_FIELD_USAGE, offset, 0, 0);
		return;
	}
	check_field_values(c, flags, offset);
	if (c->usages.n > now->report_count && has_input_usages(c, kind, flags))
		find(c, HID_RULE_USAGES_EXCESS, offset, c->usages.n, now->report_count);
}

/* Notes to which collection a report belongs. */
static void add_to_collection(struct check *c, struct report *report, size_t offset)
{
	const struct hid_globals *now = &c->globals.now;

	c->collection_has_fields = true;
	if (now->report_id == 0) {
		if (!c->has_field_without_id)
			c->field_without_id_offset = offset;
		c->has_field_without_id = true;
		c->collection_has_field_without_id = true;
		return;
	}
	for (int kind = INPUT; kind < KIND_COUNT; kind++) {
		const struct report *other = &c->reports[kind][now->report_id];

		if (other->collection && other->collection != c->n_outer_collections) {
			find(c, HID_RULE_ID_SHARED, offset, now->report_id, 0);
			break;
		}
	}
	report->collection = c->n_outer_collections;
}

static bool is_reversed(const struct hid_globals *now)
{
	if (now->logical_minimum < 0)
		return now->logical_maximum < now->logical_minimum;
	return (uint32_t)now->logical_maximum < (uint32_t)now->logical_minimum;
}

static void add_field(struct check *c, enum kind kind, uint32_t flags, size_t offset)
{
	const struct hid_globals *now = &c->globals.now;
	struct report *report = &c->reports[kind][now->report_id];
	struct hid_first_bits *first = kind == INPUT ? &c->first_input : &c->first_output;

	if (is_reversed(now))
		find(c, HID_RULE_LOGICAL_RANGE, offset, now->logical_minimum,
		     now->logical_minimum < 0 ? now->logical_maximum
					      : (int64_t)(uint32_t)now->logical_maximum);
	if (kind != FEATURE && now->report_id == 0)
		hid_first_bits_add(first, report->bits, now, &c->usages, flags, offset);
	report->exists = true;
	report->offset = offset;
	report->bits += (uint64_t)now->report_size * now->report_count;
	if (report->bits > MAX_REPORT_BITS)
		find(c, HID_RULE_REPORT_LONG, offset, (int64_t)(report->bits / 8),
		     MAX_REPORT_BITS / 8);
	check_field(c, kind, flags, offset);
	add_to_collection(c, report, offset);
}

/* --- collections --- */

static void begin_collection(struct check *c, const struct hid_item *item, size_t offset)
{
	if (c->n_open_collections == 0) {
		c->n_outer_collections++;
		c->collection_offset = offset;
		c->application = c->usages.n ? hid_usages_get(&c->usages, 0) : 0;
		c->collection_has_fields = c->collection_has_field_without_id = false;
		if ((item->value & 0xff) != APPLICATION)
			find(c, HID_RULE_COLLECTION_TYPE, offset, item->value & 0xff, 0);
		if (c->usages.n != 1)
			find(c, HID_RULE_COLLECTION_USAGE, offset, c->usages.n, 0);
	}
	*array_add(c->open_collections, c->n_open_collections) = offset;
}

/* Reports usages that stand before an item that takes none up. */
static void drop_usages(struct check *c)
{
	if (c->usages.n > 0)
		find(c, HID_RULE_USAGES_UNUSED, c->usages.offset, c->usages.n, 0);
}

static void end_collection(struct check *c, size_t offset)
{
	drop_usages(c);
	if (c->n_open_collections == 0)
		find(c, HID_RULE_END_WITHOUT_COLLECTION, offset, 0, 0);
	else
		c->n_open_collections--;
	if (c->n_open_collections == 0 && c->collection_has_field_without_id &&
	    c->n_outer_collections > 1 && !c->has_ids)
		find(c, HID_RULE_COLLECTION_ID, c->collection_offset, 0, 0);
}

/* --- items --- */

static void check_main_item(struct check *c, const struct hid_item *item, size_t offset)
{
	hid_usages_complete(&c->usages, c->globals.now.usage_page);
	if (c->usages.minimum_waits)
		find(c, HID_RULE_USAGE_MINIMUM_ALONE, c->usages.minimum_offset, 0, 0);
	switch (item->kind) {
	case HID_INPUT:
		add_field(c, INPUT, item->value, offset);
		break;
	case HID_OUTPUT:
		add_field(c, OUTPUT, item->value, offset);
		break;
	case HID_FEATURE:
		add_field(c, FEATURE, item->value, offset);
		break;
	case HID_COLLECTION:
		begin_collection(c, item, offset);
		break;
	case HID_END_COLLECTION:
		end_collection(c, offset);
		break;
	default:
		drop_usages(c);
		find(c, HID_RULE_ITEM_UNKNOWN, offset, item->kind, 0);
	}
	hid_usages_free(&c->usages);
	c->has_trailing = false;
}

static void check_report_id(struct check *c, uint32_t id, size_t offset)
{
	if (id == 0)
		find(c, HID_RULE_REPORT_ID_0, offset, id, 0);
	else if (id > 255)
		find(c, HID_RULE_REPORT_ID_LARGE, offset, id, 255);
	if (c->has_field_without_id && !c->has_ids)
		find(c, HID_RULE_FIELD_BEFORE_ID, c->field_without_id_offset, 0, 0);
	if (c->n_open_collections == 0)
		find(c, HID_RULE_ID_OUTSIDE, offset, id, 0);
	c->has_ids = true;
}

static bool is_in_keyboard(const struct check *c)
{
	return c->n_open_collections > 0 &&
	       (c->application == HID_USAGE_OF(PAGE_DESKTOP, USAGE_KEYBOARD) ||
		c->application == HID_USAGE_OF(PAGE_DESKTOP, USAGE_KEYPAD));
}

/* Returns whether the bytes of a usage page are in the wrong order. */
static bool is_swapped_page(const struct check *c, const struct hid_item *item)
{
	uint32_t low = item->value & 0xff, high = item->value >> 8;

	if (item->data_size != 2 || high == VENDOR_PAGES ||
	    (item->value == PAGE_OF_KEYBOARDS && is_in_keyboard(c)))
		return false;
	return low == VENDOR_PAGES || (low == 0 && high > 0 && high < N_KNOWN_PAGES);
}

static void check_global_item(struct check *c, const struct hid_item *item, size_t offset)
{
	switch (item->kind) {
	case HID_USAGE_PAGE:
		if (is_swapped_page(c, item))
			find(c, HID_RULE_PAGE_SWAPPED, offset, item->value,
			     (item->value & 0xff) << 8 | item->value >> 8);
		break;
	case HID_LOGICAL_MINIMUM:
	case HID_LOGICAL_MAXIMUM:
		c->logical_used_by = USED_BY_NONE;
		break;
	case HID_PHYSICAL_MINIMUM:
	case HID_PHYSICAL_MAXIMUM:
	case HID_UNIT:
		c->physical_used_by = USED_BY_NONE;
		break;
	case HID_UNIT_EXPONENT:
		break;
	case HID_REPORT_SIZE:
		if (item->value > MAX_REPORT_SIZE)
			find(c, HID_RULE_REPORT_SIZE, offset, item->value, MAX_REPORT_SIZE);
		break;
	case HID_REPORT_COUNT:
		if (item->value > HID_MAX_USAGES)
			find(c, HID_RULE_REPORT_COUNT, offset, item->value, HID_MAX_USAGES);
		break;
	case HID_REPORT_ID:
		check_report_id(c, item->value, offset);
		break;
	case HID_PUSH:
		if (c->globals.n_pushed == HID_MAX_PUSHED)
			find(c, HID_RULE_PUSH, offset, 0, HID_MAX_PUSHED);
		break;
	case HID_POP:
		if (c->globals.n_pushed == 0)
			find(c, HID_RULE_POP, offset, 0, 0);
		c->logical_used_by = c->physical_used_by = USED_BY_NONE;
		break;
	default:
		find(c, HID_RULE_GLOBAL_ITEM, offset, item->kind, 0);
	}
	hid_process_global_item(&c->globals, item);
}

static void check_local_item(struct check *c, const struct hid_item *item, size_t offset)
{
	static const enum hid_rule rules[] = {
		[HID_LOCAL_UNKNOWN] = HID_RULE_ITEM_UNKNOWN,
		[HID_LOCAL_TOO_MANY_USAGES] = HID_RULE_USAGES_MANY,
		[HID_LOCAL_DELIMITER_NESTED] = HID_RULE_DELIMITER_NESTED,
		[HID_LOCAL_DELIMITER_CLOSED] = HID_RULE_DELIMITER_CLOSED,
		[HID_LOCAL_RANGE_REVERSED] = HID_RULE_USAGE_RANGE,
		[HID_LOCAL_MAXIMUM_ALONE] = HID_RULE_USAGE_MAXIMUM_ALONE,
	};
	enum hid_local_result result;
	uint32_t minimum = c->usages.minimum;

	result = hid_usages_add_item(&c->usages, item, offset, c->globals.now.usage_page);
	if (result == HID_LOCAL_UNKNOWN)
		find(c, HID_RULE_ITEM_UNKNOWN, offset, item->kind, 0);
	else if (result != HID_LOCAL_TAKEN)
		find(c, rules[result], offset, minimum, item->value);
}

static void check_item(struct check *c, const struct hid_item *item, size_t offset)
{
	unsigned int type = item->kind & HID_TYPE_MASK;

	if (item->is_long) {
		find(c, HID_RULE_LONG_ITEM, offset, 0, 0);
		return;
	}
	if (type != HID_TYPE_MAIN && !c->has_trailing) {
		c->has_trailing = true;
		c->first_trailing_offset = offset;
	}
	if (type == HID_TYPE_MAIN)
		check_main_item(c, item, offset);
	else if (type == HID_TYPE_GLOBAL)
		check_global_item(c, item, offset);
	else if (type == HID_TYPE_LOCAL)
		check_local_item(c, item, offset);
	else
		find(c, HID_RULE_ITEM_UNKNOWN, offset, item->kind, 0);
}

/* --- the whole descriptor --- */

static void check_items(struct check *c, const uint8_t *bytes, size_t size)
{
	struct hid_item item;

	for (size_t offset = 0; offset < size; offset += 1 + item.data_size) {
		size_t missing = hid_item_read(bytes, size, offset, &item);

		if (missing > 0) {
			find(c, HID_RULE_ITEM_CUT_OFF, offset, (int64_t)missing, 0);
			return;
		}
		check_item(c, &item, offset);
	}
	if (size == 0)
		find(c, HID_RULE_EMPTY, 0, 0, 0);
	if (c->n_open_collections > 0)
		find(c, HID_RULE_OPEN_COLLECTION, c->open_collections[c->n_open_collections - 1], 0,
		     0);
	if (c->usages.delimiter_depth > 0)
		find(c, HID_RULE_DELIMITER_OPEN, c->usages.offset, 0, 0);
	drop_usages(c);
	if (c->has_trailing && c->usages.n == 0)
		find(c, HID_RULE_ITEM_TRAILING, c->first_trailing_offset, 0, 0);
}

/* Returns the bytes of the longest report of one kind: its ID, if there are IDs, and its fields. */
static uint64_t longest_report(const struct check *c, enum kind kind)
{
	uint64_t longest = 0;

	for (size_t id = 0; id < ARRAY_SIZE(c->reports[kind]); id++)
		if (c->reports[kind][id].bits > longest)
			longest = c->reports[kind][id].bits;
	/* A report ID is one byte before the fields (6.2.2.7). */
	return longest ? (longest + 7) / 8 + c->has_ids : 0;
}

static void check_whole_bytes(struct check *c)
{
	for (int kind = INPUT; kind < KIND_COUNT; kind++)
		for (size_t id = 0; id < ARRAY_SIZE(c->reports[kind]); id++) {
			const struct report *r = &c->reports[kind][id];

			if (r->bits % 8)
				find(c, HID_RULE_PARTIAL_BYTE, r->offset, (int64_t)r->bits,
				     (int64_t)(8 - r->bits % 8));
		}
}

static void check_boot_reports(struct check *c, enum hid_boot_protocol boot)
{
	struct hid_finding finding = { 0 };

	if (boot == HID_BOOT_NONE)
		return;
	if (c->has_ids)
		find(c, HID_RULE_BOOT_ID, 0, 0, 0);
	else if (!hid_is_boot_report(boot, &c->first_input, &c->first_output,
				     c->reports[OUTPUT][0].exists, &finding))
		find(c, finding.rule, finding.offset, finding.found, 0);
	else if (c->reports[INPUT][0].bits > HID_BOOT_BITS)
		find(c, HID_RULE_BOOT_LONG, c->reports[INPUT][0].offset,
		     (int64_t)(c->reports[INPUT][0].bits + 7) / 8, HID_BOOT_BITS / 8);
}

static int compare_findings(const void *a, const void *b)
{
	const struct hid_finding *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

void hid_report_check(const uint8_t *bytes, size_t size, enum hid_boot_protocol boot,
		      struct hid_report *report)
{
	struct check *c = xcalloc(1, sizeof(*c));
	bool has_errors;

	*report = (struct hid_report){ 0 };
	check_items(c, bytes, size);
	report->input_length = longest_report(c, INPUT);
	report->output_length = longest_report(c, OUTPUT);
	report->feature_length = longest_report(c, FEATURE);
	if (report->input_length + report->output_length + report->feature_length == 0) {
		find(c, HID_RULE_NO_REPORT, 0, 0, 0);
	} else {
		check_whole_bytes(c);
		check_boot_reports(c, boot);
	}
	has_errors = c->n_findings[true] > 0;
	report->n_findings = c->n_findings[has_errors];
	memcpy(report->findings, c->findings[has_errors],
	       report->n_findings * sizeof(report->findings[0]));
	qsort(report->findings, report->n_findings, sizeof(report->findings[0]), compare_findings);
	hid_usages_free(&c->usages);
	free(c->open_collections);
	free(c);
}
