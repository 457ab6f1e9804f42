/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the UDCs of this system and what uses them, and chooses a UDC for a gadget. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/paths.h"
#include "configfs/udc_driver_table.h"
#include "gadgetfile/gadget.h"

/* A UDC of this system. */
struct udc {
	char *name;	    /* name of its directory in /sys/class/udc */
	char *driver;	    /* name of its driver; NULL: unknown */
	char *bound_gadget; /* name of the gadget in configfs that is bound to the UDC; NULL: none
			     */
	char *holder;	    /* description of what the UDC is bound to: "gadget 'echo'", "the driver
			       'g_ether'"; NULL: the UDC is free */
	bool is_virtual;    /* a UDC of dummy_hcd or usbip, which has no connector */
};

struct udcs {
	struct udc *list;
	size_t n;
};

/* Lists the UDCs, sorted by name. The list is empty on a system without UDCs. */
int udcs_list(const struct paths *paths, struct udcs *udcs, struct error *err);
void udcs_free(struct udcs *udcs);
/* Returns whether a choice without a name leaves this element of the list out: a virtual UDC, if
   there is any other one. */
bool udcs_ignore(const struct udcs *udcs, const struct udc *udc);
#define _cleanup_udcs_ _cleanup_(udcs_free)

/*
 * Chooses a UDC. If `name` (option --udc) is not NULL: the UDC with this name. Else, if the gadget
 * file sets a name or a driver (`wanted`): the UDC with this name or driver. Else: the only free
 * UDC, where virtual UDCs are ignored if there is any other one. The caller frees *out. Fails with
 * EX_UNAVAILABLE and the errno ENODEV (no UDC matches; one may appear later), EBUSY (the UDC is
 * bound) or ENOTUNIQ (several UDCs are free).
 */
int udc_choose(const struct paths *paths, const struct gadget_udc *wanted, const char *name,
	       char **out, struct error *err);
/* Sets the error that udc_choose sets for a UDC that does not exist. */
int error_udc_missing(const struct paths *paths, const char *name, struct error *err);

bool udc_is_virtual(const char *name);

/* Returns whether this system has a UDC of that name. */
bool udc_exists(const char *name);
/*
 * Returns a number of the UDC of that name; 0: there is none. A UDC that was removed and added
 * again has another number.
 */
uint64_t udc_id(const char *name);

/*
 * Returns whether the gadget was unbound from the UDC `name` through the driver core
 * (/sys/bus/gadget). In that case the gadget's attribute UDC in configfs still contains the UDC's
 * name. Returns false while the kernel adds or removes the UDC: in that time the UDC has no link
 * `gadget` in sysfs, and the kernel binds or unbinds the gadget afterwards (udc/core.c,
 * usb_add_gadget, usb_del_gadget).
 */
bool udc_unbound_through_sysfs(const char *name, const char *gadget);

/* Returns the name of a UDC's driver; NULL: unknown. The caller frees it. */
char *udc_driver(const char *name);

/*
 * Finds reasons why this system may have no UDC, from its role switches and dual-role drivers.
 * Stores a list of sentences in *hints, each with a reason and a remedy. Returns the number of
 * sentences. The caller frees the list and each sentence.
 */
size_t udc_absence_hints(char ***hints);

/*
 * Returns a sentence with a remedy if a role switch makes a host of the port of this UDC; NULL: it
 * is a device, or the kernel does not say. The caller frees it.
 */
char *udc_role_switch_hint(const char *udc);

/*
 * Returns what the UDC `name` is bound to, in the form of udc.holder; NULL: the UDC is free. The
 * caller frees it.
 */
char *udc_holder(const struct paths *paths, const char *name);

/*
 * Returns the value of an attribute in /sys/class/udc/NAME, such as "state"; NULL: the attribute
 * cannot be read. The caller frees the value.
 */
char *udc_read_attribute(const char *name, const char *attribute);

#define UDC_CLASS_DIR "/sys/class/udc"
