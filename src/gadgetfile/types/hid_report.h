/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses HID report descriptors ("Device Class Definition for HID" 1.11, section 6.2.2). */
#pragma once

#include <stddef.h>
#include <stdint.h>

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
