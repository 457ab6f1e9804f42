/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out whether a host has configured the gadget. FunctionFS reports ENABLE and DISABLE of its
 * functions. If a configuration has no FunctionFS function, the UDC's attribute `state` in sysfs is
 * used.
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"
#include "supervisor/host_log.h"

struct live_gadget;

/* The component that finds out whether a host has configured the gadget. */
struct usb_host_state {
	struct live_gadget *live;
	struct fd_watch udc_state_watch; /* watch of the UDC's attribute `state`; owns its file
					    descriptor */
	bool state_is_configured;	 /* the UDC's state is "configured"; not updated if every
					    configuration has a FunctionFS function */
	bool state_is_suspended;	 /* the UDC's state is "suspended"; updated as above */
	struct host_log log;
};

void host_init(struct usb_host_state *host, struct live_gadget *live);

/*
 * Called before each bind: watches changes of the UDC's state from now on. Does nothing if every
 * configuration has a FunctionFS function, because the keepers then report ENABLE and DISABLE. If
 * the state cannot be read, the gadget counts as not configured.
 */
void host_watch_udc_state(struct usb_host_state *host, const char *udc);
/*
 * Called after a takeover: watches changes of the UDC's state as host_watch_udc_state does.
 * `configured`: a host had configured the gadget when the dead supervisor last wrote its status.
 */
void host_watch_after_takeover(struct usb_host_state *host, const char *udc, bool configured);
/*
 * Clears the link states of an unbound gadget: FunctionFS reports the unbind later, and `status`
 * must not show the old host until then.
 */
void host_clear_link_states_of_functions(struct usb_host_state *host);
/* Called after an unbind: stops watching, and clears the link states. */
void host_handle_unbind(struct usb_host_state *host);
/* Returns whether a host has configured the gadget. */
bool host_has_configured(const struct usb_host_state *host);
/* Returns whether a host has configured the gadget and suspended it since. */
bool host_has_suspended(const struct usb_host_state *host);
