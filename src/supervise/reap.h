/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ending everything that a worker has started, wherever it went. */
#pragma once

#include <sys/types.h>

struct unit;

/*
 * After the worker itself has been reaped (its pid is still in `unit`): kills what is left of its
 * session and what has left it (its orphans are our children: PR_SET_CHILD_SUBREAPER), and waits
 * until all of it is gone, so that nothing uses the endpoints any more.
 */
void reap_rest(const struct unit *unit);

/*
 * The same without having been its parent: kills every process that has the environment we gave to
 * that gadget's worker. Returns how many there were; they are gone when it says 0.
 */
int reap_strangers(const char *gadget, const char *label);
