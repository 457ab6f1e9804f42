/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process does as another user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Sets the supplementary groups to groups[0..n), and real, effective and saved ids to `gid` and
 * `uid`, in that order. False: errno has the reason, and ids may have changed in part; the caller
 * must not go on with them.
 *
 * Only system calls, no memory, so that a vfork child may call it: glibc's setresuid() and its kin
 * signal all threads of the process whose memory the child shares, and allocate.
 */
bool credentials_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n);

/*
 * bind(2) of a local socket, whose file belongs to that user from the beginning: chown(2) would
 * need CAP_CHOWN. The directory need not be the user's. -errno.
 */
int credentials_bind(int fd, const struct sockaddr *address, socklen_t size, uid_t uid);
