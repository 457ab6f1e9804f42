/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/credentials.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/capabilities.h"

/*
 * Architectures with two variants of a call (asm/unistd.h of i386, ARM, SuperH, m68k, s390) give
 * the plain name to the variant with 16-bit ids. That variant would read an array of 32-bit ids as
 * twice as many 16-bit ids. Half of those ids would be 0, the group of root.
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
	uid_t before = (uid_t)setfsuid((uid_t)-1); /* an invalid id: the call changes nothing and
						      returns the current fsuid */
	int r;

	setfsuid(uid);
	/* The change of fsuid from 0 has removed this capability (cap_task_fix_setuid). */
	capabilities_raise(1ULL << CAP_DAC_OVERRIDE);
	r = bind(fd, address, size) < 0 ? -errno : 0;
	setfsuid(before); /* restores the capability as well */
	return r;
}
