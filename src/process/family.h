/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds all processes that descend from a worker, also those that are not children of the caller. A
 * process belongs to the worker if it has the worker's own user id (own_user.h) as user or group,
 * or is in the session that the worker started. Environment and names do not count, because any
 * process can choose them.
 *
 * A process that has changed its users, groups and session is not found; that needs privileges.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct family {
	uid_t id;      /* the worker's own user id, also used as a group id; 0: none */
	pid_t session; /* session id, which is the worker's pid; 0: unknown */
	/*
	 * Latest start time of the session leader, in clock ticks since boot as in /proc/PID/stat.
	 * A process that started later has only reused the number.
	 */
	uint64_t latest_start;
};

/* Returns the current time in clock ticks since boot. */
uint64_t family_now(void);

/* Size of the text that identifies a worker: its pid and start time. */
#define FAMILY_TEXT 48
/*
 * Writes the text that identifies the calling process. Makes only system calls: a vfork child calls
 * it.
 */
void family_to_text(char text[FAMILY_TEXT]);
/* Reads session and start time from such a text; false: the text has another format. */
bool family_from_text(const char *text, struct family *family);

/*
 * Sends SIGKILL to all processes of the family except the caller, in one scan of /proc. Returns the
 * pid of one that has not ended yet, 0: none. *pidfd (may be NULL): its pidfd or -1; the caller
 * closes it.
 */
pid_t family_kill(const struct family *family, int *pidfd);
