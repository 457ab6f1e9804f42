/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known about a UDC and the running kernel on which bcdUSB depends (composite.c,
 * USB_DT_DEVICE).
 */
#pragma once

#include "base/paths.h"
#include "configfs/udc_driver_table.h"
#include "gadgetfile/gadget.h"

struct udc_facts {
	enum udc_answer superspeed; /* whether the UDC supports SuperSpeed */
	/*
	 * Whether the kernel reports 2.10 for a gadget with WebUSB on a UDC without SuperSpeed:
	 * whether it has our fix "report USB 2.1 with WebUSB". Others report 2.01.
	 */
	enum udc_answer webusb_fix;
};

/*
 * Returns what is known about the UDC that the gadget is bound to in configfs; if it is not bound,
 * the UDC `udc`; if `udc` is NULL, UDCs of `driver`, which may be NULL. Without WebUSB in the
 * gadget file, `webusb_fix` is unknown.
 */
struct udc_facts udc_facts_find(const struct paths *paths, const struct gadget *g, const char *udc,
				const char *driver);
