/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints descriptors field by field: USB 2.0 and 3.2, chapter 9; CDC 1.2; HID 1.11; DFU 1.1; CCID
 * 1.1. A descriptor that has no row in `layouts` is printed as bytes.
 */
#include <linux/usb/ch9.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "predict/predict.h"

#define ANY -1
#define PLATFORM_CAPABILITY 5 /* linux/usb/ch9.h does not define it */

/*
 * The descriptors that are printed field by field. `fields` describes the fields after bLength and
 * bDescriptorType, each as "NAME:SIZE" and a letter for the format: x: hexadecimal; b: BCD; s:
 * string index; e: endpoint address; p: packet size; no letter: decimal.
 */
static const struct descriptor_layout {
	int type, subtype, class, subclass;
	const char *title, *fields;
} layouts[] = {
	{ USB_DT_DEVICE, ANY, ANY, ANY, "device",
	  "bcdUSB:2b bDeviceClass:1x bDeviceSubClass:1x bDeviceProtocol:1x bMaxPacketSize0:1 "
	  "idVendor:2x idProduct:2x bcdDevice:2b iManufacturer:1s iProduct:1s iSerialNumber:1s "
	  "bNumConfigurations:1" },
	{ USB_DT_CONFIG, ANY, ANY, ANY, "configuration",
	  "wTotalLength:2 bNumInterfaces:1 bConfigurationValue:1 iConfiguration:1s bmAttributes:1x "
	  "bMaxPower:1" },
	{ USB_DT_INTERFACE, ANY, ANY, ANY, "interface",
	  "bInterfaceNumber:1 bAlternateSetting:1 bNumEndpoints:1 bInterfaceClass:1x "
	  "bInterfaceSubClass:1x bInterfaceProtocol:1x iInterface:1s" },
	{ USB_DT_ENDPOINT, ANY, ANY, ANY, "endpoint",
	  "bEndpointAddress:1e bmAttributes:1x wMaxPacketSize:2p bInterval:1 bRefresh:1 "
	  "bSynchAddress:1" },
	{ USB_DT_INTERFACE_ASSOCIATION, ANY, ANY, ANY, "interface association",
	  "bFirstInterface:1 bInterfaceCount:1 bFunctionClass:1x bFunctionSubClass:1x "
	  "bFunctionProtocol:1x iFunction:1s" },
	{ USB_DT_SS_ENDPOINT_COMP, ANY, ANY, ANY, "SuperSpeed endpoint companion",
	  "bMaxBurst:1 bmAttributes:1x wBytesPerInterval:2" },
	{ USB_DT_BOS, ANY, ANY, ANY, "binary device object store",
	  "wTotalLength:2 bNumDeviceCaps:1" },
	{ USB_DT_DEVICE_CAPABILITY, USB_CAP_TYPE_EXT, ANY, ANY, "USB 2.0 extension",
	  "bDevCapabilityType:1 bmAttributes:4x" },
	{ USB_DT_DEVICE_CAPABILITY, USB_SS_CAP_TYPE, ANY, ANY, "SuperSpeed capability",
	  "bDevCapabilityType:1 bmAttributes:1x wSpeedsSupported:2x bFunctionalitySupport:1 "
	  "bU1DevExitLat:1 wU2DevExitLat:2" },
	{ USB_DT_DEVICE_CAPABILITY, PLATFORM_CAPABILITY, ANY, ANY, "platform capability",
	  "bDevCapabilityType:1 bReserved:1" },
	{ USB_DT_DEVICE_CAPABILITY, ANY, ANY, ANY, "device capability", "bDevCapabilityType:1" },
	{ USB_DT_CS_INTERFACE, 0x00, USB_CLASS_COMM, ANY, "CDC header",
	  "bDescriptorSubtype:1 bcdCDC:2b" },
	{ USB_DT_CS_INTERFACE, 0x01, USB_CLASS_COMM, ANY, "CDC call management",
	  "bDescriptorSubtype:1 bmCapabilities:1x bDataInterface:1" },
	{ USB_DT_CS_INTERFACE, 0x02, USB_CLASS_COMM, ANY, "CDC abstract control management",
	  "bDescriptorSubtype:1 bmCapabilities:1x" },
	{ USB_DT_CS_INTERFACE, 0x06, USB_CLASS_COMM, ANY, "CDC union",
	  "bDescriptorSubtype:1 bControlInterface:1 bSubordinateInterface0:1" },
	{ USB_DT_CS_INTERFACE, 0x0f, USB_CLASS_COMM, ANY, "CDC Ethernet networking",
	  "bDescriptorSubtype:1 iMACAddress:1s bmEthernetStatistics:4x wMaxSegmentSize:2 "
	  "wNumberMCFilters:2x bNumberPowerFilters:1" },
	{ USB_DT_CS_INTERFACE, 0x1a, USB_CLASS_COMM, ANY, "CDC NCM",
	  "bDescriptorSubtype:1 bcdNcmVersion:2b bmNetworkCapabilities:1x" },
	{ 0x21, ANY, USB_CLASS_HID, ANY, "HID",
	  "bcdHID:2b bCountryCode:1 bNumDescriptors:1 bDescriptorType:1x wDescriptorLength:2" },
	{ 0x21, ANY, USB_CLASS_APP_SPEC, 1, "DFU functional",
	  "bmAttributes:1x wDetachTimeOut:2 wTransferSize:2 bcdDFUVersion:2b" },
	{ 0x21, ANY, USB_CLASS_CSCID, ANY, "smart card",
	  "bcdCCID:2b bMaxSlotIndex:1 bVoltageSupport:1x dwProtocols:4x dwDefaultClock:4 "
	  "dwMaximumClock:4 bNumClockSupported:1 dwDataRate:4 dwMaxDataRate:4 "
	  "bNumDataRatesSupported:1 dwMaxIFSD:4 dwSynchProtocols:4x dwMechanical:4x dwFeatures:4x "
	  "dwMaxCCIDMessageLength:4 bClassGetResponse:1x bClassEnvelope:1x wLcdLayout:2x "
	  "bPINSupport:1x bMaxCCIDBusySlots:1" },
	{ USB_DT_PIPE_USAGE, ANY, USB_CLASS_MASS_STORAGE, ANY, "pipe usage",
	  "bPipeID:1 Reserved:1" },
	{ USB_DT_CS_INTERFACE, ANY, ANY, ANY, "class-specific interface", "bDescriptorSubtype:1x" },
	{ USB_DT_CS_ENDPOINT, ANY, ANY, ANY, "class-specific endpoint", "bDescriptorSubtype:1x" },
	{ ANY, ANY, ANY, ANY, "descriptor", "" },
};

