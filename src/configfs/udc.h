/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDCs of the machine: which there are, who holds them, which one a gadget takes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/paths.h"
#include "gadgetfile/gadget.h"

struct udc {
	char *name;	 /* in /sys/class/udc */
	char *driver;	 /* NULL: unknown */
	char *gadget;	 /* of configfs, that is on it; NULL: none */
	char *holder;	 /* words for people: "gadget 'echo'", "g_ether"; NULL: free */
	bool is_virtual; /* dummy_hcd's or usbip's: no cable will ever be in it */
};

struct udcs {
	struct udc *v;
	size_t n;
};

/* Sorted by name. A machine without UDCs gives none. */
int udcs_list(const struct paths *paths, struct udcs *udcs, struct error *err);
void udcs_free(struct udcs *udcs);
#define _cleanup_udcs_ _cleanup_(udcs_free)

/*
 * The UDC that the gadget asks for, or the only free real one; virtual ones by themselves only
 * where there is no real one. `name` (--udc) beats the file. The caller frees *out. Fails with
 * EX_UNAVAILABLE and ENODEV (none that fits: one may still arrive), EBUSY or ENOTUNIQ.
 */
int udc_choose(const struct paths *paths, const struct gadget_udc *wanted, const char *name,
	       char **out, struct error *err);

bool udc_is_virtual(const char *name);

/* Whether this machine has a UDC of that name. */
bool udc_exists(const char *name);

/*
 * Whether a UDC does not have a gadget that configfs has on it: it was unbound through the driver
 * core (/sys/bus/gadget). False for a UDC that appears or is removed, which the kernel is about to
 * bind or to unbind: it has no link `gadget` then (udc/core.c, usb_add_gadget, usb_del_gadget).
 */
bool udc_lacks(const char *name, const char *gadget);

/* The driver of a UDC of this machine; NULL: unknown. The caller frees it. */
char *udc_driver(const char *name);

/* What drivers are known for, by their sources in Linux 6.12. */
struct udc_traits {
	int endpoints; /* besides ep0; 0: unknown, as the hardware is configured */
	enum udc_sg { UDC_SG_UNKNOWN, UDC_SG_NO, UDC_SG_YES } sg; /* gadget->sg_supported */
};
/* Never NULL; `driver` may be. */
const struct udc_traits *udc_traits(const char *driver);

/*
 * Why there may be no UDC, each a sentence with what to do, from what the machine says of its role
 * switches and of the drivers that can be host and device; `words` (the caller frees all) and the
 * count. None: nothing is known.
 */
size_t udc_hints(char ***words);

/* Who holds a UDC, in words; NULL: nobody. The caller frees it. */
char *udc_holder(const struct paths *paths, const char *name);

/* An attribute of /sys/class/udc/NAME ("state", "current_speed"); NULL: unknown. The caller frees
 * it. */
char *udc_attribute(const char *name, const char *attribute);

#define UDC_CLASS_DIR "/sys/class/udc"
