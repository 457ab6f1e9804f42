/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source: USB 2.0 and 3.2, chapter 9. */
#include "trace/request_words.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/little_endian.h"
#include "base/request_names.h"
#include "base/text.h"
#include "base/util.h"

#define DIRECTION_AND_TYPE (USB_DIR_IN | USB_TYPE_MASK)

static const struct number_words {
	int number;
	const char *words;
} descriptor_types[] = {
	{ USB_DT_DEVICE, "device" },
	{ USB_DT_CONFIG, "configuration" },
	{ USB_DT_STRING, "string" },
	{ USB_DT_DEVICE_QUALIFIER, "device qualifier" },
	{ USB_DT_OTHER_SPEED_CONFIG, "configuration of the other speed" },
	{ USB_DT_OTG, "OTG" },
	{ USB_DT_DEBUG, "debug" },
	{ USB_DT_BOS, "BOS" },
	{ 0x21, "HID" },
	{ 0x22, "report" },
	{ 0x2a, "SuperSpeed hub" },
}, strings[] = {
	{ 0, "languages" },
	{ MICROSOFT_STRING, "Microsoft OS" },
}, endpoint_features[] = {
	{ USB_ENDPOINT_HALT, "ENDPOINT_HALT" },
}, interface_features[] = {
	{ USB_INTRF_FUNC_SUSPEND, "FUNCTION_SUSPEND" },
}, device_features[] = {
	{ USB_DEVICE_REMOTE_WAKEUP, "DEVICE_REMOTE_WAKEUP" },
	{ USB_DEVICE_TEST_MODE, "TEST_MODE" },
	{ USB_DEVICE_U1_ENABLE, "U1_ENABLE" },
	{ USB_DEVICE_U2_ENABLE, "U2_ENABLE" },
	{ USB_DEVICE_LTM_ENABLE, "LTM_ENABLE" },
};

static const char *find_words(const struct number_words *list, size_t n, int number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].number == number)
			return list[i].words;
	return NULL;
}
#define FIND_WORDS(list, number) find_words(list, ARRAY_SIZE(list), number)

static unsigned int value_of(const struct usb_ctrlrequest *r)
{
	return le16toh(r->wValue);
}

static unsigned int index_of(const struct usb_ctrlrequest *r)
{
	return le16toh(r->wIndex);
}

/* Prints " of interface 1 'keyboard'", " of endpoint 0x81", or nothing for the device. */
static void print_recipient(FILE *out, const struct usb_ctrlrequest *r, const struct known *k)
{
	const char *label = known_label(k, index_of(r) & 0xff);

	switch (r->bRequestType & USB_RECIP_MASK) {
	case USB_RECIP_INTERFACE:
		fprintf(out, " of interface %u", index_of(r) & 0xff);
		if (label)
			fprintf(out, " '%s'", label);
		break;
	case USB_RECIP_ENDPOINT:
		fprintf(out, " of endpoint 0x%02x", index_of(r) & 0xff);
		break;
	}
}

static void print_descriptor_name(FILE *out, const struct usb_ctrlrequest *r, const struct known *k)
{
	unsigned int type = value_of(r) >> 8, index = value_of(r) & 0xff;
	const char *words = FIND_WORDS(descriptor_types, (int)type);
	const char *string = type == USB_DT_STRING ? FIND_WORDS(strings, (int)index) : NULL;

	if (words)
		fprintf(out, " %s", words);
	else
		fprintf(out, " of type 0x%02x", type);
	if (string)
		fprintf(out, index ? " 0x%02x (%s)" : " %u (%s)", index, string);
	else if (type == USB_DT_STRING || type == USB_DT_CONFIG || index)
		fprintf(out, " %u", index);
	print_recipient(out, r, k);
}

static void print_feature(FILE *out, const struct usb_ctrlrequest *r, const struct known *k)
{
	unsigned int recipient = r->bRequestType & USB_RECIP_MASK;
	int feature = (int)value_of(r);
	const char *words = recipient == USB_RECIP_ENDPOINT ? FIND_WORDS(endpoint_features, feature)
			    : recipient == USB_RECIP_INTERFACE
				    ? FIND_WORDS(interface_features, feature)
				    : FIND_WORDS(device_features, feature);

	if (words)
		fprintf(out, " %s", words);
	else
		fprintf(out, " %d", feature);
	print_recipient(out, r, k);
}

static void print_standard(FILE *out, const struct usb_ctrlrequest *r, const struct known *k)
{
	const char *name = standard_request_name(r->bRequest);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "standard request 0x%02x, wValue 0x%04x", r->bRequest, value_of(r));
	switch (r->bRequest) {
	case USB_REQ_GET_DESCRIPTOR:
	case USB_REQ_SET_DESCRIPTOR:
		print_descriptor_name(out, r, k);
		break;
	case USB_REQ_SET_FEATURE:
	case USB_REQ_CLEAR_FEATURE:
		print_feature(out, r, k);
		break;
	case USB_REQ_SET_CONFIGURATION:
	case USB_REQ_SET_ADDRESS:
	case USB_REQ_SET_ISOCH_DELAY:
		fprintf(out, " %u", value_of(r));
		break;
	case USB_REQ_SET_INTERFACE:
		fprintf(out, " %u", value_of(r)); /* the alternate setting */
		print_recipient(out, r, k);
		break;
	default:
		print_recipient(out, r, k);
	}
}

