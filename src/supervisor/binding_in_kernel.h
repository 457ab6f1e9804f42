/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads from the kernel whether the gadget is bound, because any program can write to configfs.
 */
#pragma once

#include "supervisor/binding.h"

/* Returns the path of the gadget's attribute UDC; the caller frees it. */
char *binding_udc_path(const struct binding *binding);
/*
 * Returns the UDC in configfs, whichever program wrote it; NULL: configfs contains none. The caller
 * frees it.
 */
char *binding_udc_in_configfs(const struct binding *binding);
/* Returns whether configfs contains the UDC that ffsctl wrote, even if that UDC does not exist. */
bool binding_configfs_has_udc(const struct binding *binding);
/*
 * Returns the event that describes the state in the kernel; BINDING_EVENT_COUNT: no event. If
 * configfs contains the UDC's name but the UDC is not bound to the gadget, returns
 * BINDING_EV_REBIND_FAILED if the UDC was removed and is back, because then the kernel's bind has
 * failed, and no event while the kernel is still removing or adding the UDC.
 * Otherwise another program has unbound the gadget through the driver core, and it returns
 * BINDING_EV_UNBOUND.
 */
enum binding_event binding_event_from_kernel(const struct binding *binding);
/*
 * Returns whether a keeper or a daemon has died but is not reaped yet. Its end unbinds the gadget.
 */
bool binding_has_unreaped_ep0_process(const struct binding *binding);
