/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ending everything that a worker has started, wherever it went. */
#pragma once

#include <sys/types.h>

struct supervisor;
struct unit;

/*
 * Children of ours that we have not started and no worker has left: a script may have started them
 * before it became ffsctl (`logger & exec ffsctl run ...`). Noted once, before there are others.
 */
void reap_note_inherited(struct supervisor *s);
/* That child has been reaped: its number may be another's from now on. */
void reap_forget_inherited(struct supervisor *s, pid_t pid);

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
