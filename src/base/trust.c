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

#define MAX_LINKS 40 /* maximum number of symbolic links in a path: MAXSYMLINKS of the kernel */
/*
 * Maximum number of components to open. The path and the target of each symbolic link have at most
 * PATH_MAX / 2 components, because each component is at least one letter and a '/'.
 */
#define MAX_STEPS ((MAX_LINKS + 1) * PATH_MAX / 2)

/* Constants of the kernel headers linux/posix_acl.h and posix_acl_xattr.h, which programs cannot
   include. */
#define ACL_NAME "system.posix_acl_access"
#define ACL_VERSION 2
#define ACL_WRITE 2
enum { ACL_USER = 0x02, ACL_GROUP = 0x08 };
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

/* A directory of the path: what decides later whether the directory is trusted. It is recorded when
   the next component of the path was opened in the directory. */
struct walked_directory {
	struct stat stat;
	char *path;
	bool others_can_write; /* users other than the owner and root */
	uid_t next_component_owner;
};

/* The state of a walk. A walk opens the components of a path one after the other. */
struct path_walk {
	char *remaining_path; /* components of the path that are not open yet */
	char *path;	      /* path of `fd`, for messages */
	int fd;		      /* the component that was opened last */
	struct stat stat;     /* of `fd` */
	struct walked_directory *directories;
	size_t n_directories;
	unsigned int n_links_followed;
};

/* --- permissions --- */

/*
 * Returns whether the access control list of a file permits other users to write. Called only if
 * the group bits of the mode permit writing, because they are the mask of the access control list.
 */
static bool acl_lets_others_write(int fd)
{
	_cleanup_free_ char *path = strf("/proc/self/fd/%d", fd);
	struct {
		uint32_t version;
		struct acl_entry entry[128];
	} acl;
	ssize_t n = getxattr(path, ACL_NAME, &acl, sizeof(acl));

	/* ERANGE: the list has more than 128 entries. Such a file is treated as writable. */
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
 * Returns whether users other than the owner and root may write. Ignores two groups: the group 0,
 * and the group whose id is the user id of the owner, which is the private group of the owner on
 * most systems.
 */
static bool others_can_write(int fd, const struct stat *st)
{
	/* Other users may write to a character device, for example a terminal: the terminal only
	   displays this text, and ffsctl does not read it. */
	if (S_ISCHR(st->st_mode))
		return false;
	if (st->st_mode & S_IWOTH)
		return true;
	return st->st_mode & S_IWGRP &&
	       ((st->st_gid != 0 && st->st_gid != st->st_uid) || acl_lets_others_write(fd));
}

/* --- path_walk --- */

static void walk_free(struct path_walk *w)
{
	for (size_t i = 0; i < w->n_directories; i++)
		free(w->directories[i].path);
	free(w->directories);
	free(w->remaining_path);
	free(w->path);
	cleanup_close(&w->fd);
}

static int move_walk_to(struct path_walk *w, int fd, char *here)
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

	return fd < 0 ? -errno : move_walk_to(w, fd, xstrdup("/"));
}

static char *join_path(const char *dir, const char *name)
{
	return strf("%s%s%s", dir, streq(dir, "/") ? "" : "/", name);
}

/*
 * Returns whether a symbolic link belongs to procfs. Such a link may lead to a file without a path,
 * for example a pipe.
 */
