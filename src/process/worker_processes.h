/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the processes of a worker: the worker and all processes that it has started, directly or
 * indirectly. A process belongs to the worker if the user id that is reserved for the worker
 * (worker_uid.h) is its user or one of its groups, or if it is in the process session of the worker
 * (setsid(2)). The environment and the name of a process are not used, because each process can
 * choose its own.
 *
 * A process that has changed its user, its groups and its process session is not found. Only a
 * privileged process can change all of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct worker_processes {
	uid_t reserved_uid; /* user id reserved for the worker, also used as a group id; 0: none */
	pid_t session_id;   /* id of the process session, which is the pid of the worker; 0: unknown
			     */
	/*
	 * Upper bound of the time at which the leader of the process session, the worker, was
	 * started, in clock ticks since boot as in /proc/PID/stat. If the process with this pid was
	 * started later, it is not the worker.
	 */
	uint64_t worker_started_before_ticks;
};

/* Returns the current time in clock ticks since boot, as in /proc/PID/stat. */
uint64_t now_boot_ticks(void);

/*
 * Size of the target of the symbolic link that identifies a worker in the run directory, in bytes.
 * The target is the pid of the worker and an upper bound of its start time.
 */
#define WORKER_PID_SYMLINK_SIZE 48
/*
 * Stores the target of the symbolic link that identifies the calling process, which becomes a
 * worker by its exec. Makes only system calls, because the calling process is a vfork child.
 */
void worker_pid_symlink_format_target(char text[WORKER_PID_SYMLINK_SIZE]);
/*
 * Reads session_id and worker_started_before_ticks from the target of the symbolic link. Returns
 * false if the text has another format.
 */
bool worker_pid_symlink_parse_target(const char *text, struct worker_processes *processes);

/*
 * Scans /proc once and sends SIGKILL to all processes of the worker except the caller. Returns the
 * pid of one of these processes that has not ended yet; 0 if there is none. If `pidfd` is not NULL,
 * stores a pidfd of this process, which the caller closes, or -1 in *pidfd.
 */
pid_t worker_processes_kill_and_find_remaining(const struct worker_processes *processes,
					       int *pidfd);
