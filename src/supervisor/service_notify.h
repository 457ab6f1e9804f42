/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifies the service manager of `run` (sd_notify(3)). Sends READY=1 when the gadget is up,
 * STATUS= at each change, RELOADING=1 before a reload and READY=1 after it, STOPPING=1 before the
 * gadget goes down, and WATCHDOG=1 at half of the interval WATCHDOG_USEC. Sends nothing if
 * NOTIFY_SOCKET is not set, or if the supervisor runs in the background. Also writes a newline to
 * the descriptor of
 * --notify-fd when the gadget is up.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"

struct binding;
struct live_gadget;

struct service_notifier {
	struct live_gadget *live;
	const struct binding *binding;
	struct fd_watch watchdog_timer;
	double watchdog_send_interval; /* seconds between two WATCHDOG=1; 0: no watchdog */
	char *last_state_sent; /* last notification that was sent about the gadget's state; owned */
	int ready_newline_fd;  /* file descriptor of --notify-fd; -1: not given, or the newline was
			   written; owned */
};

void service_notify_init(struct service_notifier *notify, struct live_gadget *live,
			 const struct binding *binding);

/* Starts the watchdog timer, if the service manager has a watchdog. */
int service_notify_start_watchdog(struct service_notifier *notify, struct error *err);
/* Called after each event: sends a notification if the state has changed. */
void service_notify_state(struct service_notifier *notify);
/* Called when a signal requests a reload: sends RELOADING=1. service_notify_state sends READY=1
 * later. */
void service_notify_reloading(struct service_notifier *notify);
void service_notify_close(struct service_notifier *notify);
