/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/util.h"

#define ATTRIBUTE_MAX 4096 /* bytes; the limit of sysfs and configfs is PAGE_SIZE */

static int read_to_end(int dirfd, const char *path, size_t max, bool regular, char **out,
		       size_t *size)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *data = NULL;
	size_t have = 0, room = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		if (room - have < 512) {
			room = room ? room * 2 : 2048;
			data = xreallocarray(data, room + 1, 1);
		}
		n = read(fd, data + have, room - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
		if (have > max)
			return -EFBIG;
	} while (n != 0 && !(regular && have < room));
	data[have] = '\0';
	*out = steal_ptr(data);
	if (size)
		*size = have;
	return 0;
}

int file_read(int dirfd, const char *path, size_t max, char **out, size_t *size)
{
	return read_to_end(dirfd, path, max, false, out, size);
}

int file_read_until_short_read(int dirfd, const char *path, size_t max, char **out, size_t *size)
{
	return read_to_end(dirfd, path, max, true, out, size);
}

int file_read_first_line(int dirfd, const char *path, char **out)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd_read_first_line(fd, out);
}

/* Makes only one read, because the kernel returns the whole attribute (fs/seq_file.c, fs/kernfs).
 */
int fd_read_first_line(int fd, char **out)
{
	char data[ATTRIBUTE_MAX + 1];
	ssize_t n;

	do
		n = pread(fd, data, sizeof(data), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n > ATTRIBUTE_MAX)
		return -EFBIG;
	*out = xstrndup(data, (size_t)n);
	(*out)[strcspn(*out, "\n")] = '\0';
	return 0;
}

int file_write(int dirfd, const char *path, const void *data, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, data, size);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int file_replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	_cleanup_free_ char *temporary = strf(".%s.new", name);
	int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			mode);
	int r;

	if (fd < 0)
		return -errno;
	/*
	 * openat() does not always set `mode`: the umask removes bits from it, and a file that a
	 * crashed process has left keeps its old mode. fchmod() sets it in both cases.
	 */
	r = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, size);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, temporary, 0);
	return r;
}

bool path_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Makes the system call directly, because not every libc has a wrapper for close_range(2). */
static void system_close_range(unsigned int first, unsigned int last)
{
	if (first <= last)
		syscall(SYS_close_range, first, last, 0);
}

void fd_close_from(unsigned int first)
{
	system_close_range(first, ~0U);
}

void fd_set_inherited(int fd, bool inherit)
{
	fcntl(fd, F_SETFD, inherit ? 0 : FD_CLOEXEC);
}

void fd_close_others(const int *keep, size_t n)
{
	unsigned int first = 3;

	for (;;) {
		unsigned int next = ~0U; /* lowest file descriptor in `keep` from `first` on */

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= (int)first && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		system_close_range(first, next == ~0U ? next : next - 1);
		if (next == ~0U)
			return;
		first = next + 1;
	}
}

void fd_open_closed_stdio(void)
{
	/* open(2) returns the lowest number that is free. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

void fd_stdio_to_null(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

char *fd_real_path(int fd)
{
	char link[32], target[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target));
	return n > 0 && n < (ssize_t)sizeof(target) ? xstrndup(target, (size_t)n) : NULL;
}

void fd_drain(int fd)
{
	char rest[4096];

	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

int fd_peer_credentials(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) < 0 ? -errno : 0;
}

bool fd_is_file_at_path(int fd, const char *path)
{
	struct stat mine, now;

	return fstat(fd, &mine) == 0 && stat(path, &now) == 0 && mine.st_ino == now.st_ino &&
	       mine.st_dev == now.st_dev;
}

int fd_lock(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

int fd_is_locked(int fd, bool *locked)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	*locked = lock.l_type != F_UNLCK;
	return 0;
}
