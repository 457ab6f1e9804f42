/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the UDCs of this system and what uses them, and chooses a UDC for a gadget. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/paths.h"
#include "gadgetfile/gadget.h"

struct udc {
	char *name;   /* name of its directory in /sys/class/udc */
	char *driver; /* name of its driver; NULL: unknown */
	char *gadget; /* the gadget in configfs that is bound to the UDC; NULL: none */
	char *holder; /* what uses the UDC: "gadget 'echo'", "the driver 'g_ether'"; NULL: the UDC
			 is free */
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
 * Chooses a UDC. If `name` is not NULL (--udc), chooses that UDC. Otherwise uses the name or the
 * driver in the gadget file. If the file has neither, chooses the only free UDC, and ignores
 * virtual UDCs if there is any real one. The caller frees *out. Fails with EX_UNAVAILABLE and the
 * errno ENODEV (no UDC matches; one may appear later), EBUSY (in use) or ENOTUNIQ (several are
 * free).
 */
int udc_choose(const struct paths *paths, const struct gadget_udc *wanted, const char *name,
	       char **out, struct error *err);
/* Sets the error of udc_choose for a UDC that does not exist. */
int udc_missing(const struct paths *paths, const char *name, struct error *err);

bool udc_is_virtual(const char *name);

/* Returns whether this system has a UDC of that name. */
bool udc_exists(const char *name);

/*
 * Returns whether the gadget was unbound from the UDC through the driver core (/sys/bus/gadget).
 * Its attribute UDC still has the UDC's name then. Returns false while the UDC is being added or
 * removed: then it has no link `gadget`, and the kernel is about to bind or unbind (udc/core.c,
 * usb_add_gadget, usb_del_gadget).
 */
bool udc_has_unbound(const char *name, const char *gadget);

/* Returns the driver of a UDC; NULL: unknown. The caller frees it. */
char *udc_driver(const char *name);

/* Properties of a driver, by its source in Linux 6.12. */
struct udc_traits {
	const char *driver;
	unsigned int endpoints; /* number of endpoints besides ep0; 0: depends on the hardware */
	enum udc_sg {
		UDC_SG_UNKNOWN,
		UDC_SG_NO,
		UDC_SG_YES
	} scatter_gather; /* gadget->sg_supported */
	bool is_virtual;  /* the UDC has no connector */
	bool dual_role;	  /* the controller may be in host mode; then there is no UDC */
};
/* Returns the properties of a driver; never NULL. `driver` may be NULL. */
const struct udc_traits *udc_traits(const char *driver);
/*
 * Returns a sentence why the gadget cannot work on a UDC of this driver; NULL: no reason is known.
 * `driver` may be NULL. The caller frees the sentence.
 */
char *udc_mismatch(const char *driver, const struct gadget *g);

/*
 * Finds reasons why this system may have no UDC, from its role switches and dual-role drivers.
 * Stores a list of sentences in *words, which also contain what to do, and returns their number.
 * The caller frees the list and each sentence.
 */
size_t udc_hints(char ***words);

/* Returns udc.holder of the UDC `name`; NULL: the UDC is free. The caller frees it. */
char *udc_holder(const struct paths *paths, const char *name);

/*
 * Returns an attribute in /sys/class/udc/NAME, such as "state"; NULL: it cannot be read. The caller
 * frees it.
 */
char *udc_attribute(const char *name, const char *attribute);

#define UDC_CLASS_DIR "/sys/class/udc"
