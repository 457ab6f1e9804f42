/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known about one UDC and the running kernel: on what bcdUSB depends (composite.c,
 * USB_DT_DEVICE), and the FIFOs.
 */
#pragma once

#include "base/paths.h"
#include "configfs/udc_driver_table.h"
#include "gadgetfile/gadget.h"

#define UDC_TX_FIFOS_MAX 15 /* of dwc2: MAX_EPS_CHANNELS - 1 */

struct udc_facts {
	enum udc_answer superspeed; /* whether the UDC supports SuperSpeed */
	/*
	 * Whether the kernel reports 2.10 for a gadget with WebUSB on a UDC without SuperSpeed:
	 * whether it has our fix "report USB 2.1 with WebUSB". Others report 2.01.
	 */
	enum udc_answer webusb_fix;
	/*
	 * Sizes of the FIFOs in bytes. Each IN endpoint except ep0 needs one FIFO, which holds the
	 * packets of a microframe. No sizes: they are unknown, or endpoints of this UDC need no
	 * FIFO of their own.
	 */
	unsigned int tx_fifos[UDC_TX_FIFOS_MAX];
	size_t n_tx_fifos;
};

/*
 * Returns what is known about the UDC that the gadget is bound to in configfs; if it is not bound,
 * the UDC `udc`; if `udc` is NULL, UDCs of `driver`, which may be NULL. Without WebUSB in the
 * gadget file, `webusb_fix` is unknown.
 */
struct udc_facts udc_facts_find(const struct paths *paths, const struct gadget *g, const char *udc,
				const char *driver);

/*
 * Sets the FIFOs from the text of dwc2's file `params` in debugfs: none, if the controller has no
 * FIFO for each IN endpoint.
 */
void udc_facts_set_tx_fifos(struct udc_facts *facts, const char *params);
