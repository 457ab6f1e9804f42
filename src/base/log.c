/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
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

/* Where words go once nobody may wait for who reads them. */
static struct {
	bool is_set, is_socket;
	int fd;
	size_t lost; /* bytes that were not taken, since the last that were */
} unhurried = { .fd = STDERR_FILENO };

void log_set_nonblocking(void)
{
	struct stat st;
	int fd = -1;

	if (unhurried.is_set)
		return;
	unhurried.is_set = true;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	unhurried.is_socket = S_ISSOCK(st.st_mode);
	/* Opened anew, as O_NONBLOCK would be set for all who have the same open file. */
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		unhurried.fd = fd;
}

static bool has_room(void)
{
	struct pollfd pfd = { .fd = unhurried.fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0;
}

/* How much of it is taken at once. */
static size_t write_some(const char *data, size_t size)
{
	ssize_t n = 0;

	if (unhurried.is_socket)
		n = send(unhurried.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (unhurried.fd != STDERR_FILENO || has_room())
		n = write(unhurried.fd, data, size);
	return n > 0 ? (size_t)n : 0;
}

void log_raw(const char *data, size_t size)
{
	size_t n;

	if (!unhurried.is_set) {
		fd_write_all(STDERR_FILENO, data, size);
		return;
	}
	if (unhurried.lost > 0) {
		_cleanup_free_ char *words = strf(
			"\nffsctl: %zu bytes were lost, as nobody read them\n", unhurried.lost);

		if (write_some(words, strlen(words)) < strlen(words)) {
			unhurried.lost += size;
			return;
		}
		unhurried.lost = 0;
	}
	n = write_some(data, size);
	unhurried.lost += size - n;
}

static void _printf_(4, 0)
	say(const char *gadget, const char *function, int priority, const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL, *line = NULL;
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
	line = strf("ffsctl: %s\n", text);
	log_raw(line, strlen(line));
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
