/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of UDC drivers: properties that sysfs does not show, from the source code of Linux 6.12
 * (udc_driver_table.c). `udc`, `check`, `up`, `descriptors` and the table in doc/boards.md use it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gadgetfile/gadget.h"

/*
 * A dwc3 of both roles has a file UDC/mode here that shows and sets the role (dwc3/debugfs.c); a
 * dwc2 has the sizes of its FIFOs in UDC/params.
 */
#define USB_DEBUGFS_DIR "/sys/kernel/debug/usb"

enum udc_answer { UDC_UNKNOWN, UDC_NO, UDC_YES };
enum udc_direction { UDC_IN, UDC_OUT, UDC_EITHER };

/*
 * Transfer types of an endpoint, as bits. The kernel also accepts a bulk endpoint for interrupt
 * transfers (gadget/udc/core.c, usb_gadget_ep_match_desc), so that UDC_BULK includes these.
 */
enum { UDC_INTERRUPT = 1, UDC_BULK = 2, UDC_ISOCHRONOUS = 4, UDC_ALL_TYPES = 7 };

/* Some of the endpoints of a UDC, which have the same properties. */
struct udc_endpoint_group {
	unsigned int n;
	enum udc_direction direction;
	unsigned int types;	 /* bits of UDC_BULK and so on */
	unsigned int max_packet; /* bytes; 0: no limit is known */
};

#define UDC_MAX_GROUPS 6

struct udc_traits {
	const char *driver; /* name that /sys/class/udc/UDC/device/driver points to */
	const char *source; /* files and lines below drivers/usb */
	/* Endpoints besides ep0; ends with n 0. No elements: the endpoints are unknown. */
	struct udc_endpoint_group endpoints[UDC_MAX_GROUPS + 1];
	/*
	 * The hardware, the device tree or the configuration of the kernel determines the
	 * endpoints; `endpoints` are maximums.
	 */
	bool endpoints_depend_on_hardware;
	enum udc_answer zlp;		/* whether the driver obeys usb_request.zero */
	enum udc_answer scatter_gather; /* whether the driver sets gadget->sg_supported */
	enum udc_answer remote_wakeup;	/* whether the driver can wake a host */
	enum gadget_speed max_speed;	/* of the fastest hardware; GADGET_SPEED_NONE: unknown */
	/*
	 * The longest transfer that always goes right, in bytes, if there is a limit; 0: no limit
	 * is known. `longer_transfers` says what happens to longer ones, and when.
	 */
	unsigned int max_transfer;
	const char *longer_transfers;
	/* On EP0 the driver waits until the host has asked for a ZLP, also if none is due. */
	bool zlp_blocks_ep0;
	bool is_virtual;  /* the UDC has no connector */
	bool dual_role;	  /* the controller also has a host mode, in which it has no UDC */
	const char *note; /* what the other members cannot express; NULL: nothing */
};

extern const struct udc_traits udc_traits_table[]; /* ends with a NULL driver */

/*
 * Returns the properties of a driver; never NULL. `driver` may be NULL. For an unknown driver, the
 * member `driver` of the result is NULL.
 */
const struct udc_traits *udc_traits_or_unknown(const char *driver);

/* Returns the number of endpoints besides ep0 that have this direction; 0: unknown or none. */
unsigned int udc_count_endpoints(const struct udc_traits *traits, enum udc_direction direction);

/* Returns whether a UDC of this driver has isochronous endpoints. */
enum udc_answer udc_has_isochronous(const struct udc_traits *traits);

/*
 * Returns the numbers of endpoints: "2 IN and 1 OUT", "5 for either direction", "at most 15 IN and
 * 15 OUT", "unknown". The caller frees the text.
 */
char *udc_endpoint_counts_text(const struct udc_traits *traits);

/*
 * Returns the transfer types and packet sizes of the endpoints: "bulk, interrupt, at most 64
 * bytes"; if the endpoints differ, "1 IN (bulk, interrupt), 1 IN (interrupt)". NULL: unknown. The
 * caller frees the text.
 */
char *udc_endpoint_types_text(const struct udc_traits *traits);

/*
 * Returns what is known of the longest transfer: "at most 256 KiB a transfer: ...". NULL: no limit
 * is known. The caller frees the text.
 */
char *udc_max_transfer_text(const struct udc_traits *traits);
