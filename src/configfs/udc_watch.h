/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receives the kernel's uevents about UDCs: a UDC appears or is removed, or a gadget is bound to it
 * or unbound (usb_gadget_register_driver and others send a "change", udc/core.c).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Returns a socket that becomes readable at each uevent. -errno, err filled. */
int udc_watch_open(struct error *err);
/*
 * Limits the socket to uevents of this UDC, which must exist, and of its gadget. Returns 0 or
 * -errno.
 */
int udc_watch_only(int fd, const char *udc);

/* What the received uevents reported. */
struct udc_news {
	bool udc;   /* a UDC */
	bool ready; /* a UDC appeared, and the kernel binds the gadget that was bound to this UDC
		       before */
};

/* Reads all received uevents. */
struct udc_news udc_watch_read(int fd);
