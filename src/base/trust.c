/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/trust.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

#define MAX_LINKS 40 /* as in the kernel: include/linux/namei.h, MAXSYMLINKS */
/*
 * Maximum number of components to walk: PATH_MAX / 2 in the path, and as many in the target of each
 * link.
 */
#define MAX_STEPS (MAX_LINKS * PATH_MAX / 2)

/* Constants of linux/posix_acl.h and posix_acl_xattr.h, which are not exported to user space. */
#define ACL_NAME "system.posix_acl_access"
#define ACL_VERSION 2
#define ACL_WRITE 2
enum { ACL_USER = 0x02, ACL_GROUP = 0x08 };
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

/* A directory that the walk has passed. */
struct walked_directory {
	struct stat stat;
	char *path;
	bool others_write;
	uid_t next_uid; /* owner of the next component, which is in this directory */
};

struct path_walk {
	char *remaining;  /* components of the path that were not opened yet */
	char *path;	  /* path of `fd`, for messages */
	int fd;		  /* current component */
	struct stat stat; /* status of `fd` */
	struct walked_directory *walked;
	size_t n_walked;
	unsigned int links; /* number of symbolic links followed */
};

/* --- permissions --- */

/*
 * Returns whether the access control list of a file allows other users to write. Called only if the
 * group bits of the mode allow writing, because they are the mask of the list.
 */
static bool acl_lets_others_write(int fd)
{
	_cleanup_free_ char *path = strf("/proc/self/fd/%d", fd);
	struct {
		uint32_t version;
		struct acl_entry entry[128];
	} acl;
	ssize_t n = getxattr(path, ACL_NAME, &acl, sizeof(acl));

	/* ERANGE: more than 128 entries; treated as writable. */
	if (n < 0)
		return errno == ERANGE;
	if (n < (ssize_t)sizeof(acl.version) || le32toh(acl.version) != ACL_VERSION)
		return true;
	n = (n - (ssize_t)sizeof(acl.version)) / (ssize_t)sizeof(acl.entry[0]);
	for (ssize_t i = 0; i < n; i++) {
		uint16_t tag = le16toh(acl.entry[i].tag);

		if ((tag == ACL_USER || tag == ACL_GROUP) && acl.entry[i].id != 0 &&
		    le16toh(acl.entry[i].perm) & ACL_WRITE)
			return true;
	}
	return false;
}

/*
 * Returns whether other users may write. Ignores the group 0, and a group with the owner's number,
 * which is the private group of the owner on most systems.
 */
static bool others_write(int fd, const struct stat *st)
{
	if (S_ISCHR(st->st_mode)) /* on a terminal, a write by other users is output, not input */
		return false;
	if (st->st_mode & S_IWOTH)
		return true;
	return st->st_mode & S_IWGRP &&
	       ((st->st_gid != 0 && st->st_gid != st->st_uid) || acl_lets_others_write(fd));
}

/* --- the walk --- */

static void walk_end(struct path_walk *w)
{
	for (size_t i = 0; i < w->n_walked; i++)
		free(w->walked[i].path);
	free(w->walked);
	free(w->remaining);
	free(w->path);
	cleanup_close(&w->fd);
}

static int move_to(struct path_walk *w, int fd, char *here)
{
	cleanup_close(&w->fd);
	free(w->path);
	w->fd = fd;
	w->path = here;
	return fstat(fd, &w->stat) < 0 ? -errno : 0;
}

static int move_to_root(struct path_walk *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : move_to(w, fd, xstrdup("/"));
}

static char *join_path(const char *dir, const char *name)
{
	return strf("%s%s%s", dir, streq(dir, "/") ? "" : "/", name);
}

/*
 * Returns whether a link is one of procfs, which may lead to a file without a path, a pipe for
 * example.
 */
