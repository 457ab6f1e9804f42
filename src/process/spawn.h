/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a worker: with the descriptors it is given and no others, as the user it is to be, in
 * a session of its own. What can be prepared is prepared once, so that a restart costs a vfork
 * and an exec.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "process/limits.h"
#include "process/sandbox.h"

struct spawn {
	char *program; /* absolute */
	char **argv;
	char **env;	  /* complete; LISTEN_PID's value is filled in at each start */
	char *listen_pid; /* points at that value in env, SPAWN_PID_DIGITS wide; NULL: none */
	char *directory;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	bool same_user;	       /* as the caller, who need not be root: uid and gid do not count */
	bool keep_privileges;  /* else: no_new_privs, and no more than */
	uint64_t capabilities; /* these; bit n for number n of capabilities(7) */
	bool bounded;	       /* the supervisor's own bounding set is empty already */
	struct process_limits limits;
	struct sandbox sandbox; /* what it gives up before it begins; n 0: nothing */
	int answer;		/* its stdout; -1: what `output` is */
	bool tied;		/* killed when the caller dies; else that is its keeper's to do */
	int note_dir; /* where it notes itself as a link of this name (process/family.h) */
	char *note;   /* NULL: nowhere */
};
#define SPAWN_PID_DIGITS 10

/* The kernel's overflow id (kernel/sys.c, DEFAULT_OVERFLOWUID): nobody's, on every system. */
#define SPAWN_NOBODY 65534

/*
 * Starts it with fds[0..n_fds) as 3.. and `output` as stdout and stderr (stdin is /dev/null). The
 * caller keeps its descriptors.
 */
int spawn_start(const struct spawn *spawn, const int *fds, size_t n_fds, int output, pid_t *pid,
		struct error *err);
void spawn_free(struct spawn *spawn);

/* Resolves names or numbers of the user database; `uid`'s own group is the default `gid`. */
int spawn_find_user(const char *name, uid_t *uid, gid_t *gid, const struct position *at,
		    struct error *err);
int spawn_find_group(const char *name, gid_t *gid, const struct position *at, struct error *err);

/* Looks a program up in the PATH of ffsctl's own environment; the caller frees *out. */
int spawn_find_program(const char *name, char **out, const struct position *at, struct error *err);
