/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For lab/bench data: prints the time of a system call, and of a switch to another process and
 * back, in nanoseconds, one per line.
 */
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 20000
#define SWITCHES 2000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double system_call(void)
{
	double start = now();

	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return (now() - start) / CALLS;
}

/* Two processes write a byte to each other in turn. The time includes the four system calls. */
static double there_and_back(void)
{
	int to[2], from[2];
	char c = 0;
	double start;

	if (pipe(to) < 0 || pipe(from) < 0)
		return -1;
	if (fork() == 0) {
		close(to[1]);
		while (read(to[0], &c, 1) == 1 && write(from[1], &c, 1) == 1)
			;
		_exit(0);
	}
	close(to[0]);
	start = now();
	for (int i = 0; i < SWITCHES; i++)
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			return -1;
	start = (now() - start) / SWITCHES;
	close(to[1]);
	wait(NULL);
	return start;
}

int main(void)
{
	printf("%.0f\n", system_call());
	printf("%.0f\n", there_and_back());
	return 0;
}
