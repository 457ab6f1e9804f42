/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reserves a user id for each worker. If the gadget file sets no user for the worker, the worker
 * runs with this user id. Otherwise it has a supplementary group with the same number. The range of
 * these ids is set with `./configure --with-worker-ids`; no other program may use ids of this
 * range. Therefore a worker cannot read the memory of other workers or of processes of other users,
 * trace them, or send signals to them.
 *
 * A directory, called the pool, contains a symbolic link ID -> OWNER for each reserved id. OWNER is
 * `owner_name`. symlink(2) is atomic, and the symbolic link continues to exist when the process
 * that made it has ended. A second symbolic link, in the run directory of the gadget, has the id as
 * its target, so that the id of an owner is found without a search.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct worker_uid_owner {
	const char *pool_dir; /* path of the pool */
	/* path of the symbolic link whose target is the owner's id; its directory must exist */
	const char *uid_lookup_symlink_path;
	const char *owner_name; /* any text; only one process at a time may use the same name */
};

/*
 * Gets the id that is reserved for the owner. If none is reserved, gets the id that
 * worker_uid_reserve would reserve, but does not reserve it. Returns 0, or -ENOSPC if no id is
 * free.
 */
int worker_uid_preview(const struct worker_uid_owner *owner, uid_t *uid);
/* Gets the id that is reserved for the owner. Returns false if there is none. */
bool worker_uid_find_reserved(const struct worker_uid_owner *owner, uid_t *uid);
/*
 * Reserves an id for the owner, unless it has one, and makes the pool if necessary. An owner that
 * has released its id gets the same id again, unless another owner has this id now. Returns 0 or a
 * negative errno.
 */
int worker_uid_reserve(const struct worker_uid_owner *owner, uid_t *uid);
/* Releases the id of the owner. If no other id is reserved, removes the directory of the pool. */
void worker_uid_release(const struct worker_uid_owner *owner);
/* Releases the ids of all owners whose name begins with `prefix`. If no other id is reserved,
   removes the directory of the pool. */
void worker_uid_release_all(const char *pool_dir, const char *prefix);
