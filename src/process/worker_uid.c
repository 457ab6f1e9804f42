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

#define FIRST_UID ((uid_t)FFSCTL_WORKER_ID_FIRST)
#define N_UIDS ((uid_t)(FFSCTL_WORKER_ID_LAST - FFSCTL_WORKER_ID_FIRST + 1))
/* Maximum number of attempts to make the directory `pool_dir`: another process removes it when it
   releases the last id. */
#define MAX_TRIES 1000

static char *uid_reservation_symlink_path(const struct worker_uid_owner *owner, uid_t uid)
{
	return strf("%s/%u", owner->pool_dir, (unsigned int)uid);
}

/* Returns the target of a symbolic link; NULL: it does not exist. The caller frees the text. */
static char *read_symlink_target(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text));

	return n < 0 ? NULL : xstrndup(text, (size_t)n);
}

static bool is_uid_reserved_for(const struct worker_uid_owner *owner, uid_t uid)
{
	_cleanup_free_ char *path = uid_reservation_symlink_path(owner, uid),
			    *name = read_symlink_target(path);

	return streq_null(name, owner->owner_name);
}

/* The symbolic link at `uid_lookup_symlink_path` may be out of date, so this function also checks
   that the id is still reserved for the owner. */
bool worker_uid_find_reserved(const struct worker_uid_owner *owner, uid_t *uid)
{
	_cleanup_free_ char *text = read_symlink_target(owner->uid_lookup_symlink_path);

	*uid = text ? (uid_t)strtoul(text, NULL, 10) : 0;
	return text && is_uid_reserved_for(owner, *uid);
}

/*
 * Returns the n-th id to try for an owner. The digest of the owner's name selects the first id to
 * try. The next ids follow this id.
 */
static uid_t nth_candidate_uid(const struct worker_uid_owner *owner, uid_t n)
{
	uid_t begin = (uid_t)(digest_add_text(DIGEST_EMPTY, owner->owner_name) % N_UIDS);

	return FIRST_UID + (begin + n) % N_UIDS;
}

int worker_uid_preview(const struct worker_uid_owner *owner, uid_t *uid)
{
	if (worker_uid_find_reserved(owner, uid))
		return 0;
	for (uid_t n = 0; n < N_UIDS; n++) {
		_cleanup_free_ char *path = NULL, *name = NULL;

		*uid = nth_candidate_uid(owner, n);
		path = uid_reservation_symlink_path(owner, *uid);
		name = read_symlink_target(path);
		if (!name || streq(name, owner->owner_name))
			return 0;
	}
	return -ENOSPC;
}

/*
 * Reserves the first free id: makes the symbolic link ID -> OWNER in the pool. If the pool has a
 * symbolic link to this owner already, an earlier call was interrupted: uses the id of that link.
 */
static int reserve_free_uid(const struct worker_uid_owner *owner, uid_t *uid)
{
	int tries = 0;

	for (uid_t n = 0; n < N_UIDS;) {
		_cleanup_free_ char *path = NULL;

		*uid = nth_candidate_uid(owner, n);
		path = uid_reservation_symlink_path(owner, *uid);
		if (symlink(owner->owner_name, path) == 0 ||
		    (errno == EEXIST && is_uid_reserved_for(owner, *uid)))
			return 0;
		if (errno == EEXIST)
			n++;
		else if (errno != ENOENT || ++tries == MAX_TRIES ||
			 (mkdir(owner->pool_dir, 0755) < 0 && errno != EEXIST))
			return -errno;
	}
	return -ENOSPC;
}

int worker_uid_reserve(const struct worker_uid_owner *owner, uid_t *uid)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (worker_uid_find_reserved(owner, uid))
		return 0;
	r = reserve_free_uid(owner, uid);
	if (r < 0)
		return r;
	text = strf("%u", (unsigned int)*uid);
	unlink(owner->uid_lookup_symlink_path);
	return symlink(text, owner->uid_lookup_symlink_path) < 0 ? -errno : 0;
}

void worker_uid_release(const struct worker_uid_owner *owner)
{
	_cleanup_free_ char *path = NULL;
	uid_t uid;

	/* worker_uid_preview() finds the id in the pool even if the owner's symbolic link is
	   missing. */
	if (worker_uid_preview(owner, &uid) == 0 && is_uid_reserved_for(owner, uid)) {
		path = uid_reservation_symlink_path(owner, uid);
		unlink(path);
	}
	unlink(owner->uid_lookup_symlink_path);
	rmdir(owner->pool_dir); /* fails while another owner has an id */
}

void worker_uid_release_all(const char *pool, const char *prefix)
{
	DIR *dir = opendir(pool);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *path = strf("%s/%s", pool, entry->d_name),
				    *name = read_symlink_target(path);

		if (name && str_has_prefix(name, prefix))
			unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(pool);
}
