// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The built-in report descriptors of hid functions. Each has the values of the other attributes
 * that belong to it (protocol, subclass, report_length). The items are defined in "Device Class
 * Definition for HID" 1.11, section 6.2.2, the usages in "HID Usage Tables".
 */
#include "base/cleanup.h"
#include "gadgetfile/types/attrs.h"
#include "hid/check_report.h"

/*
 * Input report of eight bytes: modifiers, a reserved byte, six keys. Output report: five LEDs. The
 * reports are those of the boot protocol.
 */
static const uint8_t keyboard[] = {
	0x05, 0x01, /* Usage Page (Generic Desktop) */
	0x09, 0x06, /* Usage (Keyboard) */
	0xa1, 0x01, /* Collection (Application) */
	0x05, 0x07, /*  Usage Page (Keyboard) */
	0x19, 0xe0, /*  Usage Minimum (Left Control) */
	0x29, 0xe7, /*  Usage Maximum (Right GUI) */
	0x15, 0x00, /*  Logical Minimum (0) */
	0x25, 0x01, /*  Logical Maximum (1) */
	0x75, 0x01, /*  Report Size (1) */
	0x95, 0x08, /*  Report Count (8) */
	0x81, 0x02, /*  Input (Data, Variable, Absolute) */
	0x75, 0x08, /*  Report Size (8) */
	0x95, 0x01, /*  Report Count (1) */
	0x81, 0x03, /*  Input (Constant) */
	0x05, 0x08, /*  Usage Page (LEDs) */
	0x19, 0x01, /*  Usage Minimum (Num Lock) */
	0x29, 0x05, /*  Usage Maximum (Kana) */
	0x75, 0x01, /*  Report Size (1) */
	0x95, 0x05, /*  Report Count (5) */
	0x91, 0x02, /*  Output (Data, Variable, Absolute) */
	0x75, 0x03, /*  Report Size (3) */
	0x95, 0x01, /*  Report Count (1) */
	0x91, 0x03, /*  Output (Constant) */
	0x05, 0x07, /*  Usage Page (Keyboard) */
	0x19, 0x00, /*  Usage Minimum (none) */
	0x29, 0x65, /*  Usage Maximum (Application) */
	0x25, 0x65, /*  Logical Maximum (101) */
	0x75, 0x08, /*  Report Size (8) */
	0x95, 0x06, /*  Report Count (6) */
	0x81, 0x00, /*  Input (Data, Array) */
	0xc0,	    /* End Collection */
};

/*
 * Input report of four bytes: three buttons, X, Y, wheel. The first three bytes are those of the
 * boot protocol.
 */
static const uint8_t mouse[] = {
	0x05, 0x01, /* Usage Page (Generic Desktop) */
	0x09, 0x02, /* Usage (Mouse) */
	0xa1, 0x01, /* Collection (Application) */
	0x09, 0x01, /*  Usage (Pointer) */
	0xa1, 0x00, /*  Collection (Physical) */
	0x05, 0x09, /*   Usage Page (Button) */
	0x19, 0x01, /*   Usage Minimum (1) */
	0x29, 0x03, /*   Usage Maximum (3) */
	0x15, 0x00, /*   Logical Minimum (0) */
	0x25, 0x01, /*   Logical Maximum (1) */
	0x75, 0x01, /*   Report Size (1) */
	0x95, 0x03, /*   Report Count (3) */
	0x81, 0x02, /*   Input (Data, Variable, Absolute) */
	0x75, 0x05, /*   Report Size (5) */
	0x95, 0x01, /*   Report Count (1) */
	0x81, 0x03, /*   Input (Constant) */
	0x05, 0x01, /*   Usage Page (Generic Desktop) */
	0x09, 0x30, /*   Usage (X) */
	0x09, 0x31, /*   Usage (Y) */
	0x09, 0x38, /*   Usage (Wheel) */
	0x15, 0x81, /*   Logical Minimum (-127) */
	0x25, 0x7f, /*   Logical Maximum (127) */
	0x75, 0x08, /*   Report Size (8) */
	0x95, 0x03, /*   Report Count (3) */
	0x81, 0x06, /*   Input (Data, Variable, Relative) */
	0xc0,	    /*  End Collection */
	0xc0,	    /* End Collection */
};

