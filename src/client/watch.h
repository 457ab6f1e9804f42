/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells when what inspect_gadgets says may have changed, without asking again and again: the
 * directories of RUN and configfs, the mounts, the UDCs' states, and the ends of processes all
 * announce it.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/paths.h"

struct watch;

/* `fn` is called in the loop, once or several times for a change. NULL: err is filled. */
struct watch *watch_new(const struct paths *paths, struct loop *loop, void (*fn)(void *data),
			void *data, struct error *err);
/*
 * Watches what concerns these gadgets as well, and nothing of others. True: something of it was
 * not watched till now, so that they have to be looked at again.
 */
bool watch_gadgets(struct watch *watch, const json_t *gadgets);
void watch_free(struct watch *watch);