static bool is_procfs_link(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int follow_link(struct path_walk *w, const char *name, int link)
{
	char target[PATH_MAX], *rest = w->remaining_path;
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	int fd;

	if (n < 0)
		return -errno;
	if (++w->n_links_followed > MAX_LINKS)
		return -ELOOP;
	target[n] = '\0';
	if (*target != '/' && is_procfs_link(link)) {
		fd = openat(w->fd, name, O_PATH | O_CLOEXEC);
		return fd < 0 ? -errno : move_walk_to(w, fd, join_path(w->path, name));
	}
	w->remaining_path = strf("%s%s", target, rest); /* `rest` is empty or begins with "/" */
	free(rest);
	return *target == '/' ? move_to_root(w) : 0;
}

/* Opens the first component of w->remaining_path and removes it from there. */
static int open_next_component(struct path_walk *w)
{
	const char *begin = w->remaining_path + strspn(w->remaining_path, "/");
	_cleanup_free_ char *name = xstrndup(begin, strcspn(begin, "/"));
	char *rest = xstrdup(begin + strlen(name));
	_cleanup_close_ int fd = -1;
	struct walked_directory *walked;
	struct stat st;

	free(w->remaining_path);
	w->remaining_path = rest;
	if (!*name || streq(name, "."))
		return 0;
	if (!S_ISDIR(w->stat.st_mode))
		return -ENOTDIR;
	fd = openat(w->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	walked = array_add(w->directories, w->n_directories);
	*walked = (struct walked_directory){ .stat = w->stat,
					     .path = xstrdup(w->path),
					     .others_can_write = others_can_write(w->fd, &w->stat),
					     .next_component_owner = st.st_uid };
	if (S_ISLNK(st.st_mode))
		return follow_link(w, name, fd);
	return move_walk_to(w, steal_fd(&fd), join_path(w->path, name));
}

static int walk_path(struct path_walk *w, const char *path)
{
	int r = move_to_root(w);

	if (!*path)
		return -ENOENT;
	w->remaining_path = *path == '/' ? xstrdup(path) : strf("/proc/self/cwd/%s", path);
	for (int i = 0; r == 0 && w->remaining_path[strspn(w->remaining_path, "/")]; i++)
		r = i < MAX_STEPS ? open_next_component(w) : -ENAMETOOLONG;
	/* A path with a final slash must lead to a directory. */
	return r == 0 && *w->remaining_path && !S_ISDIR(w->stat.st_mode) ? -ENOTDIR : r;
}

/* --- reasons for distrust --- */

/*
 * Returns the reason why the owner `uid` of a file is not trusted. `owner` is the user that is
 * trusted in addition to root; 0: only root is trusted. The caller frees the text.
 */
static char *describe_untrusted_owner(uid_t uid, uid_t owner)
{
	if (owner == 0)
		return strf("belongs to user %u, not to root", (unsigned int)uid);
	return strf("belongs to user %u, not to root or to user %u", (unsigned int)uid,
		    (unsigned int)owner);
}

static char *find_reason_to_distrust_directory(const struct walked_directory *p, uid_t owner)
{
	if (p->stat.st_uid != 0 && p->stat.st_uid != owner) {
		_cleanup_free_ char *reason = describe_untrusted_owner(p->stat.st_uid, owner);

		return strf("the directory %s %s", p->path, reason);
	}
	/* In a directory with the sticky bit, only the owner of a file can replace this file. */
	if (p->others_can_write &&
	    !(p->stat.st_mode & S_ISVTX && p->next_component_owner == p->stat.st_uid))
		return strf("others may write in the directory %s (mode %04o)", p->path,
			    (unsigned int)p->stat.st_mode & 07777);
	return NULL;
}

static char *find_reason_for_distrust(const struct path_walk *w, enum trusted_users trust)
{
	uid_t owner = trust == TRUST_ROOT ? 0 : w->stat.st_uid;
	char *why = NULL;

	if (others_can_write(w->fd, &w->stat))
		return strf("others may write to it (mode %04o)",
			    (unsigned int)w->stat.st_mode & 07777);
	if (w->stat.st_uid != 0 && w->stat.st_uid != owner) {
		_cleanup_free_ char *reason = describe_untrusted_owner(w->stat.st_uid, owner);

		return strf("it %s", reason);
	}
	/*
	 * Only one directory is reported. The directory of the file comes first: its owner and mode
	 * are most likely those that the user can correct.
	 */
	for (size_t i = w->n_directories; i > 0 && !why; i--)
		why = find_reason_to_distrust_directory(&w->directories[i - 1], owner);
	return why;
}

int trust_open_and_check(const char *path, enum trusted_users trust, int *fd,
			 char **why_not_trusted)
{
	struct path_walk w = { .fd = -1 };
	int r = walk_path(&w, path);

	*why_not_trusted = r == 0 ? find_reason_for_distrust(&w, trust) : NULL;
	*fd = r == 0 ? steal_fd(&w.fd) : -1;
	walk_free(&w);
	return r;
}

char *trust_find_problem(const char *path, enum trusted_users trust)
{
	_cleanup_close_ int fd = -1;
	char *why;

	return trust_open_and_check(path, trust, &fd, &why) < 0 ? NULL : why;
}

int trust_set_error(const char *path, const char *why, struct error *err)
{
	error_set(err, EX_NOPERM, EPERM, path, "cannot use %s as root: %s", path, why);
	return error_add_detail(err, "a user who can change the file could act as root");
}
