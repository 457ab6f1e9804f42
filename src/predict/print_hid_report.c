/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints HID report descriptors item by item. Section numbers are those of "Device Class Definition
 * for HID" 1.11; the names of usages are those of "HID Usage Tables" 1.5. Usages without a name
 * here are printed as numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "hid/check_report.h"
#include "predict/predict.h"
#include "predict/template.h"

/* How the value of an item is printed. */
enum value_format {
	NO_VALUE,
	DECIMAL,
	HEXADECIMAL,
	MINIMUM, /* a signed number */
	MAXIMUM, /* a signed number if the minimum is negative, else an unsigned one */
	FLAGS,	 /* of an Input, Output or Feature item */
	COLLECTION,
	PAGE,
	USAGE,
};

static const struct item_name {
	enum hid_item_kind kind;
	const char *name;
	enum value_format format;
} item_names[] = {
	{ HID_INPUT, "Input", FLAGS },
	{ HID_OUTPUT, "Output", FLAGS },
	{ HID_COLLECTION, "Collection", COLLECTION },
	{ HID_FEATURE, "Feature", FLAGS },
	{ HID_END_COLLECTION, "End Collection", NO_VALUE },
	{ HID_USAGE_PAGE, "Usage Page", PAGE },
	{ HID_LOGICAL_MINIMUM, "Logical Minimum", MINIMUM },
	{ HID_LOGICAL_MAXIMUM, "Logical Maximum", MAXIMUM },
	{ HID_PHYSICAL_MINIMUM, "Physical Minimum", MINIMUM },
	{ HID_PHYSICAL_MAXIMUM, "Physical Maximum", MAXIMUM },
	{ HID_UNIT_EXPONENT, "Unit Exponent", HEXADECIMAL },
	{ HID_UNIT, "Unit", HEXADECIMAL },
	{ HID_REPORT_SIZE, "Report Size", DECIMAL },
	{ HID_REPORT_ID, "Report ID", DECIMAL },
	{ HID_REPORT_COUNT, "Report Count", DECIMAL },
	{ HID_PUSH, "Push", NO_VALUE },
	{ HID_POP, "Pop", NO_VALUE },
	{ HID_USAGE, "Usage", USAGE },
	{ HID_USAGE_MINIMUM, "Usage Minimum", USAGE },
	{ HID_USAGE_MAXIMUM, "Usage Maximum", USAGE },
	{ HID_DESIGNATOR_INDEX, "Designator Index", DECIMAL },
	{ HID_DESIGNATOR_MINIMUM, "Designator Minimum", DECIMAL },
	{ HID_DESIGNATOR_MAXIMUM, "Designator Maximum", DECIMAL },
	{ HID_STRING_INDEX, "String Index", DECIMAL },
	{ HID_STRING_MINIMUM, "String Minimum", DECIMAL },
	{ HID_STRING_MAXIMUM, "String Maximum", DECIMAL },
	{ HID_DELIMITER, "Delimiter", DECIMAL },
};

struct number_name {
	uint32_t number;
	const char *name;
};

static const struct number_name pages[] = {
	{ 0x01, "Generic Desktop" },
	{ 0x02, "Simulation Controls" },
	{ 0x03, "VR Controls" },
	{ 0x04, "Sport Controls" },
	{ 0x05, "Game Controls" },
	{ 0x06, "Generic Device Controls" },
	{ 0x07, "Keyboard" },
	{ 0x08, "LED" },
	{ 0x09, "Button" },
	{ 0x0a, "Ordinal" },
	{ 0x0b, "Telephony" },
	{ 0x0c, "Consumer" },
	{ 0x0d, "Digitizers" },
	{ 0x0e, "Haptics" },
	{ 0x0f, "Physical Input Device" },
	{ 0x14, "Auxiliary Display" },
	{ 0x20, "Sensors" },
	{ 0x40, "Medical Instrument" },
	{ 0x84, "Power" },
	{ 0x85, "Battery System" },
	{ 0x8c, "Barcode Scanner" },
	{ 0x8d, "Scales" },
	{ 0xf1d0, "FIDO Alliance" },
	{ 0 },
};

/* The usages: the page in bits 16 to 31, the number in bits 0 to 15. */
static const struct number_name usages[] = {
	{ 0x010001, "Pointer" },
	{ 0x010002, "Mouse" },
	{ 0x010004, "Joystick" },
	{ 0x010005, "Gamepad" },
	{ 0x010006, "Keyboard" },
	{ 0x010007, "Keypad" },
	{ 0x010008, "Multi-axis Controller" },
	{ 0x010030, "X" },
	{ 0x010031, "Y" },
	{ 0x010032, "Z" },
	{ 0x010033, "Rx" },
	{ 0x010034, "Ry" },
	{ 0x010035, "Rz" },
	{ 0x010036, "Slider" },
	{ 0x010037, "Dial" },
	{ 0x010038, "Wheel" },
	{ 0x010039, "Hat Switch" },
	{ 0x010080, "System Control" },
	{ 0x0700e0, "Left Control" },
	{ 0x0700e7, "Right GUI" },
	{ 0x080001, "Num Lock" },
	{ 0x080002, "Caps Lock" },
	{ 0x080003, "Scroll Lock" },
	{ 0x080004, "Compose" },
	{ 0x080005, "Kana" },
	{ 0x0c0001, "Consumer Control" },
	{ 0 },
};

