/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of one value, files that are replaced whole, and what else is done to descriptors. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Reads a file of at most `max` bytes whole; NUL-terminated, the caller frees it. -errno, -EFBIG.
 */
int file_read(int dirfd, const char *path, size_t max, char **out, size_t *size);

/* The same of one on a disk or in memory, of which a short read is the end. */
int file_read_regular(int dirfd, const char *path, size_t max, char **out, size_t *size);

/* The same for a sysfs or configfs attribute: one line, its newline cut off. */
int file_read_line(int dirfd, const char *path, char **out);
int fd_read_line(int fd, char **out);

/* Writes an attribute: one write(2), so that the kernel sees the value whole. -errno. */
int file_write(int dirfd, const char *path, const void *data, size_t size);

/* Replaces DIR/NAME by rename, so that a reader sees the old file or the new one. -errno. */
int file_replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode);

bool path_exists(const char *path);

/* Takes what there is to be read of a non-blocking descriptor, and looks at none of it. */
void fd_drain(int fd);
/* Who was at the other end of a local socket when it was connected. -errno. */
int fd_peer(int fd, struct ucred *peer);

/* The true path of an open file, through links; NULL if it cannot be told. The caller frees it. */
char *fd_path(int fd);

/* The write(2) loop for pipes and files. -errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Whether a program that is executed gets it. */
void fd_set_inherited(int fd, bool keep);
/* Closes every descriptor from 3 on but those in `keep` (which may hold -1). */
void fd_close_others(const int *keep, size_t n);
/* Closes every descriptor from `first` on. */
void fd_close_from(unsigned int first);
/* Opens /dev/null as each of 0, 1 and 2 that is closed, so that no other file becomes one of them.
 */
void fd_open_stdio(void);
/* 0, 1 and 2 become /dev/null. */
void fd_stdio_to_null(void);
