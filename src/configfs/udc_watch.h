/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives the kernel's uevents about UDCs: a UDC appears or is removed, or a gadget is bound to it
 * or unbound (usb_gadget_register_driver and others send a "change", udc/core.c).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * Returns a socket that becomes readable when a uevent of any device arrives. Returns a negative
 * errno with err set on failure.
 */
int udc_watch_open(struct error *err);
/*
 * Limits the socket to uevents of the UDC `udc`, which must exist, and of its gadget device.
 * Returns 0 or a negative errno.
 */
int udc_watch_attach_filter(int fd, const char *udc);

/* What the received uevents reported. */
struct udc_uevent_summary {
	bool udc_changed; /* a UDC was added, changed or removed */
	bool udc_added; /* a UDC was added; the kernel then binds the gadget that was bound to this
			   UDC before */
};

/* Reads all uevents that were received. */
struct udc_uevent_summary udc_watch_read(int fd);
