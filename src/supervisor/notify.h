/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `run` tells its service manager by sd_notify(3): READY=1 when the gadget is up, STATUS= at
 * each change, RELOADING=1 and READY=1 around a reload, STOPPING=1, and WATCHDOG=1 as often as it
 * asks for (WATCHDOG_USEC). Without NOTIFY_SOCKET, and in the background, nothing. A service
 * manager that gives it a descriptor instead (--notify-fd) gets a newline when the gadget is up.
 */
#pragma once

#include "base/error.h"

#define NOTIFY_RELOADING "RELOADING=1"

struct supervisor;

/* Begins to answer the service manager's watchdog, if it has one. */
int notify_begin(struct supervisor *s, struct error *err);
/* After each look of the supervisor's: what has changed since the last time. */
void notify_update(struct supervisor *s);
/* A signal asks for a reload: READY=1 follows in any case. */
void notify_reloading(struct supervisor *s);
void notify_end(struct supervisor *s);
