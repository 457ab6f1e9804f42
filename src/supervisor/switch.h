/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prepares a switch: if a worker requests it (SWITCH), another gadget, the target, replaces the
 * current gadget. Reads the target's gadget file, locks its name, and checks everything that can be
 * checked before the current gadget goes down. Then the current gadget goes down, and the process
 * becomes the supervisor of the target (client/switch.c).
 */
#pragma once

#include <stddef.h>

struct binding;
struct live_gadget;
struct live_worker;
struct requested_switch;

/* The component that switches to another gadget. */
struct switcher {
	struct live_gadget *live;
	const struct binding *binding;
	struct requested_switch
		*requested_switch; /* the switch that is in progress; NULL: none; owned */
	double last_refusal_at;	   /* monotonic time of the last refused request; 0: none */
};

void switch_init(struct switcher *switcher, struct live_gadget *live,
		 const struct binding *binding);
/*
 * Handles a worker's message SWITCH. `body` contains the name of the target, a NUL, and a message
 * for the target's workers. Must be called only in PHASE_UP.
 */
void switch_handle_request(struct switcher *switcher, struct live_worker *worker, const char *body,
			   size_t size);
/* Called because of `down`: if a switch is in progress, the target does not come up. */
void switch_cancel(struct switcher *switcher);
