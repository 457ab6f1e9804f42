/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kills all processes that a worker has started, in any session and with any parent. A killed
 * process needs time to end. Only kill_worker_processes_and_wait and kill_rundir_workers_and_wait
 * wait until it has ended. Only commands call these two, because a supervisor must not block.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct worker_processes;
struct rundir;
struct functions;
struct live_worker;

/*
 * Lists in functions.foreign_child_pids the child processes that neither ffsctl nor a worker has
 * started: a script can start processes before it executes ffsctl (`logger & exec ffsctl run ...`).
 * Called once, before ffsctl starts a process.
 */
void functions_list_foreign_children(struct functions *all);
/* Removes a reaped child from functions.foreign_child_pids, because its pid may be reused. */
void functions_forget_foreign_child(struct functions *all, pid_t pid);

/*
 * Kills the remaining processes of a worker that ended: those of its session, and its orphans,
 * which are children of the supervisor (PR_SET_CHILD_SUBREAPER). Returns the pid of a process that
 * has not ended yet; 0: none is left, and no process uses the endpoints. `first` is true in the
 * first call after the worker's end.
 */
pid_t kill_remaining_processes(const struct live_worker *worker, bool first);

/*
 * Kills the processes of one worker and waits until they have ended, KILL_TIMEOUT_SECONDS at most.
 * Fails with EX_OSERR if a process does not end.
 */
int kill_worker_processes_and_wait(const struct worker_processes *processes, const char *label,
				   struct error *err);
/*
 * Calls kill_worker_processes_and_wait for every worker that has a symbolic link in the run
 * directory. Returns the first error.
 */
int kill_rundir_workers_and_wait(const struct rundir *rundir, struct error *err);

/* Seconds after which a killed process counts as stuck in the kernel. */
#define KILL_TIMEOUT_SECONDS 5
