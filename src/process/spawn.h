/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts a worker in a new process session, as a given user, with given file descriptors and no
 * others. The caller makes one struct spawn_settings for each worker and uses it for every start,
 * so that a restart needs only a vfork and an exec.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/process_limits.h"
#include "process/sandbox.h"

struct spawn_settings {
	char *program_path; /* absolute path */
	char **argv;
	char **env; /* the complete environment; each start writes the pid into listen_pid_value */
	char *listen_pid_value; /* value of LISTEN_PID in `env`, SPAWN_PID_DIGITS long; NULL: `env`
				   does not contain LISTEN_PID */
	char *working_directory;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	bool keep_caller_user; /* run as the user of the caller; uid, gid and groups are ignored */
	bool caller_bounding_set_is_empty; /* the caller's bounding set is empty already */
	struct process_limits process_limits;
	/* filter that the child installs before the exec; if `n_instructions` is 0, it installs
	   none */
	struct sandbox sandbox;
	int stdout_fd; /* stdout of the worker; -1: use the argument `output` of spawn_start */
	bool dies_with_parent; /* true: the kernel kills the worker when the caller dies; false: a
				  keeper kills it */
	int worker_pid_symlink_dir_fd; /* the directory of `worker_pid_symlink_name`; spawn_free
				      does not close it */
	/* name of the symbolic link that identifies the worker (worker_processes.h); NULL: do not
	   make one */
	char *worker_pid_symlink_name;
};
#define SPAWN_PID_DIGITS 10

/* The user id of the user "nobody" (DEFAULT_OVERFLOWUID of the kernel). */
#define SPAWN_NOBODY 65534

/*
 * Starts the program. It has fds[0..n_fds) as file descriptors from 3 on, `output` as stdout and
 * stderr, and /dev/null as stdin. The file descriptors of the caller stay open.
 */
int spawn_start(const struct spawn_settings *spawn, const int *fds, size_t n_fds, int output,
		pid_t *pid, struct error *err);
void spawn_free(struct spawn_settings *spawn);

/*
 * Finds a user by name or number; *gid becomes the user's primary group. Fails with EX_UNAVAILABLE
 * if there is no such user.
 */
int spawn_find_user(const char *name, uid_t *uid, gid_t *gid, const struct position *at,
		    struct error *err);
/* Finds a group by name or number. Fails with EX_UNAVAILABLE if there is no such group. */
int spawn_find_group(const char *name, gid_t *gid, const struct position *at, struct error *err);

/* --- find_program.c --- */

/*
 * Finds a program in PATH. `gadget_file_dir` is only for the hint of the error. The caller frees
 * *out.
 */
int spawn_find_program(const char *name, const char *gadget_file_dir, char **out,
		       const struct position *at, struct error *err);
/* Checks that the file can be executed, by any user that may search its directories. */
int spawn_check_executable(const char *path, struct error *err);
/* Adds to `err`, whose errno is that of a failed exec of `path`, what the user can do about it. */
int spawn_add_execute_hint(const char *path, struct error *err);
