/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates a user id for each worker whose gadget file names no user. The range of ids is reserved
 * for ffsctl (./configure --with-worker-ids), so that workers can neither read, trace nor signal
 * each other, nor processes of other users.
 *
 * A directory, the pool, has a symbolic link ID -> OWNER for each id in use. symlink(2) is atomic,
 * and the link survives its process. A second link, in a directory of OWNER, leads to ID, and saves
 * a search of the pool.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct own_user {
	const char *pool;	/* the pool's directory */
	const char *owner_link; /* path of the owner's link, in a directory that exists */
	const char *owner;	/* any text; only one process at a time may use it */
};

/* Gets the owner's id, or the one it would get now; allocates nothing. -ENOSPC: no id is free. */
int own_user_find(const struct own_user *user, uid_t *uid);
/* Gets the owner's id; false: it has none. */
bool own_user_has(const struct own_user *user, uid_t *uid);
/*
 * Allocates an id, and makes the pool if needed. Returns the same id for an owner that has one, and
 * for one that has released its id, unless another owner has it now. -errno.
 */
int own_user_take(const struct own_user *user, uid_t *uid);
/* Releases the owner's id, and removes the pool if it is empty then. */
void own_user_release(const struct own_user *user);
/* Releases the ids of all owners whose text begins with `prefix`; reads the whole pool. */
void own_user_release_all(const char *pool, const char *prefix);
