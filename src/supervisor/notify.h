/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications of `run` to its service manager by sd_notify(3): READY=1 when the gadget is up,
 * STATUS= at each change, RELOADING=1 and READY=1 around a reload, STOPPING=1, and WATCHDOG=1 at
 * half of WATCHDOG_USEC. Nothing is sent without NOTIFY_SOCKET, or in the background. A descriptor
 * (--notify-fd) gets a newline when the gadget is up.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"

struct binding;
struct live_gadget;

struct notify {
	struct live_gadget *live;
	const struct binding *binding;
	struct fd_watch watchdog;
	double interval; /* half of the watchdog interval, seconds; 0: no watchdog */
	char *last;	 /* last notification; owned */
	int fd;		 /* --notify-fd; -1: none, or already written; owned */
};

void notify_init(struct notify *notify, struct live_gadget *live, const struct binding *binding);

/* Starts the watchdog timer, if the service manager has a watchdog. */
int notify_begin(struct notify *notify, struct error *err);
/* Called after each event: sends what changed. */
void notify_update(struct notify *notify);
/* Called when a signal requests a reload; READY=1 always follows. */
void notify_reloading(struct notify *notify);
void notify_end(struct notify *notify);
