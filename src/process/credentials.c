/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/credentials.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/capabilities.h"

/*
 * Uses the system calls with 32-bit ids. On architectures with two variants (asm/unistd.h of i386,
 * ARM, SuperH, m68k, s390), SYS_setgroups is the variant with 16-bit ids. This variant would read
 * an array of 32-bit ids as an array of 16-bit ids, and so half of the ids would be 0, the group of
 * root.
 */
#ifdef SYS_setgroups32
#define SET_GROUPS SYS_setgroups32
#define SET_GIDS SYS_setresgid32
#define SET_UIDS SYS_setresuid32
#else
#define SET_GROUPS SYS_setgroups
#define SET_GIDS SYS_setresgid
#define SET_UIDS SYS_setresuid
#endif

bool credentials_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	return syscall(SET_GROUPS, n, groups) == 0 && syscall(SET_GIDS, gid, gid, gid) == 0 &&
	       syscall(SET_UIDS, uid, uid, uid) == 0;
}

int credentials_bind_socket(int fd, const struct sockaddr *address, socklen_t size, uid_t uid)
{
	/* Gets the current fsuid: -1 is an invalid id, which changes nothing. */
	uid_t before = (uid_t)setfsuid((uid_t)-1);
	int r;

	setfsuid(uid);
	/* The change of the fsuid from 0 has removed CAP_DAC_OVERRIDE from the effective set
	   (cap_task_fix_setuid() in the kernel). */
	capabilities_make_effective(1ULL << CAP_DAC_OVERRIDE);
	r = bind(fd, address, size) < 0 ? -errno : 0;
	setfsuid(before);
	return r;
}
