/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run directory of a gadget, /run/ffsctl/NAME. It contains what another process needs to take
 * over the gadget or to undo it.
 *
 *   lock      locked (fcntl, F_OFD_SETLK) by the process that changes the gadget; the supervisor
 *             keeps it locked while the gadget is up. Content: pid and role of the owner
 *   record    JSON, written before the first step: the plan, the gadget file and its document.
 *             A gadget with a record was made by ffsctl, and any process can undo it. Mode 0600,
 *             because the `env` of a worker can contain secrets
 *   status    JSON, replaced at each change
 *   control   the socket of the supervisor
 *   keeper-FUNCTION  the socket to which the next supervisor of the keeper connects
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

/* The open run directory of a gadget. */
struct rundir {
	char *path;
	int dir_fd;
	int lock_fd;
	/*
	 * The previous owner of the lock was the supervisor of a gadget that was up: a takeover is
	 * possible (supervisor/take_over.h).
	 */
	bool previous_supervisor_died;
};
#define RUNDIR_NONE ((struct rundir){ .dir_fd = -1, .lock_fd = -1 })
#define _cleanup_rundir_ _cleanup_(rundir_close)

#define RUNDIR_LOCK "lock"
#define RUNDIR_RECORD "record"
#define RUNDIR_STATUS "status"
#define RUNDIR_CONTROL "control"
#define RUNDIR_LOG "log"
#define RUNDIR_LOG_INPUT "log-input" /* output on its way to the log (log_file.c) */
/*
 * Directory of the reserved user ids (process/worker_uid.h): /run/ffsctl/.users. The name of a
 * gadget never begins with a dot.
 */
#define RUNDIR_UID_POOL ".users"
/* Symbolic links of a function in the run directory: user-FUNCTION, worker-FUNCTION. */
#define RUNDIR_UID_SYMLINK "user-"
#define RUNDIR_WORKER_SYMLINK "worker-"

/* What the owner of the lock does. The lock file contains a word for it: lock_owner_role_words. */
enum lock_owner_role {
	OWNER_UNKNOWN, /* no role was written yet, or a role that only another version has */
	OWNER_STARTING,
	OWNER_TAKING_OVER, /* `up` of a gadget whose supervisor died */
	OWNER_SUPERVISOR,
	OWNER_STOPPING,
	OWNER_CLEARING, /* `down` of a gadget whose supervisor died */
	OWNER_PROBING,	/* `features` */
	OWNER_ROLE_COUNT
};
extern const char *const lock_owner_role_words[OWNER_ROLE_COUNT];

/*
 * Opens the run directory, creates it if it does not exist, and takes the lock with the given role.
 * Fails with -EWOULDBLOCK if another process has the lock (see rundir_get_lock_owner).
 */
int rundir_lock(struct rundir *rundir, const struct paths *paths, const char *name,
		enum lock_owner_role role, struct error *err);
/*
 * Opens the run directory of a gadget after a re-exec: this process has locked it before execve(2).
 * `lock_fd` is the file descriptor of the lock, which stayed open; *rundir then owns it.
 */
int rundir_reopen_locked(struct rundir *rundir, const struct paths *paths, const char *name,
			 int lock_fd, struct error *err);
/* Writes the pid of this process and its role to the lock file, after a fork or in a new role. */
int rundir_write_lock_owner(const struct rundir *rundir, enum lock_owner_role role,
			    struct error *err);
/*
 * Opens the run directory of a gadget that has no owner, and takes its lock. Does not write the
 * lock file: the role of the last owner still says whether a takeover is possible. Returns false if
 * there is an owner.
 */
bool rundir_lock_without_owner(struct rundir *rundir, const struct paths *paths, const char *name);
void rundir_close(struct rundir *rundir);
/* Moves *rundir: returns its content and sets *rundir to RUNDIR_NONE. */
struct rundir rundir_steal(struct rundir *rundir);

/* Removes the run directory with its files, and then /run/ffsctl if it is empty. */
int rundir_remove(struct rundir *rundir, struct error *err);

/*
 * Stores pid and role of the owner of the lock. *pid becomes 0 if the lock is free, -1 if the owner
 * has not written its pid yet. `role` may be NULL. Returns 0 or a negative errno; -ENOENT: the
 * gadget has no lock file.
 */
int rundir_get_lock_owner(const struct paths *paths, const char *name, pid_t *pid,
			  enum lock_owner_role *role);

/* Removes all files except the lock, so that the gadget's name stays reserved. */
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
 * Stores in *uid the user id that is reserved for the worker of `function`. If there is none, a
 * caller that has the lock reserves an id; any other caller gets the id that would be reserved.
 * Returns -ENOSPC if all ids are in use.
 */
int rundir_get_worker_uid(const struct rundir *rundir, const char *function, uid_t *uid);
/* Releases the user id of the function's worker, even if the run directory was removed. */
void rundir_release_worker_uid(const struct rundir *rundir, const char *function);
/*
 * Releases the worker user ids of all functions, except those for which `keep` returns true. `keep`
 * may be NULL.
 */
void rundir_release_worker_uids(const struct rundir *rundir,
				bool (*keep)(const void *data, const char *function),
				const void *data);

/* Releases all worker user ids of a gadget whose run directory was removed. */
void rundir_release_all_worker_uids(const struct paths *paths, const char *name);

/*
 * Reads the process session and the start time of the function's last worker from worker-FUNCTION.
 * Returns false if this symbolic link does not exist or is invalid.
 */
bool rundir_read_worker_processes(const struct rundir *rundir, const char *function,
				  struct worker_processes *processes);
/*
 * Calls `fn` once for each function that has one of the symbolic links: user-FUNCTION, with the
 * user id of its worker, or worker-FUNCTION, with the process session of its last worker.
 */
void rundir_each_worker(const struct rundir *rundir,
			void (*fn)(void *data, const char *function,
				   const struct worker_processes *processes),
			void *data);

/* Returns whether RUN/NAME/FILE exists. */
bool rundir_has_file(const struct paths *paths, const char *name, const char *file);
/*
 * Returns whether RUN/NAME is the run directory of a gadget: lock, record, status or control
 * exists.
 */
bool rundir_exists(const struct paths *paths, const char *name);

/*
 * Calls `fn` for each gadget that has a run directory, until `fn` returns non-zero. Returns the
 * last value of `fn`, or a negative errno.
 */
int rundir_each_gadget(const struct paths *paths, int (*fn)(void *data, const char *name),
		       void *data);
/*
 * Does the same for each entry of /run/ffsctl whose name does not begin with a dot, even if it is
 * not the run directory of a gadget.
 */
int rundir_each_entry(const struct paths *paths, int (*fn)(void *data, const char *name),
		      void *data);

/* Returns whether the gadget has a record, so that there may be steps to undo. */
bool rundir_has_record(const struct rundir *rundir);

/*
 * Sets the error that another command works on the gadget (EX_CANTCREAT). `pid` and `role` are the
 * results of rundir_get_lock_owner. Returns a negative errno.
 */
int rundir_fail_in_use(const char *name, pid_t pid, enum lock_owner_role role, struct error *err);
