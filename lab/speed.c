// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast this machine is, as a program in the lab meets it.
 *
 * Prints one line, "T NANOSECONDS NANOSECONDS": a fork and exec of /bin/true until it is reaped, as
 * figures/turns.c does it, and a system call that does nothing. Both are means over a time that is
 * longer than a period of the scheduler's bandwidth control (100 ms), so that a limited share of a
 * processor shows.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORKS 40
#define CALLS 20000

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int run_true(int null)
{
	char *const argv[] = { "/bin/true", NULL };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 ? -1 : 0;
}

int main(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint64_t start, forks, calls;

	/* The first one reads the files */
	if (run_true(null) < 0)
		return 1;
	start = now();
	for (int i = 0; i < FORKS; i++)
		if (run_true(null) < 0)
			return 1;
	forks = (now() - start) / FORKS;
	start = now();
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	calls = (now() - start) / CALLS;
	printf("T %llu %llu\n", (unsigned long long)forks, (unsigned long long)calls);
	return 0;
}
