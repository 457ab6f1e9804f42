/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define JSON_FILE_MAX (4 * 1024 * 1024)
#define LOCK "lock"

static int no_access(struct error *err, const char *path, const char *what)
{
	int e = errno;

	error_errno(err, e == EACCES || e == EPERM ? EX_NOPERM : EX_OSERR, e, path, "cannot %s %s",
		    what, path);
	return err->exit == EX_NOPERM ? error_hint(err, "this needs root") : -e;
}

/*
 * Opens RUN/NAME, making what is missing. Another gadget's `down` may remove /run/ffsctl between
 * our two mkdirs: then mkdir says ENOENT and we start again, as often as others go down.
 */
static int open_dir(struct rundir *rundir, const struct world *world, struct error *err)
{
	do {
		if (mkdir(world->run_dir, 0755) < 0 && errno != EEXIST)
			return no_access(err, world->run_dir, "make");
		if (mkdir(rundir->path, 0755) < 0 && errno != EEXIST && errno != ENOENT)
			return no_access(err, rundir->path, "make");
		rundir->dir_fd =
			open(rundir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	} while (rundir->dir_fd < 0 && errno == ENOENT);
	return rundir->dir_fd < 0 ? no_access(err, rundir->path, "open") : 0;
}

static bool still_there(const struct rundir *rundir)
{
	_cleanup_free_ char *path = strf("%s/" LOCK, rundir->path);
	struct stat mine, now;

	return fstat(rundir->lock_fd, &mine) == 0 && stat(path, &now) == 0 &&
	       mine.st_ino == now.st_ino && mine.st_dev == now.st_dev;
}

int rundir_lock(struct rundir *rundir, const struct world *world, const char *name, const char *who,
		struct error *err)
{
	*rundir = RUNDIR_NONE;
	for (;;) {
		int r;

		rundir->path = strf("%s/%s", world->run_dir, name);
		r = open_dir(rundir, world, err);
		if (r < 0)
			break;
		rundir->lock_fd = openat(rundir->dir_fd, LOCK,
					 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (rundir->lock_fd < 0 && errno != ENOENT) {
			no_access(err, rundir->path, "lock");
			break;
		}
		if (rundir->lock_fd >= 0 && flock(rundir->lock_fd, LOCK_EX | LOCK_NB) < 0) {
			error_set(err, EX_CANTCREAT, errno, rundir->path, "%s is locked",
				  rundir->path);
			break;
		}
		/* Whoever had the lock before may have removed the directory while we waited. */
		if (rundir->lock_fd >= 0 && still_there(rundir))
			return rundir_sign(rundir, who, err);
		rundir_close(rundir);
	}
	rundir_close(rundir);
	return -err->err;
}

int rundir_sign(const struct rundir *rundir, const char *who, struct error *err)
{
	_cleanup_free_ char *text = strf("%d %s\n", (int)getpid(), who);

	if (ftruncate(rundir->lock_fd, 0) == 0 &&
	    pwrite(rundir->lock_fd, text, strlen(text), 0) == (ssize_t)strlen(text))
		return 0;
	return error_errno(err, EX_IOERR, errno, rundir->path, "cannot write %s/" LOCK,
			   rundir->path);
}

void rundir_close(struct rundir *rundir)
{
	if (rundir->lock_fd >= 0)
		close(rundir->lock_fd);
	if (rundir->dir_fd >= 0)
		close(rundir->dir_fd);
	free(rundir->path);
	*rundir = RUNDIR_NONE;
}

int rundir_remove(struct rundir *rundir, struct error *err)
{
	_cleanup_free_ char *parent =
		xstrndup(rundir->path, (size_t)(strrchr(rundir->path, '/') - rundir->path));
	DIR *dir = fdopendir(dup(rundir->dir_fd));
	struct dirent *entry;

	/* The lock goes last, so that nobody takes a half-removed directory for a new one. */
	rewinddir(dir);
	while ((entry = readdir(dir)))
		if (entry->d_type != DT_DIR && !streq(entry->d_name, LOCK))
			unlinkat(rundir->dir_fd, entry->d_name, 0);
	closedir(dir);
	unlinkat(rundir->dir_fd, LOCK, 0);
	if (rmdir(rundir->path) < 0 && errno != ENOENT)
		return error_errno(err, EX_OSERR, errno, rundir->path, "cannot remove %s",
				   rundir->path);
	rmdir(parent); /* fails as long as another gadget is in it */
	rundir_close(rundir);
	return 0;
}

int rundir_owner(const struct world *world, const char *name, pid_t *pid, char **who)
{
	_cleanup_free_ char *path = strf("%s/%s/" LOCK, world->run_dir, name), *text = NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int number = 0, at = 0;

	*pid = 0;
	if (who)
		*who = NULL;
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	if (file_read_line(AT_FDCWD, path, &text) == 0)
		sscanf(text, "%d %n", &number, &at);
	*pid = number > 0 ? number : -1;
	if (who)
		*who = xstrdup(text && at > 0 ? text + at : "?");
	return 0;
}

int rundir_read(const struct world *world, const char *name, const char *file, json_t **json,
		struct error *err)
{
	_cleanup_free_ char *path = strf("%s/%s/%s", world->run_dir, name, file), *text = NULL;
	json_error_t error;
	size_t size;
	int r = file_read(AT_FDCWD, path, JSON_FILE_MAX, &text, &size);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return error_errno(err, r == -EACCES ? EX_NOPERM : EX_IOERR, -r, path,
				   "cannot read %s", path);
	*json = json_loadb(text, size, 0, &error);
	if (!*json)
		return error_set(err, EX_IOERR, EBADMSG, path, "%s is damaged: %s", path,
				 error.text);
	return 0;
}

int rundir_write(const struct rundir *rundir, const char *file, const json_t *json,
		 struct error *err)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_COMPACT);
	int r = text ? file_replace(rundir->dir_fd, file, text, strlen(text), 0644) : -EINVAL;

	if (r < 0)
		return error_errno(err, EX_IOERR, -r, rundir->path, "cannot write %s/%s",
				   rundir->path, file);
	return 0;
}

int rundir_each(const struct world *world, int (*fn)(void *data, const char *name), void *data)
{
	DIR *dir = opendir(world->run_dir);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			r = fn(data, entry->d_name);
	closedir(dir);
	return r;
}
