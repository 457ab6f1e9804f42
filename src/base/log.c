/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"

/* The one thing that -q and -v change, for every room; set once, before anything is said. */
static enum log_level level = LOG_NORMAL;

void log_set_level(enum log_level new_level)
{
	level = new_level;
}

enum log_level log_get_level(void)
{
	return level;
}

/* One write per line, so that lines of several processes do not mix. */
static void _printf_(1, 0) say(const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	fprintf(stderr, "ffsctl: %s\n", text);
}

#define LOG_FUNCTION(name, threshold)                                                              \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (level < (threshold))                                                           \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		say(fmt, ap);                                                                      \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_info, LOG_NORMAL)
LOG_FUNCTION(log_debug, LOG_VERBOSE)
LOG_FUNCTION(log_error, LOG_QUIET)
