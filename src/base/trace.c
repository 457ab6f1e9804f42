/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "base/trace.h"

#ifdef FFSCTL_TEST_HOOKS
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

bool test_leaves_open(void)
{
	return getenv("FFSCTL_TEST_OPEN");
}

bool test_kills_on_refusal(void)
{
	return getenv("FFSCTL_TEST_KILL");
}

static int kept_open = -1;

static int open_trace(void)
{
	const char *path = getenv("FFSCTL_TEST_TRACE");

	return path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
}

void trace_open(void)
{
	kept_open = open_trace();
}

void trace(const char *table, const char *state, const char *event)
{
	_cleanup_close_ int opened = kept_open < 0 ? open_trace() : -1;
	int fd = kept_open < 0 ? opened : kept_open;
	_cleanup_free_ char *line = NULL;
	ssize_t n _unused_;

	if (fd < 0)
		return;
	line = strf("%s %s %s\n", table, state, event);
	n = write(fd, line, strlen(line)); /* one call: lines of several processes do not mix */
}
#endif
