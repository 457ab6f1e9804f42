/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of all rules of report descriptors: what is wrong, where that is known from, and what
 * to do. Sections are those of "Device Class Definition for HID" 1.11; files are those of Linux
 * below drivers/hid/; HIDP_GETCOLDESC_* are the reasons for which Windows refuses a report
 * descriptor, as the header hidpddi.h of its driver kit describes them.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "hid/check_report.h"

/* Texts and hints have placeholders of text_with_numbers(). */
static const struct rule {
	const char *source, *text, *hint;
} rules[HID_RULE_COUNT] = {
#define RULE(id, where, what, remedy)                                                              \
	[HID_RULE_##id] = { .source = where, .text = what, .hint = remedy }

	RULE(EMPTY, "hid_open_report in hid-core.c", "the report descriptor is empty",
	     "write its items"),
	RULE(ITEM_CUT_OFF, "HID 1.11, 6.2.2.2",
	     "this item ends {found} byte{found:s} beyond the end of the report descriptor",
	     "the lowest two bits of an item's first byte are the size of its data: 0, 1, 2 or 4 "
	     "bytes"),
	RULE(LONG_ITEM, "hid_open_report in hid-core.c",
	     "this is a long item, and Linux refuses descriptors with long items",
	     "remove it: no standard defines one; was another byte meant?"),
	RULE(END_WITHOUT_COLLECTION, "HID 1.11, 6.2.2.6", "this End Collection ends no Collection",
	     "remove this byte, or begin a collection with 0xa1"),
	RULE(OPEN_COLLECTION, "HID 1.11, 6.2.2.6", "this Collection has no End Collection",
	     "add 0xc0 where the collection ends"),
	RULE(REPORT_ID_0, "HID 1.11, 6.2.2.7", "this Report ID is 0, which is reserved",
	     "number reports from 1, or remove the item if there is only one report of each kind"),
	RULE(REPORT_ID_LARGE, "HID 1.11, 6.2.2.7",
	     "this Report ID is {found}; the largest is {wanted}", "use one byte, 1 to 255"),
	RULE(LOGICAL_RANGE, "hid_add_field in hid-core.c",
	     "the Logical Minimum {found} of this field is above its Logical Maximum {wanted}",
	     "write the minimum before the maximum, and both before the field; after a minimum "
	     "that is not negative, the maximum is an unsigned number"),
	RULE(REPORT_SIZE, "hid_parser_global in hid-core.c",
	     "this Report Size is {found}; Linux takes at most {wanted} bits",
	     "use more fields of fewer bits"),
	RULE(REPORT_COUNT, "hid_parser_global in hid-core.c",
	     "this Report Count is {found}; Linux takes at most {wanted}", "use fewer fields"),
	RULE(REPORT_LONG, "hid_add_field in hid-core.c",
	     "with this field the report has {found} bytes; Linux takes at most {wanted}",
	     "use more reports, with Report IDs"),
	RULE(PUSH, "hid_parser_global in hid-core.c",
	     "Linux takes at most {wanted} Push items without a Pop",
	     "write the global items again instead"),
	RULE(POP, "HID 1.11, 6.2.2.7", "no Push belongs to this Pop", "remove it"),
	RULE(GLOBAL_ITEM, "HID 1.11, 6.2.2.7", "this is no known global item ({found:x})",
	     "remove it; was another byte meant, or is an item before it longer or shorter than "
	     "its first byte says?"),
	RULE(USAGES_MANY, "hid_add_usage in hid-core.c",
	     "there are more than 12288 usages before one main item", "lower the Usage Maximum"),
	RULE(DELIMITER_NESTED, "HID 1.11, 6.2.2.8", "this Delimiter opens a set inside another one",
	     "close the other one before"),
	RULE(DELIMITER_CLOSED, "HID 1.11, 6.2.2.8", "this Delimiter closes a set, but none is open",
	     "remove it"),
	RULE(DELIMITER_OPEN, "HID 1.11, 6.2.2.8", "a Delimiter opens a set that nothing closes",
	     "add 0xa9 0x00 after its usages"),

	RULE(NO_REPORT, "HID 1.11, 6.2.2", "the report descriptor defines no report",
	     "add an Input, Output or Feature item after a Report Size and a Report Count"),
	RULE(FIELD_BEFORE_ID, "hid_get_report in hid-core.c, HIDP_GETCOLDESC_DEFAULT_ID_ERROR",
	     "this field has no Report ID, but a later one has: Linux never finds its report, "
	     "Windows refuses the descriptor",
	     "write a Report ID before the first field"),
	RULE(USAGE_RANGE, "hid_parser_local in hid-core.c",
	     "the Usage Minimum {found:x} is above this Usage Maximum {wanted:x}: Linux makes "
	     "12288 wrong usages of it",
	     "exchange them"),
	RULE(USAGE_MAXIMUM_ALONE, "hid_parser_local in hid-core.c",
	     "no Usage Minimum belongs to this Usage Maximum: Linux takes {found:x} for it",
	     "write the Usage Minimum before it"),
	RULE(USAGE_MINIMUM_ALONE, "hid_parser_local in hid-core.c",
	     "no Usage Maximum belongs to this Usage Minimum: hosts make no usage of it",
	     "write the Usage Maximum after it"),
	RULE(USAGES_UNUSED, "HID 1.11, 6.2.2.8; hid_parser_main in hid-core.c",
	     "no Input, Output, Feature or Collection takes up {found} usage{found:s}, beginning "
	     "here: hosts forget them",
	     "write the main item after them; is an item before it longer or shorter than its "
	     "first byte says?"),
	RULE(USAGES_EXCESS, "hidinput_configure_usages in hid-input.c",
	     "this item has {found} usages for {wanted} field{wanted:s}: Linux announces keys, "
	     "buttons or axes that no report has",
	     "raise the Report Count, or remove usages"),
	RULE(FIELD_OUTSIDE, "hidinput_connect in hid-input.c, HIDP_GETCOLDESC_INVALID_MAIN_ITEM",
	     "this field is outside all collections: Linux makes no input device of it, Windows "
	     "refuses the descriptor",
	     "begin an application collection before it: a Usage Page, a Usage, 0xa1 0x01"),
	RULE(COLLECTION_TYPE, "HID 1.11, 6.2.2.6; hidinput_connect in hid-input.c",
	     "this outermost Collection is no application collection (type {found}): its reports "
	     "belong to no application",
	     "write 0xa1 0x01"),
	RULE(COLLECTION_USAGE, "HIDP_GETCOLDESC_TOP_COLLECTION_USAGE",
	     "this outermost Collection has {found} usages; Windows needs exactly one",
	     "write one Usage, which says what the device is, before it"),
	RULE(ID_OUTSIDE, "HIDP_GETCOLDESC_REPORT_ID",
	     "this Report ID is outside all collections: Windows refuses the descriptor",
	     "move it into the collection"),
	RULE(COLLECTION_ID, "HIDP_GETCOLDESC_DEFAULT_ID_ERROR, hid_add_field in hid-core.c",
	     "this is not the only outermost collection, and its reports have no Report ID: "
	     "Windows refuses the descriptor, Linux makes one report of all",
	     "give each outermost collection a Report ID of its own"),
	RULE(ID_SHARED, "HIDP_GETCOLDESC_NO_REPORT_ID",
	     "the report {found} of this field is that of another outermost collection: Windows "
	     "refuses the descriptor",
	     "give each outermost collection a Report ID of its own"),
	RULE(ITEM_UNKNOWN, "hid_parser_main in hid-core.c, HIDP_GETCOLDESC_ITEM_UNKNOWN",
	     "this is no known item ({found:x}): Linux ignores it, Windows refuses the descriptor",
	     "remove it; is an item before it longer or shorter than its first byte says?"),
	RULE(ITEM_TRAILING, "HID 1.11, 6.2.2.7",
	     "no main item follows: the items from here have no effect",
	     "remove them, or add what they are for"),
	RULE(FIELD_USAGE, "hid_add_field in hid-core.c, HIDP_GETCOLDESC_MAIN_ITEM_NO_USAGE",
	     "this field has no usage and is no constant: Linux ignores it, Windows refuses the "
	     "descriptor",
	     "write a Usage before it, or make it padding: bit 0 of its data"),
	RULE(FIELD_EMPTY, "HID 1.11, 6.2.2.7; hid_add_field in hid-core.c",
	     "this field has no bits: Report Size {found}, Report Count {wanted}",
	     "write a Report Size and a Report Count before it"),
	RULE(LOGICAL_SIZE,
	     "hidinput_configure_usage in hid-input.c, hid_input_fetch_field in hid-core.c",
	     "the logical range of this field needs {wanted} bits, but the field has {found}: "
	     "hosts compute with values that cannot come, or take the highest bit for a sign",
	     "write the Logical Minimum and Maximum of this field before it: values of global "
	     "items hold until they are set again"),
	RULE(LOGICAL_LEAKS,
	     "hidinput_configure_usage in hid-input.c, hid_input_fetch_field in hid-core.c",
	     "this axis has {found} bits, but a logical range of {wanted} bit{wanted:s}, which "
	     "is that of an earlier field that is no axis: Linux announces that range, or takes "
	     "negative values for positive ones",
	     "write its Logical Minimum and Maximum before it: values of global items hold until "
	     "they are set again"),
	RULE(ARRAY_LEAKS, "hid_input_array_field in hid-core.c",
	     "this array has {found} usages, but {wanted} value{wanted:s}, the logical range of "
	     "an earlier field: Linux ignores all others",
	     "write its Logical Minimum and Maximum before it: values of global items hold until "
	     "they are set again"),
	RULE(PHYSICAL_LEAKS, "hidinput_calc_abs_res in hid-input.c",
	     "this axis has its own logical range, but the physical range and unit of an earlier "
	     "field: Linux computes its resolution from both",
	     "write its Physical Minimum and Maximum, or Unit 0x65 0x00, before it: values of "
	     "global items hold until they are set again"),
	RULE(PAGE_SWAPPED, "HID Usage Tables 1.5, 3; HID 1.11, 5.1",
	     "the usage page {found:x} is reserved; with its bytes in order it is {wanted:x}, by "
	     "which drivers and programs look for the device",
	     "write the low byte first"),
	RULE(PARTIAL_BYTE, "HID 1.11, 8.4; HIDP_GETCOLDESC_BYTE_ALLIGN",
	     "this is the last field of a report of {found} bits: Windows refuses reports that "
	     "do not fill bytes",
	     "add {wanted} bit{wanted:s} of padding, for example 0x75 0x01 0x95 {wanted:x} 0x81 "
	     "0x03 for input"),
	RULE(BOOT_ID, "HID 1.11, appendix B",
	     "reports of a boot interface ('subclass' 1) begin with no Report ID: firmware takes "
	     "the ID for the first byte of the report",
	     "remove the Report IDs, or set subclass = 0 and protocol = 0"),
	RULE(BOOT_KEYBOARD, "HID 1.11, appendix B.1",
	     "byte {found} of the input report is not that of a boot keyboard ('subclass' 1, "
	     "'protocol' 1), which firmware expects",
	     "begin the report with 8 bits for the keys 0xe0 to 0xe7, a reserved byte, and an "
	     "array of 6 keys of 8 bits; or set subclass = 0 and protocol = 0"),
	RULE(BOOT_LEDS, "HID 1.11, appendix B.1",
	     "byte {found} of the output report is not that of a boot keyboard ('subclass' 1, "
	     "'protocol' 1), which firmware sends",
	     "begin the report with the LEDs 1, 2 and 3, one bit each; or set subclass = 0 and "
	     "protocol = 0"),
	RULE(BOOT_MOUSE, "HID 1.11, appendix B.2",
	     "byte {found} of the input report is not that of a boot mouse ('subclass' 1, "
	     "'protocol' 2), which firmware expects",
	     "begin the report with the buttons 1, 2 and 3, one bit each, 5 more bits, and "
	     "relative X and Y of 8 bits; or set subclass = 0 and protocol = 0"),
	RULE(BOOT_LONG, "HID 1.11, appendix B; usb_mouse_setup and usb_kbd_setup in SeaBIOS",
	     "the input report of a boot interface ('subclass' 1) has {found} bytes, with this "
	     "field; firmware takes at most {wanted}",
	     "shorten the report, or set subclass = 0 and protocol = 0"),
#undef RULE
};

char *hid_finding_text(const struct hid_finding *f)
{
	const struct rule *rule = &rules[f->rule];
	_cleanup_free_ char *text = text_with_numbers(rule->text, f->found, f->wanted);

	return strf("%s (%s)", text, rule->source);
}

char *hid_finding_hint(const struct hid_finding *f)
{
	return text_with_numbers(rules[f->rule].hint, f->found, f->wanted);
}