/*
 * Input report of seven bytes: sixteen buttons, a hat switch (15: at rest), X, Y, Z and Rz from 0
 * to 255.
 */
static const uint8_t gamepad[] = {
	0x05, 0x01,	  /* Usage Page (Generic Desktop) */
	0x09, 0x05,	  /* Usage (Gamepad) */
	0xa1, 0x01,	  /* Collection (Application) */
	0x05, 0x09,	  /*  Usage Page (Button) */
	0x19, 0x01,	  /*  Usage Minimum (1) */
	0x29, 0x10,	  /*  Usage Maximum (16) */
	0x15, 0x00,	  /*  Logical Minimum (0) */
	0x25, 0x01,	  /*  Logical Maximum (1) */
	0x75, 0x01,	  /*  Report Size (1) */
	0x95, 0x10,	  /*  Report Count (16) */
	0x81, 0x02,	  /*  Input (Data, Variable, Absolute) */
	0x05, 0x01,	  /*  Usage Page (Generic Desktop) */
	0x09, 0x39,	  /*  Usage (Hat Switch) */
	0x25, 0x07,	  /*  Logical Maximum (7) */
	0x35, 0x00,	  /*  Physical Minimum (0) */
	0x46, 0x3b, 0x01, /*  Physical Maximum (315) */
	0x65, 0x14,	  /*  Unit (Degrees) */
	0x75, 0x04,	  /*  Report Size (4) */
	0x95, 0x01,	  /*  Report Count (1) */
	0x81, 0x42,	  /*  Input (Data, Variable, Absolute, Null State) */
	0x65, 0x00,	  /*  Unit (None) */
	0x81, 0x03,	  /*  Input (Constant) */
	0x09, 0x30,	  /*  Usage (X) */
	0x09, 0x31,	  /*  Usage (Y) */
	0x09, 0x32,	  /*  Usage (Z) */
	0x09, 0x35,	  /*  Usage (Rz) */
	0x26, 0xff, 0x00, /*  Logical Maximum (255) */
	0x46, 0xff, 0x00, /*  Physical Maximum (255) */
	0x75, 0x08,	  /*  Report Size (8) */
	0x95, 0x04,	  /*  Report Count (4) */
	0x81, 0x02,	  /*  Input (Data, Variable, Absolute) */
	0xc0,		  /* End Collection */
};

/*
 * A pointer whose position is absolute, as that of a tablet or of a remote control of the screen.
 * Input report of six bytes: three buttons, X and Y from 0 to 32767 (two bytes each), wheel.
 */
static const uint8_t tablet[] = {
	0x05, 0x01,	  /* Usage Page (Generic Desktop) */
	0x09, 0x02,	  /* Usage (Mouse) */
	0xa1, 0x01,	  /* Collection (Application) */
	0x09, 0x01,	  /*  Usage (Pointer) */
	0xa1, 0x00,	  /*  Collection (Physical) */
	0x05, 0x09,	  /*   Usage Page (Button) */
	0x19, 0x01,	  /*   Usage Minimum (1) */
	0x29, 0x03,	  /*   Usage Maximum (3) */
	0x15, 0x00,	  /*   Logical Minimum (0) */
	0x25, 0x01,	  /*   Logical Maximum (1) */
	0x75, 0x01,	  /*   Report Size (1) */
	0x95, 0x03,	  /*   Report Count (3) */
	0x81, 0x02,	  /*   Input (Data, Variable, Absolute) */
	0x75, 0x05,	  /*   Report Size (5) */
	0x95, 0x01,	  /*   Report Count (1) */
	0x81, 0x03,	  /*   Input (Constant) */
	0x05, 0x01,	  /*   Usage Page (Generic Desktop) */
	0x09, 0x30,	  /*   Usage (X) */
	0x09, 0x31,	  /*   Usage (Y) */
	0x26, 0xff, 0x7f, /*   Logical Maximum (32767) */
	0x75, 0x10,	  /*   Report Size (16) */
	0x95, 0x02,	  /*   Report Count (2) */
	0x81, 0x02,	  /*   Input (Data, Variable, Absolute) */
	0x09, 0x38,	  /*   Usage (Wheel) */
	0x15, 0x81,	  /*   Logical Minimum (-127) */
	0x25, 0x7f,	  /*   Logical Maximum (127) */
	0x75, 0x08,	  /*   Report Size (8) */
	0x95, 0x01,	  /*   Report Count (1) */
	0x81, 0x06,	  /*   Input (Data, Variable, Relative) */
	0xc0,		  /*  End Collection */
	0xc0,		  /* End Collection */
};

