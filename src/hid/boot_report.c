/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the first bits of reports with those of the boot protocols. */
#include "hid/boot_report.h"

#include "base/util.h"

#define PAGE_DESKTOP 0x01
#define PAGE_KEYBOARD 0x07
#define PAGE_LED 0x08
#define PAGE_BUTTON 0x09
#define USAGE_X 0x30

/* Fields of equal size, one behind the other, with usages that follow each other. */
struct boot_fields {
	uint8_t first_bit, n, size;
	uint8_t flags; /* those of HID_FIELD_CONSTANT, _VARIABLE and _RELATIVE */
	uint32_t usage;
	bool is_page; /* any usage of the page will do: the field is an array */
};

#define VARIABLE HID_FIELD_VARIABLE
static const struct boot_report {
	enum hid_rule rule;
	struct boot_fields fields[3];
} boot_keyboard = { HID_RULE_BOOT_KEYBOARD,
		    { { 0, 8, 1, VARIABLE, HID_USAGE_OF(PAGE_KEYBOARD, 0xe0), false },
		      { 16, 6, 8, 0, HID_USAGE_OF(PAGE_KEYBOARD, 0), true } } },
  boot_leds = { HID_RULE_BOOT_LEDS, { { 0, 3, 1, VARIABLE, HID_USAGE_OF(PAGE_LED, 1), false } } },
  boot_mouse = { HID_RULE_BOOT_MOUSE,
		 { { 0, 3, 1, VARIABLE, HID_USAGE_OF(PAGE_BUTTON, 1), false },
		   { 8, 2, 8, VARIABLE | HID_FIELD_RELATIVE, HID_USAGE_OF(PAGE_DESKTOP, USAGE_X),
		     false } } };

void hid_first_bits_add(struct hid_first_bits *first, uint64_t start, const struct hid_globals *now,
			const struct hid_usages *usages, uint32_t flags, size_t offset)
{
	uint64_t n_bits = (uint64_t)now->report_size * now->report_count;

	for (uint64_t i = 0; i < n_bits && start + i < HID_BOOT_BITS; i++) {
		uint32_t field = (uint32_t)(i / now->report_size);
		bool is_variable = flags & HID_FIELD_VARIABLE;

		first->bits[start + i] = (struct hid_first_bit){
			.usage = usages->n ? hid_usages_get(usages, is_variable ? field : 0) : 0,
			.flags = flags &
				 (HID_FIELD_CONSTANT | HID_FIELD_VARIABLE | HID_FIELD_RELATIVE),
			.bit = (uint8_t)(i % now->report_size),
			.size = (uint8_t)(now->report_size < 255 ? now->report_size : 255),
			.offset = offset,
		};
	}
}

static bool is_boot_bit(const struct hid_first_bit *bit, const struct boot_fields *f, uint8_t index)
{
	uint32_t usage = f->usage + index / f->size;

	/* A device without this button or key sends 0, which is what firmware reads as well. */
	if (f->size == 1 && bit->size > 0 && bit->flags & HID_FIELD_CONSTANT)
		return true;
	if (bit->size != f->size || bit->bit != index % f->size || bit->flags != f->flags)
		return false;
	return f->is_page ? bit->usage >> 16 == usage >> 16 : bit->usage == usage;
}

static bool has_boot_fields(const struct hid_first_bits *first, const struct boot_report *report,
			    struct hid_finding *finding)
{
	for (size_t i = 0; i < ARRAY_SIZE(report->fields); i++) {
		const struct boot_fields *f = &report->fields[i];

		for (uint8_t k = 0; k < f->n * f->size; k++) {
			const struct hid_first_bit *bit = &first->bits[f->first_bit + k];

			if (is_boot_bit(bit, f, k))
				continue;
			*finding = (struct hid_finding){ .rule = report->rule,
							 .offset = bit->offset,
							 .found = (f->first_bit + k) / 8 };
			return false;
		}
	}
	return true;
}

bool hid_is_boot_report(enum hid_boot_protocol boot, const struct hid_first_bits *input,
			const struct hid_first_bits *output, bool has_output,
			struct hid_finding *finding)
{
	if (boot == HID_BOOT_MOUSE)
		return has_boot_fields(input, &boot_mouse, finding);
	if (boot == HID_BOOT_KEYBOARD)
		return has_boot_fields(input, &boot_keyboard, finding) &&
		       (!has_output || has_boot_fields(output, &boot_leds, finding));
	return true;
}
