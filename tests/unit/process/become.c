/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * become UID GID GROUP...: changes to that user and prints the new "UID GID GROUP...", as read back
 * from the kernel. tests/cli/test_32_bits.py builds it for 32 bits.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "process/credentials.h"

#define GROUPS_MAX 16

int main(int argc, char **argv)
{
	gid_t groups[GROUPS_MAX];
	size_t n = 0;
	int found;

	for (int i = 3; i < argc && n < GROUPS_MAX; i++)
		groups[n++] = (gid_t)strtoul(argv[i], NULL, 10);
	if (argc < 3 || !credentials_become((uid_t)strtoul(argv[1], NULL, 10),
					    (gid_t)strtoul(argv[2], NULL, 10), groups, n))
		err(1, "credentials_become");
	found = getgroups(GROUPS_MAX, groups);
	printf("%u %u", (unsigned int)getuid(), (unsigned int)getgid());
	for (int i = 0; i < found; i++)
		printf(" %u", (unsigned int)groups[i]);
	printf("\n");
	return 0;
}