/* 6.2.2.6 */
static const char *const collections[] = {
	"Physical",    "Application",  "Logical",	 "Report",
	"Named Array", "Usage Switch", "Usage Modifier",
};

/* The words for the bits of Input, Output and Feature (6.2.2.5); NULL: nothing is printed. */
static const char *const flag_words[][2] = {
	{ "Data", "Constant" }, { "Array", "Variable" }, { "Absolute", "Relative" },
	{ NULL, "Wrap" },	{ NULL, "Nonlinear" },	 { NULL, "No Preferred State" },
	{ NULL, "Null State" }, { NULL, "Volatile" },	 { NULL, "Buffered Bytes" },
};

struct printer {
	struct hid_global_state globals;
	size_t depth; /* number of open collections */
};

static const struct item_name *name_of_item(const struct hid_item *item)
{
	for (size_t i = 0; i < ARRAY_SIZE(item_names) && !item->is_long; i++)
		if (item_names[i].kind == item->kind)
			return &item_names[i];
	return NULL;
}

static char *number_text(const struct number_name *names, uint32_t number, uint32_t shown)
{
	for (; names->name; names++)
		if (names->number == number)
			return xstrdup(names->name);
	return strf("0x%02x", shown);
}

static char *flags_text(uint32_t value)
{
	char *text = xstrdup("");

	for (size_t bit = 0; bit < ARRAY_SIZE(flag_words); bit++) {
		const char *word = flag_words[bit][value >> bit & 1];
		char *longer;

		if (!word)
			continue;
		longer = strf("%s%s%s", text, *text ? ", " : "", word);
		free(text);
		text = longer;
	}
	return text;
}

/* Returns the value of an item as text, which the caller frees. */
static char *value_text(const struct printer *p, const struct hid_item *item,
			enum value_format format)
{
	bool negative_minimum = item->kind == HID_LOGICAL_MAXIMUM
					? p->globals.now.logical_minimum < 0
					: p->globals.now.physical_minimum < 0;

	switch (format) {
	case NO_VALUE:
		break;
	case MAXIMUM:
		if (!negative_minimum)
			return strf("%u", item->value);
		return strf("%d", hid_item_signed_value(item));
	case MINIMUM:
		return strf("%d", hid_item_signed_value(item));
	case DECIMAL:
		return strf("%u", item->value);
	case HEXADECIMAL:
		return strf("0x%02x", item->value);
	case FLAGS:
		return flags_text(item->value);
	case COLLECTION:
		return item->value < ARRAY_SIZE(collections) ? xstrdup(collections[item->value])
							     : strf("0x%02x", item->value);
	case PAGE:
		return number_text(pages, item->value, item->value);
	case USAGE: /* of four bytes, the upper two are the page (6.2.2.8) */
		return number_text(usages,
				   item->data_size == 4
					   ? item->value
					   : p->globals.now.usage_page << 16 | item->value,
				   item->value);
	}
	return NULL;
}

static void print_item(FILE *to, struct printer *p, const uint8_t *bytes,
		       const struct hid_item *item)
{
	const struct item_name *name = name_of_item(item);
	_cleanup_free_ char *value = name ? value_text(p, item, name->format) : NULL;

	if (!item->is_long && item->kind == HID_END_COLLECTION)
		p->depth -= p->depth > 0;
	fputc(' ', to);
	for (size_t i = 0; i < 5; i++)
		if (i <= item->data_size)
			fprintf(to, " %02x", bytes[i]);
		else
			fputs("   ", to);
	/* No real descriptor has more collections inside each other. */
	fprintf(to, "  %*s", 2 * (int)(p->depth < 16 ? p->depth : 16), "");
	if (item->is_long)
		fprintf(to, "long item of %zu bytes", 1 + item->data_size);
	else
		fputs(name ? name->name : "unknown item", to);
	if (value)
		fprintf(to, " (%s)", value);
	fputc('\n', to);
	if (!item->is_long && item->kind == HID_COLLECTION)
		p->depth++;
	hid_process_global_item(&p->globals, item);
}

static void print_length(FILE *to, const char *kind, uint64_t length)
{
	if (length > 0)
		fprintf(to, "  longest %s report: %llu byte%s\n", kind, (unsigned long long)length,
			length == 1 ? "" : "s");
}

/* Prints the items before the first one that is cut off. */
static void print_items(FILE *to, const uint8_t *bytes, size_t size)
{
	struct printer p = { 0 };
	struct hid_item item;

	for (size_t offset = 0; offset < size; offset += 1 + item.data_size) {
		if (hid_item_read(bytes, size, offset, &item) > 0)
			break;
		print_item(to, &p, bytes + offset, &item);
	}
}

enum hid_boot_protocol hid_boot_protocol_of_function(const struct function *f)
{
	return hid_boot_protocol((unsigned long)template_attribute_number(f, "subclass", 0),
				 (unsigned long)template_attribute_number(f, "protocol", 0));
}

void hid_report_print(FILE *to, const uint8_t *bytes, size_t size, enum hid_boot_protocol boot)
{
	struct hid_report report;

	hid_report_check(bytes, size, boot, &report);
	print_items(to, bytes, size);
	for (size_t i = 0; i < report.n_findings; i++) {
		_cleanup_free_ char *text = hid_finding_text(&report.findings[i]);

		fprintf(to, "  byte %zu: %s\n", report.findings[i].offset, text);
	}
	print_length(to, "input", report.input_length);
	print_length(to, "output", report.output_length);
	print_length(to, "feature", report.feature_length);
}
