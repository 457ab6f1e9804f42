/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reserves a user id for each worker. A worker whose gadget file names no user runs as this user;
 * every other worker has the id as a group. Only ffsctl uses the ids (./configure
 * --with-worker-ids), so that workers can neither read, trace nor signal each other, nor processes
 * of other users.
 *
 * The pool is a directory with a symbolic link ID -> OWNER for each reserved id. symlink(2) is
 * atomic, and the link continues to exist after the process has ended. A second link, in the run
 * directory of the gadget, has the target ID, so that the pool need not be searched.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct worker_uid_owner {
	const char *pool;	/* the pool's directory */
	const char *owner_link; /* path of the link to the id; its directory exists */
	const char *owner; /* name of the owner, any text; only one process at a time may use it */
};

/*
 * Gets the id that is reserved for the owner or, if there is none, the id that worker_uid_reserve
 * would reserve now. Reserves nothing. Returns -ENOSPC if no id is free.
 */
int worker_uid_preview(const struct worker_uid_owner *owner, uid_t *uid);
/* Gets the id that is reserved for the owner. Returns false if there is none. */
bool worker_uid_get(const struct worker_uid_owner *owner, uid_t *uid);
/*
 * Reserves an id, and makes the pool if necessary. An owner that has an id keeps it. An owner that
 * has released its id gets the same id again, unless another owner has it now. Returns 0 or a
 * negative errno.
 */
int worker_uid_reserve(const struct worker_uid_owner *owner, uid_t *uid);
/* Releases the owner's id, and removes the pool if it is empty then. */
void worker_uid_release(const struct worker_uid_owner *owner);
/* Releases the ids of all owners whose text begins with `prefix`; reads the whole pool. */
void worker_uid_release_all(const char *pool, const char *prefix);
