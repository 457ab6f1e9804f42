/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks HID report descriptors. An error is what Linux as a host refuses, with the same result as
 * its parser (hid_open_report in drivers/hid/hid-core.c); a warning is what a host reads otherwise
 * than it is written.
 */
#pragma once

#include "hid/items.h"

enum hid_rule {
	HID_RULE_EMPTY,
	HID_RULE_ITEM_CUT_OFF,
	HID_RULE_LONG_ITEM,
	HID_RULE_END_WITHOUT_COLLECTION,
	HID_RULE_OPEN_COLLECTION,
	HID_RULE_REPORT_ID_0,
	HID_RULE_REPORT_ID_LARGE,
	HID_RULE_LOGICAL_RANGE,
	HID_RULE_REPORT_SIZE,
	HID_RULE_REPORT_COUNT,
	HID_RULE_REPORT_LONG,
	HID_RULE_PUSH,
	HID_RULE_POP,
	HID_RULE_GLOBAL_ITEM,
	HID_RULE_USAGES_MANY,
	HID_RULE_DELIMITER_NESTED,
	HID_RULE_DELIMITER_CLOSED,
	HID_RULE_DELIMITER_OPEN,

	HID_RULE_FIRST_WARNING,
	HID_RULE_NO_REPORT = HID_RULE_FIRST_WARNING,
	HID_RULE_FIELD_BEFORE_ID,
	HID_RULE_USAGE_RANGE,
	HID_RULE_USAGE_MAXIMUM_ALONE,
	HID_RULE_USAGE_MINIMUM_ALONE,
	HID_RULE_USAGES_UNUSED,
	HID_RULE_USAGES_EXCESS,
	HID_RULE_FIELD_OUTSIDE,
	HID_RULE_COLLECTION_TYPE,
	HID_RULE_COLLECTION_USAGE,
	HID_RULE_ID_OUTSIDE,
	HID_RULE_COLLECTION_ID,
	HID_RULE_ID_SHARED,
	HID_RULE_ITEM_UNKNOWN,
	HID_RULE_ITEM_TRAILING,
	HID_RULE_FIELD_USAGE,
	HID_RULE_FIELD_EMPTY,
	HID_RULE_LOGICAL_SIZE,
	HID_RULE_LOGICAL_LEAKS,
	HID_RULE_ARRAY_LEAKS,
	HID_RULE_PHYSICAL_LEAKS,
	HID_RULE_PAGE_SWAPPED,
	HID_RULE_PARTIAL_BYTE,
	HID_RULE_BOOT_ID,
	HID_RULE_BOOT_KEYBOARD,
	HID_RULE_BOOT_LEDS,
	HID_RULE_BOOT_MOUSE,
	HID_RULE_BOOT_LONG,
	HID_RULE_COUNT,
};

struct hid_finding {
	enum hid_rule rule;
	size_t offset; /* bytes before the item */
	/* What the item has, and what would be right or which limit holds; their meaning is the
	 * rule's. */
	int64_t found, wanted;
};

#define HID_MAX_FINDINGS 32

/* What the interface descriptor promises about the reports (HID 1.11, 4.2 and 4.3). */
enum hid_boot_protocol { HID_BOOT_NONE, HID_BOOT_KEYBOARD, HID_BOOT_MOUSE };

/* Returns the boot protocol of an interface with this bInterfaceSubClass and -Protocol. */
static inline enum hid_boot_protocol hid_boot_protocol(unsigned long subclass,
						       unsigned long protocol)
{
	if (subclass != 1 || protocol > HID_BOOT_MOUSE)
		return HID_BOOT_NONE;
	return (enum hid_boot_protocol)protocol;
}

struct hid_report {
	/*
	 * The errors, or if there is none, the warnings; sorted by offset. Further ones than
	 * HID_MAX_FINDINGS are dropped.
	 */
	struct hid_finding findings[HID_MAX_FINDINGS];
	size_t n_findings;
	/*
	 * Length of the longest report of each kind in bytes, with its report ID; 0: the descriptor
	 * defines no such report. Of a descriptor that is cut off, the items before the cut count.
	 */
	uint64_t input_length, output_length, feature_length;
};

void hid_report_check(const uint8_t *bytes, size_t size, enum hid_boot_protocol boot,
		      struct hid_report *report);

static inline bool hid_finding_is_error(const struct hid_finding *f)
{
	return f->rule < HID_RULE_FIRST_WARNING;
}

/*
 * Describes a finding: what is wrong with the item, which the text calls "this", and where that is
 * known from; and what to do. The caller frees the texts.
 */
char *hid_finding_text(const struct hid_finding *f);
char *hid_finding_hint(const struct hid_finding *f);
