/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDCs of this system: lists them and what holds them, and chooses one for a gadget. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/paths.h"
#include "gadgetfile/gadget.h"

struct udc {
	char *name;	 /* in /sys/class/udc */
	char *driver;	 /* NULL: unknown */
	char *gadget;	 /* the gadget in configfs that is bound to it; NULL: none */
	char *holder;	 /* what uses the UDC: "gadget 'echo'", "the driver 'g_ether'"; NULL: it is
			    free */
	bool is_virtual; /* a UDC of dummy_hcd or usbip, which has no connector */
};

struct udcs {
	struct udc *list;
	size_t n;
};

/* Lists the UDCs, sorted by name. The list is empty on a system without UDCs. */
int udcs_list(const struct paths *paths, struct udcs *udcs, struct error *err);
void udcs_free(struct udcs *udcs);
#define _cleanup_udcs_ _cleanup_(udcs_free)

/*
 * Chooses the UDC that the gadget file names, or else the only free real one; a virtual one is only
 * chosen without being named if there is no real one. `name` (--udc) overrides the file. The caller
 * frees *out. Fails with EX_UNAVAILABLE and ENODEV (none matches: one may appear later), EBUSY or
 * ENOTUNIQ.
 */
int udc_choose(const struct paths *paths, const struct gadget_udc *wanted, const char *name,
	       char **out, struct error *err);
/* Fails as udc_choose does for the name of a UDC that does not exist. */
int udc_missing(const struct paths *paths, const char *name, struct error *err);

bool udc_is_virtual(const char *name);

/* Returns whether this system has a UDC of that name. */
bool udc_exists(const char *name);

/*
 * Returns whether the gadget is not bound to the UDC although the attribute UDC has its name: it
 * was unbound through the driver core (/sys/bus/gadget). Returns false while the UDC appears or is
 * removed: then it has no link `gadget`, and the kernel is about to bind or unbind (udc/core.c,
 * usb_add_gadget, usb_del_gadget).
 */
bool udc_has_unbound(const char *name, const char *gadget);

/* Returns the driver of a UDC; NULL: unknown. The caller frees it. */
char *udc_driver(const char *name);

/* Properties of a driver, by its source in Linux 6.12. */
struct udc_traits {
	const char *driver;
	unsigned int endpoints; /* number besides ep0; 0: depends on the hardware */
	enum udc_sg {
		UDC_SG_UNKNOWN,
		UDC_SG_NO,
		UDC_SG_YES
	} scatter_gather; /* gadget->sg_supported */
	bool is_virtual;  /* it has no connector */
	bool dual_role;	  /* the controller may be in host mode, and has no UDC then */
};
/* Returns the properties of a driver, never NULL; `driver` may be NULL. */
const struct udc_traits *udc_traits(const char *driver);
/*
 * Returns why a gadget cannot work on a UDC of this driver, in words; NULL: no reason is known, or
 * the driver is not (it may be NULL). The caller frees it.
 */
char *udc_misfit(const char *driver, const struct gadget *g);

/*
 * Finds reasons why this system may have no UDC, from its role switches and dual-role drivers; each
 * is a sentence that includes what to do. Returns their number. The caller frees `words` and each
 * of them.
 */
size_t udc_hints(char ***words);

/* Returns what holds a UDC, as text (see struct udc); NULL: nothing. The caller frees it. */
char *udc_holder(const struct paths *paths, const char *name);

/* Returns an attribute of /sys/class/udc/NAME ("state", "current_speed"); NULL: unknown. The caller
 * frees it. */
char *udc_attribute(const char *name, const char *attribute);

#define UDC_CLASS_DIR "/sys/class/udc"
