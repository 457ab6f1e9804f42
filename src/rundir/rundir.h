/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/ffsctl/NAME: what the next process must know about a gadget.
 *
 *   lock      held (fcntl, F_OFD_SETLK) by whoever works on the gadget, its supervisor as long as
 *             it lives; its text says who that is
 *   record    JSON, written before the first step: the plan, the gadget file and its JSON form.
 *             It makes a gadget ours, and any other process able to undo it. Only root's to
 *             read: a worker's `env` may hold secrets
 *   status    JSON, replaced at each change
 *   control   the supervisor's socket
 *   keeper-FUNCTION  where its keeper waits for the next supervisor
 *   user-FUNCTION    the user id of its own that its worker has
 *   log       the last of the workers' output
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"
#include "plan/plan.h"
#include "process/family.h"

struct rundir {
	char *path;
	int dir_fd;
	int lock_fd;
	bool survived; /* a supervisor has died here while its gadget was up; see
			  supervisor/take_over.h */
};
#define RUNDIR_NONE ((struct rundir){ .dir_fd = -1, .lock_fd = -1 })
#define _cleanup_rundir_ _cleanup_(rundir_close)

#define RUNDIR_LOCK "lock"
#define RUNDIR_RECORD "record"
#define RUNDIR_STATUS "status"
#define RUNDIR_CONTROL "control"
#define RUNDIR_LOG "log"
/* Beside the gadgets' directories, which never begin with a dot: see process/own_user.h. */
#define RUNDIR_USERS ".users"
#define RUNDIR_USER "user-"
#define RUNDIR_WORKER "worker-" /* a link: see process/family.h */

/* How the lock's owner calls itself. */
#define WHO_COMING_UP "up"
#define WHO_TAKING_OVER "up, taking over" /* `up` where a supervisor has died */
#define WHO_UP "supervisor"
#define WHO_GOING_DOWN "going down"
#define WHO_DOWN "down" /* clearing what a dead supervisor has left */
#define WHO_PROBING "features"

/*
 * Makes the directory if need be and takes the lock, in the name of `who` ("up"). -EWOULDBLOCK
 * when somebody else has it: see rundir_owner.
 */
int rundir_lock(struct rundir *rundir, const struct paths *paths, const char *name, const char *who,
		struct error *err);
/* The same where the lock is ours already, by a descriptor that an exec has handed on. */
int rundir_resume(struct rundir *rundir, const struct paths *paths, const char *name, int lock_fd,
		  struct error *err);
/* After a fork the lock has a new owner. */
int rundir_sign(const struct rundir *rundir, const char *who, struct error *err);
void rundir_close(struct rundir *rundir);
/* From one variable to another, which then owns it. */
struct rundir rundir_steal(struct rundir *rundir);

/* Removes the directory with everything ffsctl put there, and /run/ffsctl if nothing else is in it.
 */
int rundir_remove(struct rundir *rundir, struct error *err);

/*
 * Whose lock it is. pid 0: not locked, -1: of a process that has not signed it (`who` is "?").
 * `who` is freed by the caller. -errno, -ENOENT: no such gadget.
 */
int rundir_owner(const struct paths *paths, const char *name, pid_t *pid, char **who);

/* Removes all but the lock, which stays ours: the name is taken, and nothing is there. */
void rundir_empty(struct rundir *rundir);

/* Reads RUN/NAME/FILE of at most `max` bytes. -ENOENT (no text) when it is not there. The caller
 * frees *text. */
int rundir_read_text(const struct paths *paths, const char *name, const char *file, size_t max,
		     char **text, size_t *size, struct error *err);
/* The same of a JSON document. The caller owns *json. */
int rundir_read(const struct paths *paths, const char *name, const char *file, json_t **json,
		struct error *err);
int rundir_write(const struct rundir *rundir, const char *file, const json_t *json,
		 struct error *err);

/*
 * The user id of its own that a function's worker has. Without the lock it is only looked for: a
 * worker that has none yet would get that one. -errno, -ENOSPC: all are taken.
 */
int rundir_user(const struct rundir *rundir, const char *function, uid_t *uid);
/* Gives it back; also when somebody has removed the directory. */
void rundir_give_back_user(const struct rundir *rundir, const char *function);
/* Gives back those of the functions that `keep` (unless NULL) does not say. */
void rundir_give_back_users(const struct rundir *rundir,
			    bool (*keep)(const void *data, const char *function), const void *data);

/* Gives back those of a gadget that has no directory any more. */
void rundir_forget_users(const struct paths *paths, const char *name);

/* What the function's last worker has noted of itself; false: none. */
bool rundir_worker(const struct rundir *rundir, const char *function, struct family *family);
/* Calls `fn` for each function of which something tells which processes its worker has started. */
void rundir_each_worker(const struct rundir *rundir,
			void (*fn)(void *data, const char *function, const struct family *family),
			void *data);

/* Whether there is such a file in a gadget's directory. */
bool rundir_has(const struct paths *paths, const char *name, const char *file);
/* Whether it is a gadget's directory, also when somebody has deleted something in it. */
bool rundir_exists(const struct paths *paths, const char *name);

/* Calls `fn` for every gadget that has a directory; stops when it returns non-zero. */
int rundir_each(const struct paths *paths, int (*fn)(void *data, const char *name), void *data);
/* Of all that is there, whether or not it is a gadget's, which saves a look into each. */
int rundir_each_name(const struct paths *paths, int (*fn)(void *data, const char *name),
		     void *data);

/* Whether a gadget was made, or begun, of which nothing else knows how to undo it. */
bool rundir_has_record(const struct rundir *rundir);

/* Fails with EX_CANTCREAT: another command works on the gadget (rundir_owner says which). */
int rundir_in_use(const char *name, pid_t pid, const char *who, struct error *err);
