/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/control_request.h"

#include <endian.h>
#include <linux/usb/ch9.h>

#include "base/cleanup.h"
#include "functionfs/endpoint.h"

#define ANY_SUBCLASS (-1)

/* Names of requests (bRequest): USB 3.2, table 9-5 and USB 2.0, table 9-4. */
static const char *const standard_names[] = {
	[USB_REQ_GET_STATUS] = "GET_STATUS",
	[USB_REQ_CLEAR_FEATURE] = "CLEAR_FEATURE",
	[USB_REQ_SET_FEATURE] = "SET_FEATURE",
	[USB_REQ_SET_ADDRESS] = "SET_ADDRESS",
	[USB_REQ_GET_DESCRIPTOR] = "GET_DESCRIPTOR",
	[USB_REQ_SET_DESCRIPTOR] = "SET_DESCRIPTOR",
	[USB_REQ_GET_CONFIGURATION] = "GET_CONFIGURATION",
	[USB_REQ_SET_CONFIGURATION] = "SET_CONFIGURATION",
	[USB_REQ_GET_INTERFACE] = "GET_INTERFACE",
	[USB_REQ_SET_INTERFACE] = "SET_INTERFACE",
	[USB_REQ_SYNCH_FRAME] = "SYNCH_FRAME",
	[USB_REQ_SET_SEL] = "SET_SEL",
	[USB_REQ_SET_ISOCH_DELAY] = "SET_ISOCH_DELAY",
};

