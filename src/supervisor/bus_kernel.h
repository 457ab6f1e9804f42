/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads from the kernel whether the gadget is bound, because any program can write to configfs.
 */
#pragma once

#include "supervisor/bus.h"

/* Returns the path of the gadget's attribute UDC; the caller frees it. */
char *bus_udc_path(const struct binding *binding);
/*
 * Returns the UDC in configfs, whichever program wrote it; NULL: configfs has none. The caller
 * frees it.
 */
char *bus_bound_to(const struct binding *binding);
/* Returns whether configfs has the UDC that ffsctl wrote, even if that UDC does not exist. */
bool bus_configfs_has_udc(const struct binding *binding);
/*
 * Returns the event that describes the kernel's state. If configfs has the UDC's name but the UDC
 * does not have the gadget, there are three cases. A new UDC: the kernel failed to rebind the
 * gadget. A UDC that is being removed or added: no event (BUS_EVENT_COUNT). Otherwise another
 * program has unbound the gadget through the driver core.
 */
enum bus_event bus_event_from_kernel(const struct binding *binding);
/* Returns whether a keeper or daemon, whose end unbinds the gadget, has died but is not reaped. */
bool bus_has_unreaped_process(const struct binding *binding);
