/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Information about processes and mounts from /proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum mount_state { MOUNT_NONE, MOUNT_OTHER, MOUNT_MATCH };
/*
 * Returns an enum mount_state: MOUNT_NONE if nothing is mounted at `path`; MOUNT_MATCH if the
 * topmost mount has this type and, unless `source` is NULL, this source; else MOUNT_OTHER. Returns
 * a negative errno if /proc/self/mountinfo cannot be read.
 */
int mount_state_at(const char *path, const char *type, const char *source);

/* Returns the text of /proc/self/mountinfo, for several queries; NULL on error. The caller frees
 * it. */
char *mounts_read(void);
/*
 * Returns whether the topmost mount at `path` has this type and source in `mounts`, a text
 * that mounts_read returned. Does not find a path with characters that mountinfo escapes.
 */
bool mounts_have(const char *mounts, const char *path, const char *type, const char *source);
/* A mount of this mount namespace. */
struct mount {
	char *path, *type, *source;
};
/*
 * Calls `fn` for each mount of `mounts`, or if it is NULL, of the kernel's current list, in the
 * order in which they were mounted, until `fn` returns a value other than 0, and returns this
 * value. Returns a negative errno if /proc/self/mountinfo cannot be read.
 */
int mounts_visit(const char *mounts, int (*fn)(void *data, const struct mount *mount), void *data);
/* Calls `fn` with the path and the source of each mount of this type in `mounts`. */
void mounts_each(const char *mounts, const char *type,
		 void (*fn)(void *data, const char *path, const char *source), void *data);

/*
 * Returns a list of the first processes that use the mount at `path`, for example "cat (pid 12),
 * bash (pid 40)"; NULL if there are none. The caller frees the text. Only root can find all
 * processes. The list does not contain the process `except` and its descendants; 0: no exception.
 */
char *mount_users_as_text(const char *path, pid_t except);
/*
 * Returns whether a process uses the mount at `path`: one of its open files, its working directory,
 * its root directory or its executable is on this mount.
 */
bool process_uses_mount(pid_t pid, const char *path);

/*
 * Calls `fn` for every process until `fn` returns a value other than 0, and returns this value.
 * Returns a negative errno if /proc cannot be read.
 */
int process_each(int (*fn)(void *data, pid_t pid), void *data);
/* Returns whether `id` is one of the user ids, group ids or supplementary group ids of the process.
 */
bool process_has_uid_or_gid(pid_t pid, unsigned int id);
/* Gets the time at which the process was started, in ticks since boot (CLOCK_BOOTTIME). Returns
   false if there is no such process. */
bool process_start_time(pid_t pid, uint64_t *ticks);
#define PROCESS_TICKS 100 /* number of ticks per second: USER_HZ of the kernel */
/*
 * Returns the name of a process from /proc/PID/comm, or "?" if there is no such process. The caller
 * frees it.
 */
char *process_name(pid_t pid);
/* Waits until the process of the pidfd has ended, but at most `timeout_ms`; -1: no limit. */
void process_await_end(int pidfd, int timeout_ms);
/* Returns whether the process exists and is not a zombie. */
bool process_alive(pid_t pid);
/* Returns whether the process is stopped by a signal (SIGSTOP, or Ctrl-Z on a terminal). */
bool process_is_stopped(pid_t pid);
