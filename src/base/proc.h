/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes and mounts, read from /proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum mount_state { MOUNT_NONE, MOUNT_OTHER, MOUNT_MATCH };
/*
 * Returns the enum mount_state of the topmost mount at `path`: MATCH if it has this type and,
 * unless NULL, this source. -errno: /proc/self/mountinfo cannot be read.
 */
int mount_find(const char *path, const char *type, const char *source);

/*
 * Returns /proc/self/mountinfo as text, for several queries; NULL on error. The caller frees it.
 */
char *mounts_read(void);
/*
 * Returns whether the topmost mount at `path` matched when `mounts` was read. Does not find a path
 * with characters that mountinfo escapes.
 */
bool mounts_have(const char *mounts, const char *path, const char *type, const char *source);
/* Calls `fn` for the path and the source of each mount of that type. */
void mounts_each(const char *mounts, const char *type,
		 void (*fn)(void *data, const char *path, const char *source), void *data);

/*
 * Returns the processes that keep a mount of the caller's namespace busy, at most a few, as text:
 * "cat (pid 12), bash (pid 40)"; NULL: none. The caller frees it. Only root sees all
 * processes. `except`: a process that is left out with its descendants; 0: none.
 */
char *mount_holders(const char *path, pid_t except);
/* Returns whether a process uses a mount: open file, working directory, root or executable. */
bool process_uses_mount(pid_t pid, const char *path);

/* Calls `fn` for every process until it returns non-zero, and returns that value. -errno. */
int process_each(int (*fn)(void *data, pid_t pid), void *data);
/* Returns whether `id` is one of the process' user, group or supplementary group ids. */
bool process_has_id(pid_t pid, unsigned int id);
/* Gets the start time in ticks since boot (CLOCK_BOOTTIME); false: no such process. */
bool process_start(pid_t pid, uint64_t *ticks);
#define PROCESS_TICKS 100 /* per second: USER_HZ (include/asm-generic/param.h) */
/* Returns the process' comm, "?" if it does not exist. The caller frees it. */
char *process_name(pid_t pid);
/* Waits until the process of a pidfd has ended, at most timeout_ms milliseconds; -1: no limit. */
void process_await_end(int pidfd, int timeout_ms);
/* Returns whether the process exists and is no zombie. */
bool process_alive(pid_t pid);
/* Returns whether a signal has stopped the process (SIGSTOP, Ctrl-Z on a terminal). */
bool process_is_stopped(pid_t pid);
