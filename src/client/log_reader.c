/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "client/client.h"
#include "rundir/log_file.h"

/* An incomplete line that is longer is returned as if it were complete. */
#define LINE_MAX_BYTES (64 * 1024)

static int error_read(const struct log_reader *r, int e, struct error *err)
{
	return error_errno(err, e == EACCES ? EX_NOPERM : EX_IOERR, e, r->log_path,
			   "cannot read %s", r->log_path);
}

/* Reads all bytes from r->offset to the end of the file. The caller frees *text. */
static int read_from_offset_to_end(const struct log_reader *r, char **text, size_t *size)
{
	_cleanup_free_ char *buffer = NULL;
	size_t n = 0;
	struct stat st;
	ssize_t got = 0;

	if (fstat(r->log_fd, &st) < 0)
		return -errno;
	buffer = xcalloc(st.st_size > r->offset ? (size_t)(st.st_size - r->offset) + 1 : 1, 1);
	while (st.st_size - r->offset > (off_t)n) {
		got = pread(r->log_fd, buffer + n, (size_t)(st.st_size - r->offset) - n,
			    r->offset + (off_t)n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (got < 0)
		return -errno;
	*text = steal_ptr(buffer);
	*size = n;
	return 0;
}

/* Counts `n` bytes at `text` as read. */
static void count_as_read(struct log_reader *r, const char *text, size_t n)
{
	size_t added = n < LOG_READER_LAST_BYTES ? n : LOG_READER_LAST_BYTES,
	       kept = LOG_READER_LAST_BYTES - added;

	if (kept > r->n_last_read_bytes)
		kept = r->n_last_read_bytes;
	memmove(r->last_read_bytes, r->last_read_bytes + r->n_last_read_bytes - kept, kept);
	memcpy(r->last_read_bytes + kept, text + n - added, added);
	r->n_last_read_bytes = kept + added;
	r->offset += (off_t)n;
}

/* Returns whether the supervisor has replaced or removed the file that r->log_fd refers to. */
static bool was_replaced(const struct log_reader *r, bool *removed)
{
	struct stat here, there;

	*removed = stat(r->log_path, &there) < 0;
	return *removed || fstat(r->log_fd, &here) < 0 || here.st_ino != there.st_ino ||
	       here.st_dev != there.st_dev;
}

/* Opens the file that replaced the old one, and finds the end of what was read from the old one. */
static int open_replacement(struct log_reader *r, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *found;
	size_t size;
	int fd = open(r->log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), e;

	if (fd < 0 && errno == ENOENT)
		return 0; /* the gadget is going down */
	if (fd < 0)
		return error_read(r, errno, err);
	close(r->log_fd);
	r->log_fd = fd;
	r->offset = 0;
	e = read_from_offset_to_end(r, &text, &size);
	if (e < 0)
		return error_read(r, -e, err);
	found = memmem(text, size, r->last_read_bytes, r->n_last_read_bytes);
	if (found)
		r->offset = found - text + (off_t)r->n_last_read_bytes;
	return 0;
}

int log_reader_open(struct log_reader *r, const struct paths *paths, const char *name,
		    struct error *err)
{
	_cleanup_free_ char *dir = strf("%s/%s", paths->run_dir, name), *ignored = NULL;
	size_t size;

	*r = (struct log_reader){ .watch_fd = -1, .log_fd = -1 };
	r->log_path = strf("%s/" RUNDIR_LOG, dir);
	/* Explains why there is no log. */
	if (client_read_log(paths, name, &ignored, &size, err) < 0)
		return -err->errno_value;
	r->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->watch_fd < 0 ||
	    inotify_add_watch(r->watch_fd, dir,
			      IN_MODIFY | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF) < 0)
		return error_errno(err, EX_OSERR, errno, dir, "cannot watch %s", dir);
	r->log_fd = open(r->log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return r->log_fd < 0 ? error_read(r, errno, err) : 0;
}

int log_reader_read(struct log_reader *r, char **text, size_t *size, struct error *err)
{
	bool removed, replaced;
	const char *newline;
	int e;

	/* First, so that log_reader_wait returns for what changes from here on. */
	fd_drain(r->watch_fd);
	replaced = was_replaced(r, &removed);
	e = read_from_offset_to_end(r, text, size);
	if (e < 0)
		return error_read(r, -e, err);
	newline = memrchr(*text, '\n', *size);
	if (!removed && (newline || *size < LINE_MAX_BYTES))
		*size = newline ? (size_t)(newline + 1 - *text) : 0;
	(*text)[*size] = '\0';
	count_as_read(r, *text, *size);
	r->log_ended = removed;
	r->has_unread_replacement = replaced && !removed;
	return r->has_unread_replacement ? open_replacement(r, err) : 0;
}

bool log_reader_wait(const struct log_reader *r)
{
	/* Events 0: only POLLERR and POLLHUP. */
	struct pollfd fds[] = { { .fd = r->watch_fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };

	while (!r->has_unread_replacement && poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	return fds[1].revents == 0;
}

void log_reader_close(struct log_reader *r)
{
	free(r->log_path);
	cleanup_close(&r->watch_fd);
	cleanup_close(&r->log_fd);
}

int client_read_log(const struct paths *paths, const char *name, char **text, size_t *size,
		    struct error *err)
{
	_cleanup_free_ char *dir = strf("%s/%s", paths->run_dir, name);
	int r = rundir_read_text(paths, name, RUNDIR_LOG, 2 * LOG_FILE_KEPT, text, size, err);

	if (r != -ENOENT)
		return r;
	if (path_exists(dir))
		return error_set(err, EX_UNAVAILABLE, ENOENT, dir,
				 "'%s' has no log: its supervisor logs to stderr ('ffsctl run')",
				 name);
	return error_set(err, EX_UNAVAILABLE, ENOENT, dir, "'%s' is not up", name);
}
