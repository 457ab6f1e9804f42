/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of UDCs: that they come, go, and are taken and left by gadgets
 * (usb_gadget_register_driver and its like send a "change", udc/core.c).
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* A socket that becomes readable at each of the kernel's uevents. -errno, err filled. */
int udc_watch_open(struct error *err);
/* From now on only at those of this UDC, which has to be there, and of its gadget. -errno. */
int udc_watch_only(int fd, const char *udc);

/* What was among it. */
struct udc_news {
	bool udc;   /* of a UDC */
	bool ready; /* there is a new one, to which the kernel binds what was bound to it before */
};

/* Reads what has come. */
struct udc_news udc_watch_read(int fd);
