/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds what a gadget needs and a UDC of a driver does not have, by the table of UDC drivers
 * (configfs/udc_driver_table.h) and by what is known about the UDC (configfs/udc_facts.h).
 */
#pragma once

#include "predict/predict.h"

enum udc_mismatch_kind {
	UDC_TOO_FEW_ENDPOINTS, /* a configuration needs more endpoints than the UDC has */
	UDC_NO_ISOCHRONOUS,    /* a function needs isochronous endpoints */
	UDC_PACKET_TOO_LARGE,  /* a function has an endpoint whose packets are too large */
	UDC_NO_ZLP,	       /* an endpoint of FunctionFS has `zlp` */
	/* no Chromium reads the landing page: bcdUSB is 2.01 */
	UDC_LANDING_PAGE_UNREAD,
	UDC_TRANSFER_TOO_LONG, /* a worker's transfers are longer than what the driver does right */
	/* no host can read the report descriptor of a hid function without our fix */
	UDC_REPORT_DESCRIPTOR_UNREAD,
	/* a configuration has IN endpoints for which the UDC has no FIFO that is large enough */
	UDC_TOO_FEW_FIFOS,
	UDC_NO_ROOM_FOR_SOUND, /* at full speed, an endpoint for sound is too small */
};

struct udc_mismatch {
	enum udc_mismatch_kind kind;
	char *text;		   /* one sentence without a final period */
	const char *hint;	   /* what the user can do */
	const struct position *at; /* position in the gadget file; the gadget owns it */
};

struct udc_mismatches {
	struct udc_mismatch *list;
	size_t n;
};
void udc_mismatches_free(struct udc_mismatches *m);
#define _cleanup_udc_mismatches_ _cleanup_(udc_mismatches_free)

/*
 * Appends what the gadget needs and no UDC of the driver has: of endpoints nothing for a driver
 * that is not in the table. `driver` and `facts` may be NULL: unknown. The caller frees the list.
 */
void udc_mismatches_find(const char *driver, const struct udc_facts *facts, const struct gadget *g,
			 enum kernel_series kernel, struct udc_mismatches *out);
