/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out whether a host has configured the gadget. FunctionFS reports ENABLE and DISABLE of its
 * functions. If a configuration has no FunctionFS function, the UDC's attribute `state` in sysfs is
 * used.
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"

struct live_gadget;

struct host_state {
	struct live_gadget *live;
	struct fd_watch udc_state; /* owns its descriptor */
	bool configured; /* the UDC's state is "configured"; not updated if FunctionFS reports
			    the host */
};

void host_init(struct host_state *host, struct live_gadget *live);

/*
 * Called before each bind: watches changes of the UDC's state from now on. Does nothing if every
 * configuration has a FunctionFS function. If the state cannot be read, no host is assumed.
 */
void host_watch(struct host_state *host, const char *udc);
/*
 * Called after a takeover: watches changes of the UDC's state as host_watch does. `configured`: a
 * host had configured the gadget when the dead supervisor last wrote its status.
 */
void host_take_over(struct host_state *host, const char *udc, bool configured);
/*
 * Clears the link states of an unbound gadget: FunctionFS reports the unbind later, and `status`
 * must not show the old host until then.
 */
void host_reset_links(struct host_state *host);
/* Called after an unbind: stops watching, and clears the link states. */
void host_forget(struct host_state *host);
/* Returns whether a host has configured the gadget. */
bool host_has_configured(const struct host_state *host);
