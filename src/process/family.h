/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that come from a worker, wherever they went, as one sees them who is not their
 * parent. They are told by what no process can choose for itself, and nobody else's process can
 * have: an id that is the worker's own, as its user or as one of its groups, and the session that
 * the worker began. Never by their environment or names, which anybody can write.
 *
 * One that has changed its users, its groups and its session is not found: for that it needs
 * privileges.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct family {
	uid_t id;      /* user or group of nobody else (own_user.h); 0: the worker has none */
	pid_t session; /* its number is the worker's pid; 0: not known */
	/*
	 * The session is the worker's if it began no later, in clock ticks since the machine's
	 * start as /proc/PID/stat has them: a later process may have got the same number.
	 */
	uint64_t latest;
};

/* Now, in these ticks. */
uint64_t family_now(void);

/* What a link says of a worker that has just begun: its pid and the time. */
#define FAMILY_TEXT 48
/* By the worker itself, before it becomes its program. System calls only: see spawn.c. */
void family_note(char text[FAMILY_TEXT]);
/* Session and time; false: the text is none of these. */
bool family_read(const char *text, struct family *family);

/*
 * One look at all processes but the caller: sends SIGKILL to those that belong to it. Returns one that has not
 * ended yet, and in *pidfd (NULL: not wanted) a descriptor of it, which is the caller's, or -1;
 * 0: there is none.
 */
pid_t family_kill(const struct family *family, int *pidfd);
