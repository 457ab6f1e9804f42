// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures the speed of this machine for programs in the lab.
 *
 * Prints one line, "T NANOSECONDS NANOSECONDS": the time of a fork and exec of /bin/true until it
 * is reaped, as in figures/turns.c, and of a system call that does nothing. Both are means over
 * more than a period of the scheduler's bandwidth control (100 ms), so that a limited share of a
 * processor has an effect.
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

	/* The first run reads the files into the page cache */
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
