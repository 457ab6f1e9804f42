/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes the user and group ids of the process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Sets the supplementary groups to groups[0..n), then the real, effective and saved ids to `gid`
 * and `uid`. Returns false with errno set on failure. Some ids may then have changed, and so the
 * caller must exit.
 *
 * Makes the system calls directly, so that a vfork child may call this function. The functions of
 * glibc, such as setresuid(), allocate memory and send a signal to all threads of the parent, whose
 * memory the child shares.
 */
bool credentials_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n);

/*
 * Binds a local socket to `address` and makes `uid` the owner of the socket file. Does not use
 * chown(2), which requires CAP_CHOWN. The directory of the socket file need not belong to `uid`.
 * Returns 0 or a negative errno.
 */
int credentials_bind_socket(int fd, const struct sockaddr *address, socklen_t size, uid_t uid);
