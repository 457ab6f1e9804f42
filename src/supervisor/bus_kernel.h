/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel reports about the bind of a gadget: any program can write to configfs. */
#pragma once

#include "supervisor/bus.h"

/* Returns the path of the gadget's attribute UDC; the caller frees it. */
char *bus_udc_path(const struct binding *binding);
/* Returns the UDC in configfs, whatever program wrote it; NULL: not bound. The caller frees it. */
char *bus_bound_to(const struct binding *binding);
/* Returns whether configfs has the UDC that ffsctl wrote, even if that UDC does not exist. */
bool bus_is_bound(const struct binding *binding);
/*
 * Returns the event that describes the kernel's state. If configfs has the UDC but the UDC has no
 * gadget: a new UDC means that the kernel failed to bind again; else a program unbound the gadget
 * through the driver core, unless the UDC is just being removed or added (BUS_EVENT_COUNT: no
 * event).
 */
enum bus_event bus_event_from_kernel(const struct binding *binding);
/* Returns whether a process whose end unbinds the gadget has died and is not reaped yet. */
bool bus_end_is_due(const struct binding *binding);
