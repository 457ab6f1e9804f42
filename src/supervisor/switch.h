/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prepares a switch: the replacement of a gadget that is up by another one, which a worker requests
 * (SWITCH). Reads the other gadget file, locks its name, and checks everything that can be checked
 * before this gadget goes down. Then this gadget goes down, and the process becomes the supervisor
 * of the other gadget (client/switch.c).
 */
#pragma once

#include <stddef.h>

struct binding;
struct live_gadget;
struct live_worker;
struct requested_switch;

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
 * Handles a worker's message SWITCH. `body` contains the name of the other gadget, a NUL, and a
 * message for that gadget's workers. Only used in PHASE_UP.
 */
void switch_handle_request(struct switcher *switcher, struct live_worker *worker, const char *body,
			   size_t size);
/* Cancels a switch because of `down`: the other gadget does not come up. */
void switch_cancel(struct switcher *switcher);
