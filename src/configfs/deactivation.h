/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes what a failed bind leaves in the kernel. Some functions deactivate the gadget before they
 * are bound, until a program opens their device (usb_add_function in composite.c). If the bind
 * fails then, nothing activates it again, and two things are left:
 *
 * - The UDC stays deactivated (`deactivated` in struct usb_gadget): no host sees the next gadget
 *   that is bound to it, whatever functions it has.
 * - The gadget still counts its deactivations (`deactivations` in struct usb_composite_dev): the
 *   next bind does not deactivate the UDC, or no program can activate it.
 *
 * Only the unbind after a successful bind clears both (configfs_composite_unbind in configfs.c). No
 * file shows either. A patch of kernel/patches removes the cause.
 */
#pragma once

#include "configfs/configfs.h"

/*
 * Called before the gadget is bound to the UDC: if a function of the gadget may deactivate the UDC,
 * makes a note of that (rundir/udc_notes.h). The note is removed when the UDC is surely activated,
 * so that another process can activate it if this one is killed. A note that cannot be made only
 * matters then.
 */
void configfs_note_bind(const struct configfs *c, const char *udc);
void configfs_remove_note(const struct configfs *c, const char *udc);
/* Returns whether there is a note, and the gadget is bound to the UDC: its unbind activates the
 * UDC. */
bool configfs_unbind_ends_note(const struct configfs *c, const char *udc);

/*
 * Called after a bind of the gadget to the UDC failed: activates the UDC, or with
 * c->activates_udc_later remembers it. Does nothing if no function of the gadget deactivates it. If
 * the UDC cannot be activated, adds the reason to `err`.
 */
void configfs_handle_failed_bind(struct configfs *c, const char *udc, struct error *err);

/*
 * Activates the UDC that failed binds with c->activates_udc_later have left deactivated, if there
 * is one. Called when the gadget is not bound again any more. Returns 0 or a negative errno.
 */
int configfs_activate_deactivated_udc(struct configfs *c, struct error *err);

/* Rewords `err`, the reason why the UDC could not be activated. Returns a negative errno. */
int configfs_explain_failed_activation(const char *udc, struct error *err);

/*
 * Called after a successful bind: if an earlier bind of this gadget failed, unbinds the gadget and
 * binds it again where necessary, so that the kernel counts its deactivations anew. Returns 0 or a
 * negative errno.
 */
int configfs_bind_again_after_failed_bind(struct configfs *c, const char *udc_attribute_path,
					  const char *udc);
