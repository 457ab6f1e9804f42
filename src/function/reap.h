/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ending everything that a worker has started, wherever it went. Nothing here waits: what has been
 * killed may take its time to end.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct family;
struct rundir;
struct functions;
struct live_worker;

/*
 * Children of ours that we have not started and no worker has left: a script may have started them
 * before it became ffsctl (`logger & exec ffsctl run ...`). Noted once, before there are others.
 */
void reap_note_inherited(struct functions *s);
/* That child has been reaped: its number may be another's from now on. */
void reap_forget_inherited(struct functions *s, pid_t pid);

/*
 * One look, after the worker itself has ended: kills what is left of its session and what has left
 * it (its orphans are our children: PR_SET_CHILD_SUBREAPER). Returns one that has not ended yet; 0:
 * nothing uses the endpoints any more. `first`: the first look, right after the worker's end.
 */
pid_t reap_rest(const struct live_worker *worker, bool first);

/*
 * For a command, without a supervisor: kills what that function's worker has started, and waits,
 * REAP_SECONDS at most, until it has ended. EX_OSERR: it does not.
 */
int reap_family(const struct family *family, const char *label, struct error *err);
/* The same of all workers of whom something stands in the run directory; the first error. */
int reap_left_behind(const struct rundir *rundir, struct error *err);

/* Who was killed and has not ended by then hangs in the kernel. */
#define REAP_SECONDS 5
