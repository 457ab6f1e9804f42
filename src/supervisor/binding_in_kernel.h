/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads from the kernel whether the gadget is bound, because any program can write to configfs.
 */
#pragma once

#include "supervisor/binding.h"

/* Returns the path of the gadget's attribute UDC; the caller frees it. */
char *binding_udc_attribute_path(const struct binding *binding);
/*
 * Returns the UDC in configfs, whichever program wrote it; NULL: configfs contains none. The caller
 * frees it.
 */
char *binding_udc_in_configfs(const struct binding *binding);
/* Returns whether configfs contains the UDC that ffsctl wrote, even if that UDC does not exist. */
bool binding_configfs_has_our_udc(const struct binding *binding);
/*
 * Returns the event that describes the state in the kernel:
 *
 *   BINDING_EV_UDC_REMOVED    the UDC does not exist
 *   BINDING_EV_BOUND          the gadget is bound to the UDC
 *   BINDING_EV_UNBOUND        another program has unbound the gadget: configfs does not contain the
 *                             UDC, or the gadget was unbound through the driver core
 *   BINDING_EV_REBIND_FAILED  the UDC was removed and exists again, but the gadget is not bound to
 *                             it: the kernel's bind has failed
 *   BINDING_EVENT_COUNT       no event: the kernel is still removing or adding the UDC
 */
enum binding_event binding_event_from_kernel(const struct binding *binding);
/*
 * Returns whether a keeper or a daemon has died but is not reaped yet. The kernel unbinds the
 * gadget when such a process dies.
 */
bool binding_has_unreaped_ep0_process(const struct binding *binding);
