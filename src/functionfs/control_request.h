/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control requests for people: the words of the USB specifications for a request, its type and its
 * recipient.
 */
#pragma once

#include <ffsctl/control.h>
#include <stdint.h>

#include "gadgetfile/gadget.h"

/* Why the time for the worker's answer was over. */
enum late_reason {
	LATE_CONTROL_TIMEOUT, /* limit of the key control_timeout */
	LATE_STANDARD,	      /* limit of standard requests */
	LATE_AFTER_ANOTHER,   /* the request had to wait for the limit of an earlier one */
	LATE_HOST,	      /* the host gave the request up before the limit */
	LATE_NOT_READ,	      /* the worker does not read its control socket, which is full */
};

/*
 * Body of KEEPER_MSG_LATE: a control request that the worker did not answer in time. Integers of
 * `setup` are little-endian, the others in native byte order.
 */
struct late_request {
	struct ffsctl_setup_body setup; /* as the worker got it */
	uint8_t reason;			/* enum late_reason */
	uint8_t host_gave_up; /* 1: the host had cancelled the request before it was stalled */
	uint32_t waited_ms;   /* time limit, or with LATE_HOST time until the host gave it up */
	uint32_t answered_after_ms; /* time after which the worker has answered; 0: it has not yet
				     */
};

/*
 * Returns what the USB specifications call the request: "SET_LINE_CODING", or the number of
 * bRequest as text if it is a vendor request, or not known in the class of the interface. `ffs` is
 * the model of the function. The caller frees the text.
 */
char *control_request_name(const struct ffs *ffs, const struct ffsctl_setup_body *setup);

/* Returns one line about the request, without its end. The caller frees it. */
char *late_request_text(const struct ffs *ffs, const struct late_request *late);
