// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a supervisor of ffsctl late: before each thing that others can see of it, a line of the
 * log, a file of the run directory, a write to configfs, it waits LATE milliseconds. lab/late loads
 * this library (LD_PRELOAD).
 *
 * A supervisor is a child of the command `ffsctl`. The command itself is not late, nor are the
 * supervisor's own children: a keeper may make no system call that its filter does not know. Nor is
 * `ffsctl run`, which is its own supervisor.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long ms;
static int generation;

static void count_generation(void)
{
	generation++;
}

/* The GNU C library calls constructors with the arguments of main(). */
__attribute__((constructor)) static void start(int argc, char **argv)
{
	const char *late = getenv("LATE");

	if (late && strcmp(program_invocation_short_name, "ffsctl") == 0)
		ms = atol(late);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "run") == 0)
			ms = 0;
	pthread_atfork(NULL, NULL, count_generation);
}

static void be_late(void)
{
	const struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	int saved = errno;

	if (ms > 0 && generation == 1)
		nanosleep(&wait, NULL);
	errno = saved;
}

#define LATE(type, name, parameters, ...)                                                          \
	type name parameters                                                                       \
	{                                                                                          \
		__typeof__(&name) next = (__typeof__(next))dlsym(RTLD_NEXT, #name);                \
                                                                                                   \
		be_late();                                                                         \
		return next(__VA_ARGS__);                                                          \
	}

LATE(ssize_t, write, (int fd, const void *data, size_t n), fd, data, n)
LATE(ssize_t, writev, (int fd, const struct iovec *iov, int n), fd, iov, n)
LATE(int, renameat, (int from_dir, const char *from, int to_dir, const char *to), from_dir, from,
     to_dir, to)
LATE(int, rename, (const char *from, const char *to), from, to)
