/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that read, write and replace whole files and attributes, and functions for file
   descriptors. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Reads a whole file of at most `max` bytes into *out, which the caller frees and which ends with a
 * NUL. Unless `size` is NULL, *size becomes the size without this NUL. Returns 0 or a negative
 * errno; -EFBIG if the file is larger.
 */
int file_read(int dirfd, const char *path, size_t max, char **out, size_t *size);

/*
 * Reads a regular file as file_read does, but with one call of read(2) less: a read of fewer bytes
 * than requested is the end of the file.
 */
int file_read_until_short_read(int dirfd, const char *path, size_t max, char **out, size_t *size);

/* Reads a sysfs or configfs attribute: its first line without the newline. The caller frees *out.
   Returns 0 or a negative errno. */
int file_read_first_line(int dirfd, const char *path, char **out);
int fd_read_first_line(int fd, char **out);

/*
 * Writes an attribute with one write(2), so that the kernel gets the complete value. Returns 0 or a
 * negative errno.
 */
int file_write(int dirfd, const char *path, const void *data, size_t size);

/*
 * Replaces the file `name` by rename(2): a reader sees either the old or the new content. Returns 0
 * or a negative errno.
 */
int file_replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

bool path_exists(const char *path);

/* Returns whether `path` is still the file that `fd` has open. */
bool fd_is_file_at_path(int fd, const char *path);

/*
 * Takes an open file description lock, which a forked child shares. Other processes can query this
 * lock with fd_is_locked() without taking it, so a query never makes a command fail that takes it.
 * A lock of flock(2) cannot be queried. Returns 0 or a negative errno.
 */
int fd_lock(int fd);
/* Stores whether another open file description has that lock. Returns 0 or a negative errno. */
int fd_is_locked(int fd, bool *locked);

/* Reads and discards all data of a non-blocking file descriptor. */
void fd_drain(int fd);
/*
 * Gets the credentials that the peer of a local socket had when it was connected. Returns 0 or a
 * negative errno.
 */
int fd_peer_credentials(int fd, struct ucred *peer);

/* Returns the path of an open file without symbolic links, or NULL on error. The caller frees it.
 */
char *fd_real_path(int fd);

/*
 * Writes all of `data` to a pipe or file, with several calls of write(2) if necessary. Returns 0 or
 * a negative errno.
 */
int fd_write_all(int fd, const void *data, size_t size);

/* Clears the close-on-exec flag if `inherit` is true, else sets it. */
void fd_set_inherited(int fd, bool inherit);
/* Closes all file descriptors from 3 on that are not in `keep`, an array of `n` elements. Elements
   of -1 are ignored. */
void fd_close_others(const int *keep, size_t n);
/* Closes all file descriptors from `first` on. */
void fd_close_from(unsigned int first);
/*
 * Opens /dev/null as each of the file descriptors 0, 1 and 2 that is closed, so that no file that
 * is opened later gets one of these numbers. A write to such a stdout fails.
 */
void fd_open_closed_stdio(void);
/* Redirects the file descriptors 0, 1 and 2 to /dev/null. */
void fd_stdio_to_null(void);
