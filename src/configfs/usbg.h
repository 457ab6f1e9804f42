/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps that libusbgx takes. It works on a private view: a directory in which only our gadget is
 * linked. On the machine's own tree usbg_init would fail as soon as any gadget has a function that
 * the library does not know, whoever made it.
 *
 * The view is closed when the gadget is up. Steps that a reload applies later go to configfs
 * without it: opening it once more would fail where this gadget has such a function.
 *
 * Parameters are read back from path and value, which gadgetfile_load has checked; the library's
 * words on stderr are dropped, its errors become ours with path and errno.
 */
#pragma once

#include "plan/plan.h"

/* The library's handle on the view; NULL until the view step has been applied. */
struct usbg_view {
	struct usbg_state *state;
	struct usbg_gadget *gadget;
	int null, words; /* /dev/null, and the real stderr while the library is at work */
};
#define USBG_VIEW_NONE ((struct usbg_view){ .null = -1, .words = -1 })
void usbg_view_close(struct usbg_view *view);

/* Makes the view: `path` is VIEW/usb_gadget/NAME, `value` the gadget's directory. */
extern const struct step_op usbg_op_view;
/* All others have the file or directory in configfs as `path` and `self` = struct usbg_view. */
extern const struct step_op usbg_op_attribute; /* GADGET/idVendor; value a number */
extern const struct step_op usbg_op_string;    /* GADGET/strings/0x409/product */
extern const struct step_op usbg_op_serial;    /* GADGET/strings/0x409/serialnumber; serial_read */
extern const struct step_op usbg_op_function;  /* GADGET/functions/ffs.echo */
extern const struct step_op usbg_op_config;    /* GADGET/configs/c.1 */
extern const struct step_op usbg_op_config_attribute; /* GADGET/configs/c.1/MaxPower */
extern const struct step_op
	usbg_op_config_string;		     /* GADGET/configs/c.1/strings/0x409/configuration */
extern const struct step_op usbg_op_binding; /* GADGET/configs/c.1/echo; value ffs.echo */