static bool layout_field_matches(int wanted, int have)
{
	return wanted == ANY || wanted == have;
}

static const struct descriptor_layout *layout_of_descriptor(const struct descriptor *d,
							    const struct descriptor *interface)
{
	const struct descriptor_layout *l = layouts;
	int class = interface ? interface->bytes[5] : ANY,
	    subclass = interface ? interface->bytes[6] : ANY;

	while (!layout_field_matches(l->type, d->bytes[1]) ||
	       !layout_field_matches(l->subtype, d->size > 2 ? d->bytes[2] : ANY) ||
	       !layout_field_matches(l->class, class) ||
	       !layout_field_matches(l->subclass, subclass))
		l++;
	return l;
}

/*
 * Returns the text of the string whose index is at `offset`, in the form in which it is printed: in
 * quotes, and for a value of this system with its source. NULL: the text is unknown. The caller
 * frees it.
 */
static char *string_text(const struct descriptor *d, size_t offset)
{
	const struct descriptor_string *string = NULL;
	_cleanup_free_ char *text = NULL, *from = NULL;

	for (size_t i = 0; i < d->n_strings; i++)
		if (d->strings[i].offset == offset)
			string = &d->strings[i];
	if (!string)
		return NULL;
	if (string->text)
		text = text_replace_unprintable(string->text, strlen(string->text));
	if (!string->from_key_value)
		return text ? strf("\"%s\"", text) : NULL;
	from = text_replace_unprintable(string->from_key_value, strlen(string->from_key_value));
	return text ? strf("\"%s\" (from %s of this machine)", text, from)
		    : strf("(from %s, not readable here)", from);
}

static bool field_is_certain(const struct descriptor *d, size_t offset, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d->certain_bits[offset + i] != 0xff)
			return false;
	return true;
}

static unsigned long field_value(const struct descriptor *d, size_t offset, size_t n)
{
	unsigned long value = 0;

	for (size_t i = n; i-- > 0;)
		value = value << 8 | d->bytes[offset + i];
	return value;
}

static void print_endpoint_address(FILE *to, const struct descriptor *d, size_t offset)
{
	bool in = d->bytes[offset] & USB_DIR_IN;

	if (field_is_certain(d, offset, 1))
		fprintf(to, "0x%02x  %s\n", d->bytes[offset], in ? "in" : "out");
	else
		fprintf(to, "0x%c?  %s, number chosen by the UDC\n", in ? '8' : '0',
			in ? "in" : "out");
}

