/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command from fork to wait, and reads the clock. T is the time of /bin/true. */
#pragma once

#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Returns CLOCK_MONOTONIC in nanoseconds. */
static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Runs a command with its output discarded; `null`: open on /dev/null. Returns its wait status; -1
   if it could not be started. */
static int spawn(char *const argv[], int null)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 ? -1 : status;
}
