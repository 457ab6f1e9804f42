/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What front.c and front_up.c share. */
#pragma once

#include "base/world.h"
#include "supervise/rundir.h"

/* Fails with EX_CANTCREAT: somebody else works on the gadget. */
int front_locked(const char *name, pid_t pid, const char *who, struct error *err);

/* Fails with EX_UNAVAILABLE: nobody looks after it. */
int front_no_supervisor(const char *name, struct error *err);

bool front_has_record(const struct rundir *rundir);
/* Takes away what a dead supervisor has left; the lock is ours and goes with it. */
int front_clear_leftovers(const struct world *world, const char *name, struct rundir *rundir,
			  struct error *err);
