/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/request_index.h"

#include <endian.h>

#define INTERFACES_MAX 16 /* interfaces of a configuration (composite.h, MAX_CONFIG_INTERFACES) */

/* Returns the number that the host uses for the interface; -1: unknown. */
static int interface_on_bus(const struct request_index *source, int number)
{
	for (int n = 0; n < INTERFACES_MAX; n++)
		if (ioctl(source->ep0, FUNCTIONFS_INTERFACE_REVMAP, n) == number)
			return n;
	return -1;
}

/* Returns the address that the host uses for an endpoint; -1: unknown. */
static int address_of_endpoint(int fd)
{
	struct usb_endpoint_descriptor desc;

	return ioctl(fd, FUNCTIONFS_ENDPOINT_DESC, &desc) == 0 ? desc.bEndpointAddress : -1;
}

static int fd_of_endpoint(const struct request_index *source, unsigned int number)
{
	for (size_t i = 0; i < source->files->n; i++)
		if (ffs_endpoint_number(source->ffs, source->files->list[i].model) == number)
			return source->files->list[i].fd;
	return -1;
}

/*
 * Returns the address that the host uses for the endpoint with this number; -1: unknown, also if
 * another endpoint of the function has the same number on the bus and the other direction: the
 * kernel does not distinguish them (f_fs.c, ffs_func_revmap_ep).
 */
static int endpoint_on_bus(const struct request_index *source, unsigned int number)
{
	int address = address_of_endpoint(fd_of_endpoint(source, number));

	for (size_t i = 0; address >= 0 && i < source->files->n; i++) {
		int other = address_of_endpoint(source->files->list[i].fd);

		if (other < 0 || (other ^ address) == USB_DIR_IN)
			return -1;
	}
	return address;
}

struct ffsctl_setup_body request_index_to_body(const struct request_index *source,
					       const struct functionfs_event *event)
{
	const struct usb_ctrlrequest *setup = &event->u.setup;
	struct ffsctl_setup_body body = {
		.request_type = setup->bRequestType,
		.request = setup->bRequest,
		.value = setup->wValue,
		.index = setup->wIndex,
		.length = setup->wLength,
		.function_index = setup->wIndex,
		.index_origin = FFSCTL_INDEX_REBUILT,
	};
	int on_bus = -1;

	if (event->flags & FUNCTIONFS_EVENT_HOST_WINDEX) {
		body.index = event->host_wIndex;
		body.index_origin = FFSCTL_INDEX_OF_HOST;
		return body;
	}
	switch (setup->bRequestType & USB_RECIP_MASK) {
	case USB_RECIP_INTERFACE:
		on_bus = interface_on_bus(source, le16toh(setup->wIndex));
		break;
	case USB_RECIP_ENDPOINT:
		on_bus = endpoint_on_bus(source, le16toh(setup->wIndex));
		break;
	default: /* FunctionFS does not change wIndex */
		body.index_origin = FFSCTL_INDEX_OF_HOST;
		return body;
	}
	if (on_bus >= 0)
		body.index = htole16((uint16_t)on_bus);
	else
		body.index_origin = FFSCTL_INDEX_OF_FUNCTION;
	return body;
}
