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

/* The log level of the process. The options -q and -v set it before the first message. */
static enum log_level level = LOG_NORMAL;

/* For each log level, the least important priority that is printed. Lower numbers are more
 * important. */
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

/* The state of the non-blocking output, which log_set_nonblocking begins. */
static struct {
	bool is_set, is_socket;
	int fd;
	size_t lost; /* number of bytes dropped since the last report */
} nonblocking = { .fd = STDERR_FILENO };

void log_set_nonblocking(void)
{
	struct stat st;
	int fd = -1;

	if (nonblocking.is_set)
		return;
	nonblocking.is_set = true;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	nonblocking.is_socket = S_ISSOCK(st.st_mode);
	/*
	 * Opens the file again, because O_NONBLOCK on file descriptor 2 would affect every process
	 * that shares the open file.
	 */
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		nonblocking.fd = fd;
}

static bool stderr_has_room(void)
{
	struct pollfd pfd = { .fd = nonblocking.fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0;
}

/* Writes as many bytes as stderr accepts without blocking. Returns their number. */
static size_t write_nonblocking(const char *data, size_t size)
{
	ssize_t n = 0;

	if (nonblocking.is_socket)
		n = send(nonblocking.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (nonblocking.fd != STDERR_FILENO || stderr_has_room())
		n = write(nonblocking.fd, data, size);
	return n > 0 ? (size_t)n : 0;
}

void log_without_prefix(const char *data, size_t size)
{
	size_t n;

	if (!nonblocking.is_set) {
		fd_write_all(STDERR_FILENO, data, size);
		return;
	}
	if (nonblocking.lost > 0) {
		_cleanup_free_ char *notice =
			strf("\nffsctl: lost %zu bytes of output: stderr was blocked\n",
			     nonblocking.lost);

		if (write_nonblocking(notice, strlen(notice)) < strlen(notice)) {
			nonblocking.lost += size;
			return;
		}
		nonblocking.lost = 0;
	}
	n = write_nonblocking(data, size);
	nonblocking.lost += size - n;
}

static void _printf_(4, 0) print_line(const char *gadget, const char *function, int priority,
				      const char *fmt, va_list ap)
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
	if (stderr_is_journal() && journal_send(&entry) == 0)
		return;
	/* Writes each line with one write(2), so that lines of several processes do not mix. */
	line = strf("ffsctl: %s\n", text);
	log_without_prefix(line, strlen(line));
}

void log_about(const char *gadget, const char *function, int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(gadget, function, priority, fmt, ap);
	va_end(ap);
}

void log_failure(const char *gadget, const struct error *err)
{
	_cleanup_free_ char *text = error_text(err), *lines = NULL, *named = NULL;
	const struct journal_entry entry = { LOG_ERR, gadget, NULL, text };

	if (stderr_is_journal() && journal_send(&entry) == 0)
		return;
	lines = error_lines(err);
	named = strf("ffsctl: %s", lines);
	log_without_prefix(named, strlen(named));
}

#define LOG_FUNCTION(name, priority)                                                               \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		print_line(NULL, NULL, priority, fmt, ap);                                         \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_FUNCTION(log_error, LOG_ERR)
