/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User ids of workers' own. A worker whose gadget file names no user gets one from a range that is
 * nobody else's (./configure --with-worker-ids): workers can neither read, trace nor signal each
 * other, nor what belongs to another user.
 *
 * Whose an id is stands in a directory for all of the machine, the pool, as a symbolic link ID ->
 * OWNER: a link is made atomically, and stays when the process that has made it dies. Which id it
 * has an owner finds by a link of its own, so that nobody has to look through the pool.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct own_user {
	const char *pool;  /* the directory */
	const char *link;  /* the owner's link, to be made in a directory that exists */
	const char *owner; /* any text; two processes must not ask for the same one at a time */
};

/* The id that the owner has, or would get now, which changes nothing. -ENOSPC: all are taken. */
int own_user_find(const struct own_user *user, uid_t *uid);
/* The one that the owner has; false: it has none. */
bool own_user_has(const struct own_user *user, uid_t *uid);
/*
 * Makes it the owner's, and the pool, if need be. An owner that asks again gets the same id; so
 * does one that was away, unless it was taken meanwhile. -errno.
 */
int own_user_take(const struct own_user *user, uid_t *uid);
/* Gives it back, and removes the pool with the last one. */
void own_user_release(const struct own_user *user);
/* The same of all owners that begin so, which takes a look at every id of the pool. */
void own_user_release_all(const char *pool, const char *prefix);
