// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast this machine is, as a program in the lab meets it.
 *
 * Prints one line, "T NANOSECONDS NANOSECONDS": a fork and exec of /bin/true until it is reaped, as
 * figures/turns.c has it, and a system call that does nothing. Both are means over a time that is
 * longer than a period of the scheduler's bandwidth control (100 ms), so that a limited share of a
 * processor shows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "spawn.h"

#define FORKS 40
#define CALLS 20000

int main(void)
{
	char *const command[] = { "/bin/true", NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint64_t start, forks, calls;

	/* The first one reads the files */
	if (spawn(command, null) != 0)
		return 1;
	start = now();
	for (int i = 0; i < FORKS; i++)
		if (spawn(command, null) != 0)
			return 1;
	forks = (now() - start) / FORKS;
	start = now();
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	calls = (now() - start) / CALLS;
	printf("T %llu %llu\n", (unsigned long long)forks, (unsigned long long)calls);
	return 0;
}