/* Names of the requests of the classes that programs serve with FunctionFS. */
static const struct class_request {
	uint8_t class;
	int subclass; /* ANY_SUBCLASS: of all subclasses */
	uint8_t request;
	const char *name;
} class_requests[] = {
	/* Audio devices 1.0, 5.2.1.1; 2.0, A.14 */
	{ USB_CLASS_AUDIO, ANY_SUBCLASS, 0x01, "SET_CUR" },
	{ USB_CLASS_AUDIO, ANY_SUBCLASS, 0x02, "RANGE or SET_MIN" },
	{ USB_CLASS_AUDIO, ANY_SUBCLASS, 0x81, "GET_CUR" },
	{ USB_CLASS_AUDIO, ANY_SUBCLASS, 0x82, "GET_MIN" },
	{ USB_CLASS_AUDIO, ANY_SUBCLASS, 0x83, "GET_MAX" },
	{ USB_CLASS_AUDIO, ANY_SUBCLASS, 0x84, "GET_RES" },
	/* CDC 1.2, table 19; PSTN 1.2, table 13; ECM 1.2, table 6; NCM 1.0, table 6-2 */
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x00, "SEND_ENCAPSULATED_COMMAND" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x01, "GET_ENCAPSULATED_RESPONSE" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x20, "SET_LINE_CODING" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x21, "GET_LINE_CODING" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x22, "SET_CONTROL_LINE_STATE" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x23, "SEND_BREAK" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x43, "SET_ETHERNET_PACKET_FILTER" },
	{ USB_CLASS_COMM, ANY_SUBCLASS, 0x80, "GET_NTB_PARAMETERS" },
	/* HID 1.11, 7.2 */
	{ USB_CLASS_HID, ANY_SUBCLASS, 0x01, "GET_REPORT" },
	{ USB_CLASS_HID, ANY_SUBCLASS, 0x02, "GET_IDLE" },
	{ USB_CLASS_HID, ANY_SUBCLASS, 0x03, "GET_PROTOCOL" },
	{ USB_CLASS_HID, ANY_SUBCLASS, 0x09, "SET_REPORT" },
	{ USB_CLASS_HID, ANY_SUBCLASS, 0x0a, "SET_IDLE" },
	{ USB_CLASS_HID, ANY_SUBCLASS, 0x0b, "SET_PROTOCOL" },
	/* Still image capture 1.0, 5.2 */
	{ USB_CLASS_STILL_IMAGE, ANY_SUBCLASS, 0x64, "CANCEL_REQUEST" },
	{ USB_CLASS_STILL_IMAGE, ANY_SUBCLASS, 0x65, "GET_EXTENDED_EVENT_DATA" },
	{ USB_CLASS_STILL_IMAGE, ANY_SUBCLASS, 0x66, "DEVICE_RESET_REQUEST" },
	{ USB_CLASS_STILL_IMAGE, ANY_SUBCLASS, 0x67, "GET_DEVICE_STATUS" },
	/* Printing devices 1.1, 4.2 */
	{ USB_CLASS_PRINTER, ANY_SUBCLASS, 0x00, "GET_DEVICE_ID" },
	{ USB_CLASS_PRINTER, ANY_SUBCLASS, 0x01, "GET_PORT_STATUS" },
	{ USB_CLASS_PRINTER, ANY_SUBCLASS, 0x02, "SOFT_RESET" },
	/* Mass storage, bulk-only transport 1.0, 3 */
	{ USB_CLASS_MASS_STORAGE, ANY_SUBCLASS, 0xfe, "GET_MAX_LUN" },
	{ USB_CLASS_MASS_STORAGE, ANY_SUBCLASS, 0xff, "BULK_ONLY_MASS_STORAGE_RESET" },
	/* CCID 1.1, 5.3 */
	{ USB_CLASS_CSCID, ANY_SUBCLASS, 0x01, "ABORT" },
	{ USB_CLASS_CSCID, ANY_SUBCLASS, 0x02, "GET_CLOCK_FREQUENCIES" },
	{ USB_CLASS_CSCID, ANY_SUBCLASS, 0x03, "GET_DATA_RATES" },
	/* Video devices 1.5, A.8 */
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x01, "SET_CUR" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x81, "GET_CUR" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x82, "GET_MIN" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x83, "GET_MAX" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x84, "GET_RES" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x85, "GET_LEN" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x86, "GET_INFO" },
	{ USB_CLASS_VIDEO, ANY_SUBCLASS, 0x87, "GET_DEF" },
	/* DFU 1.1, table 3.2 */
	{ USB_CLASS_APP_SPEC, 1, 0x00, "DFU_DETACH" },
	{ USB_CLASS_APP_SPEC, 1, 0x01, "DFU_DNLOAD" },
	{ USB_CLASS_APP_SPEC, 1, 0x02, "DFU_UPLOAD" },
	{ USB_CLASS_APP_SPEC, 1, 0x03, "DFU_GETSTATUS" },
	{ USB_CLASS_APP_SPEC, 1, 0x04, "DFU_CLRSTATUS" },
	{ USB_CLASS_APP_SPEC, 1, 0x05, "DFU_GETSTATE" },
	{ USB_CLASS_APP_SPEC, 1, 0x06, "DFU_ABORT" },
	/* USBTMC 1.0, table 15; USB488 1.0, table 9 */
	{ USB_CLASS_APP_SPEC, 3, 0x01, "INITIATE_ABORT_BULK_OUT" },
	{ USB_CLASS_APP_SPEC, 3, 0x02, "CHECK_ABORT_BULK_OUT_STATUS" },
	{ USB_CLASS_APP_SPEC, 3, 0x03, "INITIATE_ABORT_BULK_IN" },
	{ USB_CLASS_APP_SPEC, 3, 0x04, "CHECK_ABORT_BULK_IN_STATUS" },
	{ USB_CLASS_APP_SPEC, 3, 0x05, "INITIATE_CLEAR" },
	{ USB_CLASS_APP_SPEC, 3, 0x06, "CHECK_CLEAR_STATUS" },
	{ USB_CLASS_APP_SPEC, 3, 0x07, "GET_CAPABILITIES" },
	{ USB_CLASS_APP_SPEC, 3, 0x40, "INDICATOR_PULSE" },
	{ USB_CLASS_APP_SPEC, 3, 0x80, "READ_STATUS_BYTE" },
};

