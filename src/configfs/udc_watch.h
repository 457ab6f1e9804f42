/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's uevents about UDCs: they appear, are removed, and gadgets are bound to them and
 * unbound (usb_gadget_register_driver and others send a "change", udc/core.c).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Returns a socket that becomes readable at each uevent. -errno, err filled. */
int udc_watch_open(struct error *err);
/* Limits it to uevents of this UDC, which must exist, and of its gadget. -errno. */
int udc_watch_only(int fd, const char *udc);

/* What the uevents were about. */
struct udc_news {
	bool udc;   /* a UDC */
	bool ready; /* a UDC appeared, and the kernel binds the gadget that was bound to it before
		     */
};

/* Reads what was received. */
struct udc_news udc_watch_read(int fd);
