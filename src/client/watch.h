/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls a function when the result of inspect_gadgets may have changed, without polling. Watches
 * the run directories, configfs, the mounts, the states of UDCs, and the ends of processes.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "base/paths.h"
#include "rundir/status.h"

struct watch;

/*
 * Starts watching. The event loop calls `fn` after each change. Returns NULL with err set on
 * failure.
 */
struct watch *watch_new(const struct paths *paths, struct loop *loop, void (*fn)(void *data),
			void *data, struct error *err);
/*
 * Watches the directories, processes and UDCs of `gadgets`, and stops watching those of all other
 * gadgets. Returns true if something was not watched before. Then a change may have been missed,
 * and the caller must call inspect_gadgets again.
 */
bool watch_gadgets(struct watch *watch, const struct gadget_statuses *gadgets);
void watch_free(struct watch *watch);
