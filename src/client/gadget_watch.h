/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls a function when the result of inspect_gadgets may have changed. Does not poll: watches the
 * run directories, configfs, the mounts, the states of the UDCs, and the ends of processes.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "base/paths.h"
#include "rundir/status.h"

struct gadget_watch;

/*
 * Starts watching. The event loop calls `on_change` with `data` after each change. Returns NULL
 * with err set on failure.
 */
struct gadget_watch *gadget_watch_new(const struct paths *paths, struct loop *loop,
				      void (*on_change)(void *data), void *data, struct error *err);
/*
 * Watches the directories, processes and UDCs of `gadgets`, and stops watching those of all other
 * gadgets. Returns true if one of them was not watched before. Then a change may have been missed,
 * and the caller must call inspect_gadgets again.
 */
bool gadget_watch_set_gadgets(struct gadget_watch *w, const struct gadget_statuses *gadgets);
void gadget_watch_free(struct gadget_watch *w);