static const char *class_request(const struct usb_ctrlrequest *r, const struct known *k)
{
	const struct known_interface *i = known_find(k, index_of(r) & 0xff);

	return (r->bRequestType & USB_RECIP_MASK) == USB_RECIP_INTERFACE && i
		       ? class_request_name(i->class[0], i -> class[1], r -> bRequest)
		       : NULL;
}

static const char *vendor_request(const struct usb_ctrlrequest *r, const struct known *k)
{
	if ((r->bRequestType & DIRECTION_AND_TYPE) != (USB_DIR_IN | USB_TYPE_VENDOR))
		return NULL;
	if (r->bRequest == k->microsoft_code)
		return index_of(r) == 4	  ? "Microsoft compatible ids"
		       : index_of(r) == 5 ? "Microsoft properties"
					  : "Microsoft OS descriptor";
	return r->bRequest == k->webusb_code && index_of(r) == 2 ? "WebUSB landing page" : NULL;
}

static void print_other(FILE *out, const struct usb_ctrlrequest *r, const struct known *k)
{
	bool is_class = (r->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS;
	const char *name = is_class ? class_request(r, k) : vendor_request(r, k);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "%s request 0x%02x, wValue 0x%04x, wIndex 0x%04x",
			is_class					       ? "class"
			: (r->bRequestType & USB_TYPE_MASK) == USB_TYPE_VENDOR ? "vendor"
									       : "reserved",
			r->bRequest, value_of(r), index_of(r));
	print_recipient(out, r, k);
}

char *request_words(const struct usb_ctrlrequest *r, const struct known *k)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return xstrdup("");
	if ((r->bRequestType & USB_TYPE_MASK) == USB_TYPE_STANDARD)
		print_standard(out, r, k);
	else
		print_other(out, r, k);
	if (r->wLength)
		fprintf(out, ", %u bytes", le16toh(r->wLength));
	fclose(out);
	return text;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Returns the characters of a string descriptor; other characters than those of ASCII as '?'. */
static char *string_words(const uint8_t *data, size_t n)
{
	char text[128], *p = text;

	for (size_t at = 2; at + 2 <= n && at + 2 <= data[0] && p < text + sizeof(text) - 1;
	     at += 2) {
		unsigned int unit = get_le16(data + at);

		*p++ = unit >= ' ' && unit < 0x7f ? (char)unit : '?';
	}
	*p = '\0';
	return strf("\"%s%s\"", text, data[0] > n ? "..." : "");
}

char *answer_words(const struct usb_ctrlrequest *r, const uint8_t *data, size_t n)
{
	if ((r->bRequestType & DIRECTION_AND_TYPE) != (USB_DIR_IN | USB_TYPE_STANDARD) ||
	    r->bRequest != USB_REQ_GET_DESCRIPTOR || n < 2)
		return NULL;
	switch (value_of(r) >> 8) {
	case USB_DT_DEVICE:
		return n < USB_DT_DEVICE_SIZE ? NULL
					      : strf("%04x:%04x, USB %x.%02x, class "
						     "%02x/%02x/%02x, %u configuration%s",
						     get_le16(data + 8), get_le16(data + 10),
						     data[3], data[2], data[4], data[5], data[6],
						     data[17], data[17] == 1 ? "" : "s");
	case USB_DT_CONFIG:
		return n < USB_DT_CONFIG_SIZE
			       ? NULL
			       : strf("%u bytes in all, %u interface%s, bMaxPower %u",
				      get_le16(data + 2), data[4], data[4] == 1 ? "" : "s",
				      data[8]);
	case USB_DT_STRING:
		return value_of(r) & 0xff ? string_words(data, n) : NULL;
	}
	return NULL;
}

static const char *usual_stall_of_descriptor(unsigned int type, unsigned int index)
{
	switch (type) {
	case USB_DT_DEVICE_QUALIFIER:
		return "the gadget has no other speed";
	case USB_DT_DEBUG:
	case USB_DT_OTG:
		return "as most devices do";
	case USB_DT_STRING:
		return index == MICROSOFT_STRING ? "no Microsoft OS descriptors; Windows asks once "
						   "for a device and remembers"
						 : NULL;
	}
	return NULL;
}

const char *usual_stall_words(const struct usb_ctrlrequest *r, const struct known *k)
{
	if ((r->bRequestType & USB_TYPE_MASK) == USB_TYPE_STANDARD) {
		if (r->bRequest == USB_REQ_GET_DESCRIPTOR)
			return usual_stall_of_descriptor(value_of(r) >> 8, value_of(r) & 0xff);
		if (r->bRequest == USB_REQ_SET_ISOCH_DELAY)
			return "the gadget does not use the delay";
	}
	return k->microsoft_code == r->bRequest && vendor_request(r, k)
		       ? "the function has no such descriptor"
		       : NULL;
}

const char *stall_hint(const struct usb_ctrlrequest *r, const struct known *k)
{
	const char *name = class_request(r, k);

	/* f_hid.c, hidg_setup() */
	if ((r->bRequestType & USB_TYPE_MASK) == USB_TYPE_CLASS && name &&
	    streq(name, "SET_REPORT"))
		return "a HID function with an OUT endpoint refuses SET_REPORT: set "
		       "'no_out_endpoint = true'";
	return NULL;
}
