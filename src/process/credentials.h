/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user and the groups of a process that is about to execute a program. Only system calls, no
 * memory, so that a vfork child may call it: glibc's setresuid() and its kin signal all threads of
 * the process whose memory the child shares, and allocate.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Sets the supplementary groups to groups[0..n), and real, effective and saved ids to `gid` and
 * `uid`, in that order. False: errno has the reason, and ids may have changed in part; the caller
 * must not go on with them.
 */
bool credentials_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n);