/*
 * Keys for volume, playback, brightness, power. Input report of two bytes: the pressed key, a usage
 * of the Consumer page (HID Usage Tables 1.4, 15) up to 0x3ff; 0: none.
 */
static const uint8_t media_keys[] = {
	0x05, 0x0c,	  /* Usage Page (Consumer) */
	0x09, 0x01,	  /* Usage (Consumer Control) */
	0xa1, 0x01,	  /* Collection (Application) */
	0x19, 0x00,	  /*  Usage Minimum (0) */
	0x2a, 0xff, 0x03, /*  Usage Maximum (1023) */
	0x15, 0x00,	  /*  Logical Minimum (0) */
	0x26, 0xff, 0x03, /*  Logical Maximum (1023) */
	0x75, 0x10,	  /*  Report Size (16) */
	0x95, 0x01,	  /*  Report Count (1) */
	0x81, 0x00,	  /*  Input (Data, Array) */
	0xc0,		  /* End Collection */
};

#define DESCRIPTOR(bytes) bytes, sizeof(bytes)
static const struct predefined_report {
	const char *name;
	const uint8_t *descriptor;
	size_t size;
	/* Values of the attributes subclass, protocol and report_length, as text. */
	const char *interface_subclass_text, *interface_protocol_text, *report_length_text;
} reports[] = {
	{ "keyboard", DESCRIPTOR(keyboard), "1", "1", "8" },
	{ "mouse", DESCRIPTOR(mouse), "1", "2", "4" },
	{ "tablet", DESCRIPTOR(tablet), "0", "0", "6" },
	{ "media-keys", DESCRIPTOR(media_keys), "0", "0", "2" },
	{ "gamepad", DESCRIPTOR(gamepad), "0", "0", "7" },
};

static const struct predefined_report *find_predefined_report(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
		if (streq(reports[i].name, name))
			return &reports[i];
	return NULL;
}

void set_attr_report_desc(struct load *l, const struct key *k, struct node *value, void *field)
{
	struct attribute_values *d = field;
	const struct predefined_report *report;
	struct attribute_value *a;
	char *bytes;

	if (value->type != NODE_STRING) {
		set_attr_bytes(l, k, value, field);
		return;
	}
	if (strchr(value->text, '/')) {
		set_attr_path(l, k, value, field);
		load_find_attr(d, k->name)->entry_kind = ATTRIBUTE_VALUE_FILE;
		return;
	}
	report = find_predefined_report(value->text);
	if (!report) {
		_cleanup_free_ char *shown = diag_quote(value->text);
		const char *suggestion = NULL;
		size_t best_distance = SIZE_MAX;

		for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
			load_improve_suggestion(value->text, reports[i].name, &best_distance,
						&suggestion);
		load_error(l, value, "unknown report descriptor %s", shown);
		load_add_suggestion_hint(l, suggestion);
		diags_hint(l->diags,
			   "use 'keyboard', 'mouse', 'tablet', 'media-keys', 'gamepad', bytes like "
			   "\"05 01 09 06\", or a path with a slash");
		return;
	}
	bytes = xcalloc(report->size + 1, 1);
	memcpy(bytes, report->descriptor, report->size);
	a = load_find_attr(d, k->name);
	a->node = value;
	load_set_attr_value(a, bytes, report->size);
}

/* Returns the range of a byte of `report_desc`; that of the whole value if it is not a list. */
static const struct text_range *byte_range(const struct node *desc, size_t offset)
{
	const struct node *byte = desc->type & TYPE_LIST ? desc->first_child : NULL;

	for (; byte && offset > 0; offset--)
		byte = byte->next;
	return byte ? &byte->at : &desc->at;
}

