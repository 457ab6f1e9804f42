/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run directory of a gadget, /run/ffsctl/NAME. It holds what another process needs to continue
 * the gadget or to undo it.
 *
 *   lock      locked (fcntl, F_OFD_SETLK) by the process that changes the gadget; the supervisor
 *             keeps it locked while the gadget is up. Content: pid and name of the owner
 *   record    JSON, written before the first step: the plan, the gadget file and its document.
 *             A gadget with a record was made by ffsctl, and any process can undo it. Mode 0600,
 *             because the `env` of a worker can contain secrets
 *   status    JSON, replaced at each change
 *   control   the socket of the supervisor
 *   keeper-FUNCTION  the socket on which the keeper waits for the next supervisor
 *   user-FUNCTION    a symbolic link: the user id that is reserved for the function's worker
 *   worker-FUNCTION  a symbolic link: the worker's processes (process/worker_processes.h)
 *   log       events of the gadget and output of its workers
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"
#include "plan/plan.h"
#include "process/worker_processes.h"

struct rundir {
	char *path;
	int dir_fd;
	int lock_fd;
	/* The previous owner was the supervisor of a gadget that was up: a takeover is possible
	   (supervisor/take_over.h). */
	bool supervisor_died;
};
#define RUNDIR_NONE ((struct rundir){ .dir_fd = -1, .lock_fd = -1 })
#define _cleanup_rundir_ _cleanup_(rundir_close)

#define RUNDIR_LOCK "lock"
#define RUNDIR_RECORD "record"
#define RUNDIR_STATUS "status"
#define RUNDIR_CONTROL "control"
#define RUNDIR_LOG "log"
/*
 * The pool of user ids (process/worker_uid.h). It is in the same directory as the gadgets, whose
 * names never begin with a dot.
 */
#define RUNDIR_USERS ".users"
#define RUNDIR_USER "user-"
#define RUNDIR_WORKER "worker-" /* see process/worker_processes.h */

/* What the owner of the lock does. The lock file contains the word for it. */
enum owner_role {
	OWNER_UNKNOWN, /* no role was written yet, or a role of another version */
	OWNER_STARTING,
	OWNER_TAKING_OVER, /* `up` after a supervisor died */
	OWNER_SUPERVISOR,
	OWNER_STOPPING,
	OWNER_CLEARING, /* `down`: undoes the gadget of a dead supervisor */
	OWNER_PROBING,	/* `features` */
	OWNER_ROLE_COUNT
};
extern const char *const owner_words[OWNER_ROLE_COUNT];

/*
 * Takes the lock as `role` and creates the directory if it does not exist. Fails with -EWOULDBLOCK
 * if another process has the lock (see rundir_owner).
 */
int rundir_lock(struct rundir *rundir, const struct paths *paths, const char *name,
		enum owner_role role, struct error *err);
/*
 * Opens the directory of a gadget that this process has locked before execve(2). `lock_fd` is the
 * descriptor of the lock, which stayed open over execve; *rundir then owns it.
 */
int rundir_resume(struct rundir *rundir, const struct paths *paths, const char *name, int lock_fd,
		  struct error *err);
/* Writes this process into the lock file as the owner, after a fork or in a new role. */
int rundir_set_owner(const struct rundir *rundir, enum owner_role role, struct error *err);
void rundir_close(struct rundir *rundir);
/* Returns the content of `rundir`, which is RUNDIR_NONE afterwards. */
struct rundir rundir_steal(struct rundir *rundir);

/* Removes the directory and its files, and /run/ffsctl if it is empty then. */
int rundir_remove(struct rundir *rundir, struct error *err);

/*
 * Finds the owner of the lock. *pid becomes 0 if the lock is free, -1 if its owner has not written
 * a pid yet. `role` may be NULL. Returns 0 or a negative errno; -ENOENT if the gadget does not
 * exist.
 */
int rundir_owner(const struct paths *paths, const char *name, pid_t *pid, enum owner_role *role);

/* Removes the files but keeps the lock, so that the name stays reserved. */
void rundir_remove_files(struct rundir *rundir);

/*
 * Reads RUN/NAME/FILE, at most `max` bytes. Returns -ENOENT and leaves `err` empty if the file does
 * not exist. The caller frees *text.
 */
int rundir_read_text(const struct paths *paths, const char *name, const char *file, size_t max,
		     char **text, size_t *size, struct error *err);
/* Does the same as rundir_read_text, and parses the text as JSON. The caller owns *json. */
int rundir_read(const struct paths *paths, const char *name, const char *file, json_t **json,
		struct error *err);
int rundir_write(const struct rundir *rundir, const char *file, const json_t *json,
		 struct error *err);

/*
 * Returns in *uid the user id that is reserved for the worker of `function`. If there is none, the
 * owner of the lock reserves an id; another caller gets the id that would be reserved. Returns
 * -ENOSPC if all ids are in use.
 */
int rundir_worker_uid(const struct rundir *rundir, const char *function, uid_t *uid);
/* Releases the user id of the worker of `function`, also if the run directory was removed. */
void rundir_release_user(const struct rundir *rundir, const char *function);
/* Releases the user ids of all functions for which `keep` is NULL or returns false. */
void rundir_release_users(const struct rundir *rundir,
			  bool (*keep)(const void *data, const char *function), const void *data);

/* Releases all user ids of a gadget whose directory was removed. */
void rundir_release_users_of(const struct paths *paths, const char *name);

/*
 * Reads session and start time of the function's last worker from its link. Returns false if there
 * is no link.
 */
bool rundir_worker_processes(const struct rundir *rundir, const char *function,
			     struct worker_processes *processes);
/*
 * Calls `fn` once for each function for which the user id or the session of the last worker is
 * known.
 */
void rundir_each_worker(const struct rundir *rundir,
			void (*fn)(void *data, const char *function,
				   const struct worker_processes *processes),
			void *data);

/* Returns whether RUN/NAME/FILE exists. */
bool rundir_has(const struct paths *paths, const char *name, const char *file);
/* Returns whether RUN/NAME is the directory of a gadget: one of its main files exists. */
bool rundir_exists(const struct paths *paths, const char *name);

/*
 * Calls `fn` for each gadget that has a directory, until `fn` returns non-zero. Returns that value,
 * or a negative errno.
 */
int rundir_each(const struct paths *paths, int (*fn)(void *data, const char *name), void *data);
/*
 * Does the same for each name in /run/ffsctl that does not begin with a dot, also if it is not the
 * directory of a gadget.
 */
int rundir_each_name(const struct paths *paths, int (*fn)(void *data, const char *name),
		     void *data);

/* Returns whether there is a record. If so, there may be steps to undo. */
bool rundir_has_record(const struct rundir *rundir);

/*
 * Sets the error EX_CANTCREAT: another command works on the gadget. `pid` and `role` are the
 * results of rundir_owner. Returns a negative errno.
 */
int rundir_in_use(const char *name, pid_t pid, enum owner_role role, struct error *err);
