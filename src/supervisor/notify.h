/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notifications of `run` to its service manager by sd_notify(3): READY=1 when the gadget is up,
 * STATUS= at each change, RELOADING=1 and READY=1 around a reload, STOPPING=1, and WATCHDOG=1 at
 * half of WATCHDOG_USEC. Nothing is sent without NOTIFY_SOCKET, or in the background. A descriptor
 * (--notify-fd) gets a newline when the gadget is up.
 */
#pragma once

#include "base/error.h"

#define NOTIFY_RELOADING "RELOADING=1"

struct supervisor;

/* Starts the watchdog timer, if the service manager has a watchdog. */
int notify_begin(struct supervisor *s, struct error *err);
/* Called after each event: sends what changed. */
void notify_update(struct supervisor *s);
/* Called when a signal requests a reload; READY=1 always follows. */
void notify_reloading(struct supervisor *s);
void notify_end(struct supervisor *s);
