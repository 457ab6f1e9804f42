// SPDX-License-Identifier: GPL-2.0-or-later
/* The requests of a hostile host: requests that functions expect, with one or more wrong fields,
 * and random ones.
 */
#include <endian.h>

#include "hostile.h"

struct usb_ctrlrequest setup_of(uint8_t type, uint8_t request, uint16_t value, uint16_t index,
				uint16_t length)
{
	return (struct usb_ctrlrequest){ .bRequestType = type,
					 .bRequest = request,
					 .wValue = htole16(value),
					 .wIndex = htole16(index),
					 .wLength = htole16(length) };
}

static uint16_t random_length(struct hostile *h)
{
	static const uint16_t lengths[] = { 0,	 1,   2,   7,	 8,    63,   64,    65,
					    255, 256, 512, 1024, 4095, 4096, 16384, 65535 };

	if (usbfs_random(&h->host, 4) == 0)
		return (uint16_t)usbfs_random(&h->host, 600);
	/* Long data stages take more time, so they are rare */
	return lengths[usbfs_random(&h->host,
				    usbfs_random(&h->host, 4) ? 11 : ARRAY_SIZE(lengths))];
}

/* Returns a random interface, but rarely a slow one, because each of its requests takes half a
   second. */
static uint8_t random_interface(struct hostile *h)
{
	uint8_t interface;

	do
		interface = h->interfaces[usbfs_random(&h->host, h->n_interfaces)];
	while ((h->slow & UINT32_C(1) << interface) && usbfs_random(&h->host, 16));
	return interface;
}

static struct usb_ctrlrequest random_bytes_setup(struct hostile *h)
{
	return setup_of((uint8_t)usbfs_random(&h->host, 256), (uint8_t)usbfs_random(&h->host, 256),
			(uint16_t)usbfs_random(&h->host, 65536),
			(uint16_t)usbfs_random(&h->host, 65536), random_length(h));
}

/* Returns a request with a small bRequest, which the workers of the tests support. */
static struct usb_ctrlrequest random_function_request(struct hostile *h)
{
	uint8_t type = USB_TYPE_VENDOR | (uint8_t)(usbfs_random(&h->host, 2) * USB_DIR_IN);
	bool to_endpoint = h->n_endpoints > 0 && usbfs_random(&h->host, 8) == 0;
	uint8_t index = to_endpoint ? h->endpoints[usbfs_random(&h->host, h->n_endpoints)].address
				    : random_interface(h);

	type |= to_endpoint ? USB_RECIP_ENDPOINT : USB_RECIP_INTERFACE;
	return setup_of(type, (uint8_t)usbfs_random(&h->host, 12),
			(uint16_t)usbfs_random(&h->host, 65536), index, random_length(h));
}

/* Returns a request that drivers send: a standard request, or one of the communication class, HID,
 * an accessory, or usbtest.
 */
static struct usb_ctrlrequest random_known_request(struct hostile *h)
{
	static const struct {
		uint8_t type, request;
		uint16_t value, length;
	} known[] = {
		{ 0x80, USB_REQ_GET_STATUS, 0, 2 },
		{ 0x81, USB_REQ_GET_STATUS, 0, 2 },
		{ 0x82, USB_REQ_GET_STATUS, 0, 2 },
		{ 0x00, USB_REQ_SET_FEATURE, 1, 0 },
		{ 0x00, USB_REQ_CLEAR_FEATURE, 1, 0 },
		{ 0x02, USB_REQ_SET_FEATURE, 0, 0 },
		{ 0x02, USB_REQ_CLEAR_FEATURE, 0, 0 },
		{ 0x80, USB_REQ_GET_DESCRIPTOR, USB_DT_DEVICE << 8, 18 },
		{ 0x80, USB_REQ_GET_DESCRIPTOR, USB_DT_CONFIG << 8, 512 },
		{ 0x80, USB_REQ_GET_DESCRIPTOR, USB_DT_STRING << 8 | 1, 255 },
		{ 0x80, USB_REQ_GET_DESCRIPTOR, USB_DT_BOS << 8, 64 },
		{ 0x00, USB_REQ_SET_DESCRIPTOR, USB_DT_DEVICE << 8, 18 },
		{ 0x80, USB_REQ_GET_CONFIGURATION, 0, 1 },
		{ 0x00, USB_REQ_SET_CONFIGURATION, 1, 0 },
		{ 0x81, USB_REQ_GET_INTERFACE, 0, 1 },
		{ 0x01, USB_REQ_SET_INTERFACE, 0, 0 },
		{ 0x21, 0x20, 0, 7 },	     /* SET_LINE_CODING */
		{ 0xa1, 0x21, 0, 7 },	     /* GET_LINE_CODING */
		{ 0x21, 0x22, 3, 0 },	     /* SET_CONTROL_LINE_STATE */
		{ 0xa1, 0x80, 0, 28 },	     /* GET_NTB_PARAMETERS */
		{ 0x21, 0x86, 0, 4 },	     /* SET_NTB_INPUT_SIZE */
		{ 0x81, 0x06, 0x2200, 256 }, /* GET_DESCRIPTOR: report descriptor */
		{ 0x21, 0x09, 0x0200, 1 },   /* SET_REPORT */
		{ 0x21, 0x0a, 0, 0 },	     /* SET_IDLE */
		{ 0xc0, 51, 0, 2 },	     /* AOA: GET_PROTOCOL */
		{ 0x40, 52, 0, 20 },	     /* SEND_STRING */
		{ 0x40, 53, 0, 0 },	     /* START */
		{ 0x40, 0x5b, 0, 1024 },     /* usbtest: write data, then read it back */
		{ 0xc0, 0x5c, 0, 1024 },
	};
	size_t i = usbfs_random(&h->host, ARRAY_SIZE(known));
	bool to_device = (known[i].type & USB_RECIP_MASK) == USB_RECIP_DEVICE;
	uint16_t index = to_device ? (uint16_t)usbfs_random(&h->host, 8) : random_interface(h);

	return setup_of(known[i].type, known[i].request, known[i].value, index, known[i].length);
}

static void change_field(struct hostile *h, struct usb_ctrlrequest *s)
{
	switch (usbfs_random(&h->host, 6)) {
	case 0:
		s->bRequestType ^= (uint8_t)(1 << usbfs_random(&h->host, 8));
		break;
	case 1:
		s->bRequest ^= (uint8_t)(1 << usbfs_random(&h->host, 8));
		break;
	case 2:
		s->wValue = htole16((uint16_t)usbfs_random(&h->host, 65536));
		break;
	case 3:
		s->wIndex ^= htole16((uint16_t)(1 << usbfs_random(&h->host, 16)));
		break;
	default:
		s->wLength = htole16(random_length(h));
	}
}

struct usb_ctrlrequest setup_random(struct hostile *h)
{
	struct usb_ctrlrequest s;
	uint64_t kind = usbfs_random(&h->host, 10);

	if (kind == 0)
		return random_bytes_setup(h);
	s = kind < 6 ? random_function_request(h) : random_known_request(h);
	for (uint64_t n = usbfs_random(&h->host, 3); n > 0; n--)
		change_field(h, &s);
	return s;
}
