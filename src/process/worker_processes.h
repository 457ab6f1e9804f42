/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the processes of a worker: the worker and all processes that it has started, directly or
 * indirectly. A process belongs to the worker if the user id that is reserved for the worker
 * (worker_uid.h) is its user or one of its groups, or if it is in the session of the worker. Its
 * environment and its name do not count, because any process can choose them.
 *
 * A process that has changed its user, its groups and its session is not found; only a privileged
 * process can do so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct worker_processes {
	uid_t worker_uid; /* user id reserved for the worker, also used as a group id; 0: none */
	pid_t session;	  /* session id, which is the worker's pid; 0: unknown */
	/*
	 * Latest start time of the session leader, in clock ticks since boot as in /proc/PID/stat.
	 * A process that started later is another process with the same pid.
	 */
	uint64_t latest_start;
};

/* Returns the current time in clock ticks since boot, as in /proc/PID/stat. */
uint64_t now_boot_ticks(void);

/* Size of the target of a worker's link in the run directory: the worker's pid and start time. */
#define WORKER_LINK_SIZE 48
/*
 * Makes the target of the link of the calling process, which becomes a worker by its exec. Makes
 * only system calls, because it is a vfork child.
 */
void worker_link_make_target(char text[WORKER_LINK_SIZE]);
/*
 * Reads session and start time from the target of a link. Returns false if the text has another
 * format.
 */
bool worker_link_parse_target(const char *text, struct worker_processes *processes);

/*
 * Sends SIGKILL to all processes of the worker except the caller, in one scan of /proc. Returns the
 * pid of a process that has not ended yet; 0 if there is none. Unless `pidfd` is NULL, *pidfd
 * becomes a pidfd of that process, which the caller closes, or -1.
 */
pid_t worker_processes_kill(const struct worker_processes *processes, int *pidfd);
