/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/journal.h"

/* The one thing that -q and -v change, for every room; set once, before anything is said. */
static enum log_level level = LOG_NORMAL;

/* The least that is shown; what is more has a lower number. */
static const int threshold_priority[] = {
	[LOG_QUIET] = LOG_ERR, [LOG_NORMAL] = LOG_INFO, [LOG_VERBOSE] = LOG_DEBUG
};

void log_set_level(enum log_level new_level)
{
	level = new_level;
}

enum log_level log_get_level(void)
{
	return level;
}

static void _printf_(4, 0)
	say(const char *gadget, const char *function, int priority, const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	struct journal_entry entry = { priority, gadget, function, NULL };

	if (priority > threshold_priority[level])
		return;
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	entry.message = text;
	if (journal_is_stderr() && journal_send(&entry) == 0)
		return;
	/* One write per line, so that lines of several processes do not mix. */
	fprintf(stderr, "ffsctl: %s\n", text);
}

void log_about(const char *gadget, const char *function, int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(gadget, function, priority, fmt, ap);
	va_end(ap);
}

#define LOG_FUNCTION(name, priority)                                                               \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		say(NULL, NULL, priority, fmt, ap);                                                \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_FUNCTION(log_error, LOG_ERR)