/*
 * Prints wMaxPacketSize. Its bits 11 and 12 are the number of additional packets in a microframe
 * (USB 2.0, table 9-13).
 */
static void print_max_packet_size(FILE *to, unsigned long value)
{
	fprintf(to, "%lu", value & 0x7ff);
	if (value & 0x1800)
		fprintf(to, "  %lu times", (value >> 11 & 3) + 1);
	fputc('\n', to);
}

static void print_field(FILE *to, const struct descriptor *d, size_t offset, size_t n, char how)
{
	unsigned long value = field_value(d, offset, n);
	_cleanup_free_ char *text = string_text(d, offset);

	if (how == 'e') {
		print_endpoint_address(to, d, offset);
	} else if (offset == 2 && d->usb_versions) {
		fprintf(to, "%s\n", d->usb_versions);
	} else if (how == 's' && text) {
		if (field_is_certain(d, offset, n))
			fprintf(to, "%lu  %s\n", value, text);
		else
			fprintf(to, "?  %s\n", text);
	} else if (!field_is_certain(d, offset, n)) {
		fprintf(to, "?\n");
	} else if (how == 'p') {
		print_max_packet_size(to, value);
	} else if (how == 'x') {
		fprintf(to, "0x%0*lx\n", (int)n * 2, value);
	} else if (how == 'b') {
		fprintf(to, "%lx.%02lx\n", value >> 8, value & 0xff);
	} else {
		fprintf(to, "%lu\n", value);
	}
}

static void print_byte(FILE *to, const struct descriptor *d, size_t offset)
{
	_cleanup_free_ char *text = string_text(d, offset);

	if (d->certain_bits[offset] == 0xff)
		fprintf(to, " %02x", d->bytes[offset]);
	else if (text)
		fprintf(to, " %s", text);
	else
		fputs(" ??", to);
}

static void print_remaining_bytes(FILE *to, const struct descriptor *d, size_t offset)
{
	for (size_t i = offset; i < d->size; i++) {
		if ((i - offset) % 16 == 0)
			fprintf(to, "%s    %-23s", i > offset ? "\n" : "",
				i > offset ? "" : "data");
		print_byte(to, d, i);
	}
	if (offset < d->size)
		fputc('\n', to);
}

void descriptor_print(FILE *to, const struct descriptor *d, const struct descriptor *interface)
{
	const struct descriptor_layout *l = layout_of_descriptor(d, interface);
	const char *p = l->fields;
	size_t offset = 2;

	fprintf(to, "  %s, type 0x%02x, %zu bytes%s\n", l->title, d->bytes[1], d->size,
		d->depends_on_endpoints ? ", if the UDC has enough endpoints" : "");
	while (*p) {
		size_t name = strcspn(p, ":"), size = (size_t)(p[name + 1] - '0');
		const char *next = p + name + 2;

		if (offset + size > d->size)
			break;
		fprintf(to, "    %-24.*s", (int)name, p);
		print_field(to, d, offset, size, *next == ' ' ? '\0' : *next);
		offset += size;
		p = next + strcspn(next, " ");
		p += strspn(p, " ");
	}
	print_remaining_bytes(to, d, offset);
}

json_t *bytes_to_hex(const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	_cleanup_free_ char *text = xcalloc(2 * n + 1, 1);

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 0xf];
	}
	return json_string(text);
}

json_t *descriptor_to_json(const struct descriptor *d)
{
	json_t *strings = json_array();

	for (size_t i = 0; i < d->n_strings; i++) {
		const struct descriptor_string *one = &d->strings[i];
		_cleanup_free_ char *text = one->text ? text_make_valid_utf8(one->text) : NULL,
				    *from = one->from_key_value
						    ? text_make_valid_utf8(one->from_key_value)
						    : NULL;

		json_array_append_new(strings,
				      json_pack("{s:i, s:s?, s:s*}", "offset", (int)one->offset,
						"text", text, "from", from));
	}
	return json_pack("{s:o, s:o, s:o, s:b, s:s?}", "bytes", bytes_to_hex(d->bytes, d->size),
			 "certain", bytes_to_hex(d->certain_bits, d->size), "strings", strings,
			 "maybe", d->depends_on_endpoints, "function",
			 d->function ? d->function->label : NULL);
}
