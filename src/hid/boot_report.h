/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares reports with those that firmware expects, which reads no report descriptor (HID 1.11,
 * appendix B).
 */
#pragma once

#include "hid/check_report.h"
#include "hid/usages.h"

#define HID_BOOT_BITS 64 /* the boot keyboard's input report; the others are shorter */

/* The first bits of a report without an ID. */
struct hid_first_bits {
	struct hid_first_bit {
		uint32_t usage; /* of an array, its first usage */
		uint8_t flags;	/* of the main item */
		uint8_t bit;	/* of the field: 0 is the lowest */
		uint8_t size; /* of the field in bits; 0: no field has this bit; 255: 255 or more */
		size_t offset; /* of the main item */
	} bits[HID_BOOT_BITS];
};

/* Enters the fields of a main item. `start`: the bit of the report at which they begin. */
void hid_first_bits_add(struct hid_first_bits *first, uint64_t start, const struct hid_globals *now,
			const struct hid_usages *usages, uint32_t flags, size_t offset);

/*
 * Returns whether the reports are those of the boot protocol. If not, sets the finding.
 * `has_output`: the descriptor has an output report.
 */
bool hid_is_boot_report(enum hid_boot_protocol boot, const struct hid_first_bits *input,
			const struct hid_first_bits *output, bool has_output,
			struct hid_finding *finding);
