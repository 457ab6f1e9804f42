/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "functionfs/control_request.h"

#include <endian.h>
#include <linux/usb/ch9.h>

#include "base/cleanup.h"
#include "base/request_names.h"
#include "functionfs/endpoint.h"

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

char *control_request_name(const struct ffs *ffs, const struct ffsctl_setup_body *setup)
{
	unsigned int type = setup->request_type & USB_TYPE_MASK;
	const struct interface *intf = interface_of_request(ffs, setup);
	const char *name = NULL;

	if (type == USB_TYPE_STANDARD)
		name = standard_request_name(setup->request);
	else if (type == USB_TYPE_CLASS && intf)
		name = class_request_name(intf->class, intf->subclass, setup->request);
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