static const char *const type_words[] = { "standard", "class", "vendor", "reserved" };
static const char *const recipient_words[] = { "the device", "the interface", "the endpoint" };

static bool interface_has_endpoint(const struct ffs *ffs, const struct interface *intf,
				   unsigned int number)
{
	for (size_t i = 0; i < intf->n_endpoints; i++)
		if (ffs_endpoint_number(ffs, &intf->endpoints[i]) == number)
			return true;
	return false;
}

/* Returns the interface that the request is for, or that has its endpoint; NULL: none. */
static const struct interface *interface_of_request(const struct ffs *ffs,
						    const struct ffsctl_setup_body *setup)
{
	unsigned int recipient = setup->request_type & USB_RECIP_MASK;
	unsigned int number = le16toh(setup->function_index);

	if (!ffs || (recipient != USB_RECIP_INTERFACE && recipient != USB_RECIP_ENDPOINT))
		return NULL;
	if (recipient == USB_RECIP_INTERFACE)
		return number < ffs->n_interfaces ? &ffs->interfaces[number] : NULL;
	for (size_t i = 0; i < ffs->n_interfaces; i++)
		if (interface_has_endpoint(ffs, &ffs->interfaces[i], number))
			return &ffs->interfaces[i];
	return NULL;
}

static const char *class_request_name(const struct interface *intf, uint8_t request)
{
	for (size_t i = 0; intf && i < ARRAY_SIZE(class_requests); i++) {
		const struct class_request *known = &class_requests[i];

		if (known->class == intf->class && known->request == request &&
		    (known->subclass == ANY_SUBCLASS || known->subclass == intf->subclass))
			return known->name;
	}
	return NULL;
}

char *control_request_name(const struct ffs *ffs, const struct ffsctl_setup_body *setup)
{
	unsigned int type = setup->request_type & USB_TYPE_MASK;
	const char *name = NULL;

	if (type == USB_TYPE_STANDARD && setup->request < ARRAY_SIZE(standard_names))
		name = standard_names[setup->request];
	else if (type == USB_TYPE_CLASS)
		name = class_request_name(interface_of_request(ffs, setup), setup->request);
	return name ? xstrdup(name) : strf("0x%02x", setup->request);
}

static const char *const reason_words[] = {
	[LATE_CONTROL_TIMEOUT] = " (control_timeout)",
	[LATE_STANDARD] = " (the limit for standard requests)",
	[LATE_AFTER_ANOTHER] = " (after it had waited for an earlier one)",
	[LATE_HOST] = "",
	[LATE_NOT_READ] = ", because it does not read its control socket, which is full",
};

char *late_request_text(const struct ffs *ffs, const struct late_request *late)
{
	const struct ffsctl_setup_body *setup = &late->setup;
	_cleanup_free_ char *name = control_request_name(ffs, setup), *what = NULL, *limit = NULL;
	unsigned int recipient = setup->request_type & USB_RECIP_MASK;

	what = strf("the control request %s (%s, to %s)", name,
		    type_words[(setup->request_type & USB_TYPE_MASK) >> 5],
		    recipient < ARRAY_SIZE(recipient_words) ? recipient_words[recipient]
							    : "another recipient");
	if (late->answered_after_ms)
		return strf("the worker answered %s after %.1f s, too late", what,
			    late->answered_after_ms / 1e3);
	if (late->reason != LATE_NOT_READ)
		limit = strf(" within %.1f s", late->waited_ms / 1e3);
	return strf("the worker did not answer %s%s%s: %s; bmRequestType 0x%02x, bRequest 0x%02x, "
		    "wValue 0x%04x, wIndex 0x%04x, wLength %u",
		    what, limit ? limit : "",
		    late->reason < ARRAY_SIZE(reason_words) ? reason_words[late->reason] : "",
		    late->host_gave_up ? "the host has given it up" : "it was stalled",
		    setup->request_type, setup->request, le16toh(setup->value),
		    le16toh(setup->index), le16toh(setup->length));
}
