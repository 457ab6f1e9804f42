/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

static bool get_capability_sets(struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &head, sets) == 0;
}

static bool set_capability_sets(const struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &head, sets) == 0;
}

bool capabilities_reduce(uint64_t keep)
{
	struct __user_cap_data_struct sets[2];

	if (!get_capability_sets(sets))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		sets[i].permitted &= (unsigned int)(keep >> 32 * i);
		sets[i].effective &= sets[i].permitted;
		sets[i].inheritable &= sets[i].permitted;
	}
	return set_capability_sets(sets);
}

bool capabilities_make_effective(uint64_t set)
{
	struct __user_cap_data_struct sets[2];

	if (!get_capability_sets(sets))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		sets[i].effective |= sets[i].permitted & (unsigned int)(set >> 32 * i);
	return set_capability_sets(sets);
}

static bool has_capability(uint64_t set, unsigned int cap)
{
	return set >> cap & 1;
}

bool capabilities_reduce_bounding_set(uint64_t keep)
{
	for (unsigned int cap = 0; cap < 64; cap++)
		if (!has_capability(keep, cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			/* EINVAL is a success: the kernel has no capability with this number or a
			   higher one. */
			return errno == EINVAL;
	return true;
}

bool capabilities_get(uint64_t *permitted, uint64_t *bounding)
{
	struct __user_cap_data_struct sets[2];

	if (!get_capability_sets(sets))
		return false;
	*permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
	*bounding = 0;
	for (unsigned int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			*bounding |= 1ULL << cap;
	return true;
}

bool capabilities_make_inheritable(void)
{
	struct __user_cap_data_struct sets[2];

	if (!get_capability_sets(sets))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		sets[i].inheritable = sets[i].permitted;
	return set_capability_sets(sets);
}

bool capabilities_change_to(uint64_t set)
{
	struct __user_cap_data_struct sets[2] = { { 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		sets[i].permitted = sets[i].effective = sets[i].inheritable =
			(unsigned int)(set >> 32 * i);
	if (!set_capability_sets(sets))
		return false;
	/* A program that is executed as a user other than root gets only the ambient set. */
	for (unsigned int cap = 0; cap < 64; cap++)
		if (has_capability(set, cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
