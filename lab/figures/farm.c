/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures the time of several processes that are started at once, from the first fork to the last
 * wait.
 *
 *   farm N COMMAND ARG...
 *
 * `%` in the arguments is replaced by the number of the process, from 0. If one fails the program
 * fails. Prints nanoseconds.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void run(int n, char **argv)
{
	for (char **word = argv; *word; word++) {
		char *at = strchr(*word, '%');

		if (at && asprintf(word, "%.*s%d%s", (int)(at - *word), *word, n, at + 1) < 0)
			_exit(127);
	}
	execv(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, failed = 0, status,
	    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint64_t start = now();

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			dup2(null, 1);
			run(i, argv + 2);
		}
		failed += pid < 0;
	}
	while (wait(&status) > 0)
		failed += status != 0;
	if (n < 1 || failed) {
		fprintf(stderr, "farm: %d of %d failed\n", failed, n);
		return 1;
	}
	printf("%llu\n", (unsigned long long)(now() - start));
	return 0;
}
