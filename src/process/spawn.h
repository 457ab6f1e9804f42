/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts a worker in a new session, as a given user, with given descriptors and no others. struct
 * spawn is prepared once, so that a restart costs only a vfork and an exec.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/limits.h"
#include "process/sandbox.h"

struct spawn {
	char *program; /* absolute path */
	char **argv;
	char **env; /* the complete environment; LISTEN_PID's value is filled in at each start */
	char *listen_pid; /* LISTEN_PID's value in env, SPAWN_PID_DIGITS wide; NULL: none */
	char *directory;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	bool same_user;		 /* keep the caller's user; ignores uid, gid and groups */
	bool keep_privileges;	 /* false: sets no_new_privs and keeps only `capabilities` */
	uint64_t capabilities;	 /* bit n is the capability with number n (capabilities(7)) */
	bool bounding_set_empty; /* the caller's bounding set is empty already */
	struct process_limits limits;
	struct sandbox sandbox; /* filter that is entered before the exec; n_instructions 0: none */
	int stdout_fd;		/* the worker's stdout; -1: the argument `output` of spawn_start */
	bool dies_with_parent;	/* the kernel kills the process when the caller dies; else a keeper
				   kills it */
	int worker_link_dir;	/* descriptor of the directory of `worker_link`; not owned */
	char *worker_link;	/* name of the link that identifies the worker (worker_processes.h);
				   NULL: none */
};
#define SPAWN_PID_DIGITS 10

/* The kernel's overflow id (kernel/sys.c, DEFAULT_OVERFLOWUID): the user "nobody". */
#define SPAWN_NOBODY 65534

/*
 * Starts the program with fds[0..n_fds) as descriptors 3.., `output` as stdout and stderr, and
 * /dev/null as stdin. The caller still owns its descriptors.
 */
int spawn_start(const struct spawn *spawn, const int *fds, size_t n_fds, int output, pid_t *pid,
		struct error *err);
void spawn_free(struct spawn *spawn);

/*
 * Finds a user by name or number; *gid becomes the user's primary group. Fails with EX_UNAVAILABLE
 * if there is no such user.
 */
int spawn_find_user(const char *name, uid_t *uid, gid_t *gid, const struct position *at,
		    struct error *err);
/* Finds a group by name or number. Fails with EX_UNAVAILABLE if there is no such group. */
int spawn_find_group(const char *name, gid_t *gid, const struct position *at, struct error *err);

/*
 * Finds a program in the PATH of ffsctl's environment; the caller frees *out. Fails with
 * EX_UNAVAILABLE if there is no such program.
 */
int spawn_find_program(const char *name, char **out, const struct position *at, struct error *err);
