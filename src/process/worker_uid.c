/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/worker_uid.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

#define FIRST ((uid_t)FFSCTL_WORKER_ID_FIRST)
#define COUNT ((uid_t)(FFSCTL_WORKER_ID_LAST - FFSCTL_WORKER_ID_FIRST + 1))
/* How often the pool is made again: another process that releases the last id removes it. */
#define TRIES 1000

static char *pool_path(const struct worker_uid_owner *user, uid_t uid)
{
	return strf("%s/%u", user->pool, (unsigned int)uid);
}

/* Returns the target of a link; NULL: no such link. The caller frees it. */
static char *read_link(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text));

	return n < 0 ? NULL : xstrndup(text, (size_t)n);
}

static bool is_reserved_for_owner(const struct worker_uid_owner *user, uid_t uid)
{
	_cleanup_free_ char *path = pool_path(user, uid), *owner = read_link(path);

	return streq_null(owner, user->owner);
}

/* Does not trust the owner's link alone: the pool must have a link to the same owner. */
bool worker_uid_get(const struct worker_uid_owner *user, uid_t *uid)
{
	_cleanup_free_ char *text = read_link(user->owner_link);

	*uid = text ? (uid_t)strtoul(text, NULL, 10) : 0;
	return text && is_reserved_for_owner(user, *uid);
}

/*
 * Returns the n-th id to try for an owner: the digest of the owner's name selects the first id, the
 * others follow it.
 */
static uid_t nth_candidate(const struct worker_uid_owner *user, uid_t n)
{
	uid_t begin = (uid_t)(digest_add_text(DIGEST_EMPTY, user->owner) % COUNT);

	return FIRST + (begin + n) % COUNT;
}

int worker_uid_preview(const struct worker_uid_owner *user, uid_t *uid)
{
	if (worker_uid_get(user, uid))
		return 0;
	for (uid_t n = 0; n < COUNT; n++) {
		_cleanup_free_ char *path = NULL, *owner = NULL;

		*uid = nth_candidate(user, n);
		path = pool_path(user, *uid);
		owner = read_link(path);
		if (!owner || streq(owner, user->owner))
			return 0;
	}
	return -ENOSPC;
}

/*
 * Makes the link in the pool. If the pool has a link to the owner already, an earlier attempt was
 * interrupted.
 */
static int reserve_free_id(const struct worker_uid_owner *user, uid_t *uid)
{
	int tries = 0;

	for (uid_t n = 0; n < COUNT;) {
		_cleanup_free_ char *path = NULL;

		*uid = nth_candidate(user, n);
		path = pool_path(user, *uid);
		if (symlink(user->owner, path) == 0 ||
		    (errno == EEXIST && is_reserved_for_owner(user, *uid)))
			return 0;
		if (errno == EEXIST)
			n++;
		else if (errno != ENOENT || ++tries == TRIES ||
			 (mkdir(user->pool, 0755) < 0 && errno != EEXIST))
			return -errno;
	}
	return -ENOSPC;
}

int worker_uid_reserve(const struct worker_uid_owner *user, uid_t *uid)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (worker_uid_get(user, uid))
		return 0;
	r = reserve_free_id(user, uid);
	if (r < 0)
		return r;
	text = strf("%u", (unsigned int)*uid);
	unlink(user->owner_link);
	return symlink(text, user->owner_link) < 0 ? -errno : 0;
}

void worker_uid_release(const struct worker_uid_owner *user)
{
	_cleanup_free_ char *path = NULL;
	uid_t uid;

	/* Finds the id by the pool as well, in case the owner's link was removed. */
	if (worker_uid_preview(user, &uid) == 0 && is_reserved_for_owner(user, uid)) {
		path = pool_path(user, uid);
		unlink(path);
	}
	unlink(user->owner_link);
	rmdir(user->pool); /* fails as long as another owner has an id */
}

void worker_uid_release_all(const char *pool, const char *prefix)
{
	DIR *dir = opendir(pool);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *path = strf("%s/%s", pool, entry->d_name),
				    *owner = read_link(path);

		if (owner && str_has_prefix(owner, prefix))
			unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(pool);
}
