/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/test_environment.h"

#ifdef FFSCTL_TEST_HOOKS
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

bool env_wants_no_syscall_filter(void)
{
	return getenv("FFSCTL_TEST_OPEN");
}

bool env_wants_kill_on_refused_syscall(void)
{
	return getenv("FFSCTL_TEST_KILL");
}

static int trace_fd = -1;

static int open_trace_file(void)
{
	const char *path = getenv("FFSCTL_TEST_TRACE");

	return path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
}

void trace_open(void)
{
	trace_fd = open_trace_file();
}

void trace_record_lookup(const char *table, const char *state, const char *event)
{
	_cleanup_close_ int opened = trace_fd < 0 ? open_trace_file() : -1;
	int fd = trace_fd < 0 ? opened : trace_fd;
	_cleanup_free_ char *line = NULL;
	ssize_t n _unused_;

	if (fd < 0)
		return;
	line = strf("%s %s %s\n", table, state, event);
	/* Writes each line with one write(2), so that lines of several processes do not mix. */
	n = write(fd, line, strlen(line));
}
#endif
