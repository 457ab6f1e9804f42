/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc says about processes and mounts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The mount at PATH, if there is one of that type. */
enum mount_state { MOUNT_NONE, MOUNT_OTHER, MOUNT_MATCH };
/* `source` is compared too unless NULL. -errno when /proc/self/mountinfo cannot be read. */
int mount_find(const char *path, const char *type, const char *source);

/* For many at once: mountinfo as text, which the caller frees; NULL: it cannot be read. */
char *mounts_read(void);
/* Whether there was such a mount. (If not, there may be one by now, or its path has odd
 * characters.) */
bool mounts_have(const char *mounts, const char *path, const char *type, const char *source);
/* Calls `fn` for the path and the source of each mount of that type. */
void mounts_each(const char *mounts, const char *type,
		 void (*fn)(void *data, const char *path, const char *source), void *data);

/*
 * The processes that keep a file system of the calling process' namespace busy, as words:
 * "cat (pid 12), bash (pid 40)", at most a few; NULL if no one does. The caller frees it.
 * Needs root to see everybody. `but_of`: without that process and its descendants; 0: all.
 */
char *mount_holders(const char *path, pid_t but_of);
/* Whether a process has a file of that mount open, or is in it. */
bool process_uses_mount(pid_t pid, const char *path);

/* Calls `fn` for every process; stops when it returns non-zero and returns that. -errno. */
int process_each(int (*fn)(void *data, pid_t pid), void *data);
/* Whether the number is among its users (real, effective, saved ...), groups or other groups. */
bool process_has_id(pid_t pid, unsigned int id);
/* When it began, in ticks since the machine's start (CLOCK_BOOTTIME); false: it is gone. */
bool process_start(pid_t pid, uint64_t *ticks);
#define PROCESS_TICKS 100 /* a second: USER_HZ (include/asm-generic/param.h) */
/* comm of a process, "?" when it is gone; the caller frees it. */
char *process_name(pid_t pid);
/* Waits until the process of a pidfd has ended, or for so many milliseconds (-1: for ever). */
void process_await_end(int pidfd, int timeout_ms);
/* Whether it runs (a zombie does not). */
bool process_alive(pid_t pid);
/* Whether a signal has stopped it (SIGSTOP, a terminal's Ctrl-Z). */
bool process_is_stopped(pid_t pid);