/*
 * Compares `report_length` with the longest report. The kernel sends at most `report_length` bytes
 * of a report, and receives as many with the OUT endpoint (f_hidg_write and f_hidg_intout_read in
 * f_hid.c). It receives reports of any length with SET_REPORT, and has no feature reports.
 */
static void check_report_length(struct load *l, struct attribute_values *d,
				const struct hid_report *report)
{
	const struct node *length = node_member(d->group, "report_length");
	bool has_out_endpoint = load_attr_integer(d, "no_out_endpoint", 0) == 0;
	uint64_t longest = report->input_length;

	if (has_out_endpoint && report->output_length > longest)
		longest = report->output_length;
	if (!length || length->has_error || length->type != NODE_INT ||
	    length->real >= (double)longest)
		return;
	diag_warning(l->diags, &length->at,
		     "the longest report has %llu bytes, but the kernel cuts off reports after "
		     "'report_length' bytes (f_hid.c)",
		     (unsigned long long)longest);
	if (longest <= 1024)
		diags_hint(l->diags, "set report_length = %llu", (unsigned long long)longest);
	else
		diags_hint(l->diags, "define reports of at most 1024 bytes");
}

/* Returns the number of an attribute, also of one with a default value; 0 if it is not set. */
static unsigned long number_of(struct attribute_values *d, const char *name)
{
	const char *text = load_find_attr(d, name)->value;

	return text ? strtoul(text, NULL, 0) : 0;
}

/* Reports a finding at its byte, or names the byte if the descriptor is no list of bytes. */
static void report_finding(struct load *l, const struct node *desc, const struct hid_finding *f)
{
	enum diag_severity severity = hid_finding_is_error(f) ? DIAG_ERROR : DIAG_WARNING;
	_cleanup_free_ char *text = hid_finding_text(f), *hint = hid_finding_hint(f);

	if (f->rule == HID_RULE_NO_REPORT)
		diag_add(l->diags, severity, node_range_to_mark(desc), "%s", text);
	else if (desc->type & TYPE_LIST)
		diag_add(l->diags, severity, byte_range(desc, f->offset), "%s", text);
	else
		diag_add(l->diags, severity, node_range_to_mark(desc), "byte %zu: %s", f->offset,
			 text);
	diags_hint(l->diags, "%s", hint);
}

/* Checks a report descriptor whose bytes are in the gadget file or built-in. */
static void check_report_descriptor(struct load *l, struct attribute_values *d)
{
	const struct attribute_value *a = load_find_attr(d, "report_desc");
	struct hid_report report;

	if (!a->value || a->entry_kind != ATTRIBUTE_VALUE || load_is_from_document(l))
		return;
	hid_report_check((const uint8_t *)a->value, a->size,
			 hid_boot_protocol(number_of(d, "subclass"), number_of(d, "protocol")),
			 &report);
	for (size_t i = 0; i < report.n_findings; i++)
		report_finding(l, a->node, &report.findings[i]);
	if (report.n_findings == 0 || !hid_finding_is_error(&report.findings[0]))
		check_report_length(l, d, &report);
}

void check_and_convert_hid(struct load *l, struct function *f _unused_, struct attribute_values *d)
{
	struct node *desc = load_find_attr(d, "report_desc")->node;
	const struct predefined_report *report;

	if (!desc)
		return;
	report = desc->type == NODE_STRING ? find_predefined_report(desc->text) : NULL;
	if (report) {
		load_set_attr_default(d, "subclass", report->interface_subclass_text, desc);
		load_set_attr_default(d, "protocol", report->interface_protocol_text, desc);
		load_set_attr_default(d, "report_length", report->report_length_text, desc);
	} else if (!node_member(d->group, "report_length") && !l->has_syntax_error) {
		diag_error(l->diags, node_range_to_mark(desc),
			   "a 'report_desc' that is not a name needs 'report_length': without it "
			   "the kernel accepts no report");
	}
	check_report_descriptor(l, d);
}
