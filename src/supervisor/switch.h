/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replaces a gadget that is up with another one at a worker's request (SWITCH). Before anything is
 * undone, the other gadget file is read, its name is locked, and everything that can be checked is
 * checked. Then this gadget goes down, and the process becomes the supervisor of the other one
 * (client/switch.c).
 */
#pragma once

#include <stddef.h>

struct binding;
struct live_gadget;
struct live_worker;
struct switching;

struct switcher {
	struct live_gadget *live;
	const struct binding *binding;
	struct switching *next; /* the gadget of a switch; NULL: none; owned */
	double refused;		/* time of the last refused switch, monotonic; 0: none */
};

void switch_init(struct switcher *switcher, struct live_gadget *live,
		 const struct binding *binding);
/*
 * Handles SWITCH of a worker: the name, a NUL, and a message for the other gadget. Only in
 * PHASE_UP.
 */
void switch_request(struct switcher *switcher, struct live_worker *worker, const char *body,
		    size_t size);
/* Cancels a switch, for `down`. */
void switch_cancel(struct switcher *switcher);