static bool is_of_procfs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int follow_link(struct path_walk *w, const char *name, int link)
{
	char target[PATH_MAX], *rest = w->remaining;
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	int fd;

	if (n < 0)
		return -errno;
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	target[n] = '\0';
	if (*target != '/' && is_of_procfs(link)) {
		fd = openat(w->fd, name, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : move_to(w, fd, join_path(w->path, name));
	}
	w->remaining = strf("%s%s", target, rest); /* `rest` begins with "/" or is empty */
	free(rest);
	return *target == '/' ? move_to_root(w) : 0;
}

/* Opens the next component of w->remaining. */
static int walk_component(struct path_walk *w)
{
	const char *begin = w->remaining + strspn(w->remaining, "/");
	_cleanup_free_ char *name = xstrndup(begin, strcspn(begin, "/"));
	char *rest = xstrdup(begin + strlen(name));
	_cleanup_close_ int fd = -1;
	struct walked_directory *walked;
	struct stat st;

	free(w->remaining);
	w->remaining = rest;
	if (!*name || streq(name, "."))
		return 0;
	if (!S_ISDIR(w->stat.st_mode))
		return -ENOTDIR;
	fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	walked = array_add(w->walked, w->n_walked);
	*walked = (struct walked_directory){ .stat = w->stat,
					     .path = xstrdup(w->path),
					     .others_write = others_write(w->fd, &w->stat),
					     .next_uid = st.st_uid };
	if (S_ISLNK(st.st_mode))
		return follow_link(w, name, fd);
	return move_to(w, steal_fd(&fd), join_path(w->path, name));
}

static int walk_path(struct path_walk *w, const char *path)
{
	int r = move_to_root(w);

	if (!*path)
		return -ENOENT;
	w->remaining = *path == '/' ? xstrdup(path) : strf("/proc/self/cwd/%s", path);
	for (int i = 0; r == 0 && w->remaining[strspn(w->remaining, "/")]; i++)
		r = i < MAX_STEPS ? walk_component(w) : -ENAMETOOLONG;
	/* A path with a final slash must lead to a directory. */
	return r == 0 && *w->remaining && !S_ISDIR(w->stat.st_mode) ? -ENOTDIR : r;
}

/* --- reasons --- */

/*
 * Returns the reason why the owner `uid` of a file is not trusted. `owner` is the trusted user
 * besides root; 0: only root is trusted. The caller frees the text.
 */
static char *describe_foreign_owner(uid_t uid, uid_t owner)
{
	if (owner == 0)
		return strf("belongs to user %u, not to root", (unsigned int)uid);
	return strf("belongs to user %u, not to root or to user %u", (unsigned int)uid,
		    (unsigned int)owner);
}

static char *find_distrust_of_directory(const struct walked_directory *p, uid_t owner)
{
	if (p->stat.st_uid != 0 && p->stat.st_uid != owner) {
		_cleanup_free_ char *reason = describe_foreign_owner(p->stat.st_uid, owner);

		return strf("the directory %s %s", p->path, reason);
	}
	/* In a directory with the sticky bit only the owner of a file can replace it. */
	if (p->others_write && !(p->stat.st_mode & S_ISVTX && p->next_uid == p->stat.st_uid))
		return strf("others may write in the directory %s (mode %04o)", p->path,
			    (unsigned int)p->stat.st_mode & 07777);
	return NULL;
}

static char *find_distrust(const struct path_walk *w, enum trust trust)
{
	uid_t owner = trust == TRUST_ROOT ? 0 : w->stat.st_uid;
	char *why = NULL;

	if (others_write(w->fd, &w->stat))
		return strf("others may write to it (mode %04o)",
			    (unsigned int)w->stat.st_mode & 07777);
	if (w->stat.st_uid != 0 && w->stat.st_uid != owner) {
		_cleanup_free_ char *reason = describe_foreign_owner(w->stat.st_uid, owner);

		return strf("it %s", reason);
	}
	/*
	 * Begins with the directory nearest to the file, because the user most likely made that
	 * one.
	 */
	for (size_t i = w->n_walked; i > 0 && !why; i--)
		why = find_distrust_of_directory(&w->walked[i - 1], owner);
	return why;
}

int trust_open(const char *path, enum trust trust, int *fd, char **why)
{
	struct path_walk w = { .fd = -1 };
	int r = walk_path(&w, path);

	*why = r == 0 ? find_distrust(&w, trust) : NULL;
	*fd = r == 0 ? steal_fd(&w.fd) : -1;
	walk_end(&w);
	return r;
}

char *trust_check(const char *path, enum trust trust)
{
	_cleanup_close_ int fd = -1;
	char *why;

	return trust_open(path, trust, &fd, &why) < 0 ? NULL : why;
}

int trust_refuse(const char *path, const char *why, struct error *err)
{
	error_set(err, EX_NOPERM, EPERM, path, "cannot use %s as root: %s", path, why);
	return error_detail(err, "a user who can change the file could act as root");
}
