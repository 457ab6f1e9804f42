/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes and mounts, read from /proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum mount_state { MOUNT_NONE, MOUNT_OTHER, MOUNT_MATCH };
/*
 * Returns the enum mount_state of the topmost mount at `path`: MOUNT_MATCH if it has this type and,
 * unless `source` is NULL, this source. Returns a negative errno if /proc/self/mountinfo cannot be
 * read.
 */
int mount_find(const char *path, const char *type, const char *source);

/*
 * Returns /proc/self/mountinfo as text, for several queries; NULL on error. The caller frees it.
 */
char *mounts_read(void);
/*
 * Returns whether the topmost mount at `path` had this type and source when mounts_read returned
 * `mounts`. Does not find a path with characters that mountinfo escapes.
 */
bool mounts_have(const char *mounts, const char *path, const char *type, const char *source);
/* Calls `fn` with the path and the source of each mount of that type. */
void mounts_each(const char *mounts, const char *type,
		 void (*fn)(void *data, const char *path, const char *source), void *data);

/*
 * Returns a text that lists the first processes that keep a mount of the caller's namespace busy:
 * "cat (pid 12), bash (pid 40)"; NULL if there are none. The caller frees the text. Only root sees
 * all processes. The process `except` and its descendants are not listed; 0: there is no such
 * process.
 */
char *mount_users_as_text(const char *path, pid_t except);
/*
 * Returns whether a process uses a mount: by an open file, or as its working directory, root
 * directory or executable.
 */
bool process_uses_mount(pid_t pid, const char *path);

/*
 * Calls `fn` for every process until `fn` returns non-zero, and returns that value. Returns a
 * negative errno if /proc cannot be read.
 */
int process_each(int (*fn)(void *data, pid_t pid), void *data);
/* Returns whether `id` is one of the process' user, group or supplementary group ids. */
bool process_has_id(pid_t pid, unsigned int id);
/* Gets the start time in ticks since boot (CLOCK_BOOTTIME); false: no such process. */
bool process_start(pid_t pid, uint64_t *ticks);
#define PROCESS_TICKS 100 /* ticks per second: USER_HZ (include/asm-generic/param.h) */
/*
 * Returns the name of a process as in /proc/PID/comm, or "?" if it does not exist. The caller frees
 * it.
 */
char *process_name(pid_t pid);
/* Waits until the process of a pidfd has ended, at most timeout_ms milliseconds; -1: no limit. */
void process_await_end(int pidfd, int timeout_ms);
/* Returns whether the process exists and is no zombie. */
bool process_alive(pid_t pid);
/* Returns whether a signal has stopped the process (SIGSTOP, Ctrl-Z on a terminal). */
bool process_is_stopped(pid_t pid);
