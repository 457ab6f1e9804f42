/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

void output_init(struct output *output, int dir_fd)
{
	*output = (struct output){ .dir_fd = dir_fd, .fd = -1 };
}

void output_close(struct output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
}

static int open_log(struct output *output)
{
	if (output->fd < 0)
		output->fd = openat(output->dir_fd, RUNDIR_LOG,
				    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	return output->fd;
}

void output_continue(struct output *output)
{
	struct stat st;

	if (fstatat(output->dir_fd, RUNDIR_LOG, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    open_log(output) >= 0)
		output->size = (size_t)st.st_size;
}

/* Keeps the second half, from the first line that begins in it. The file is replaced, so that who
   reads the old one goes on reading it. */
static void halve(struct output *output)
{
	_cleanup_free_ char *last = xcalloc(1, OUTPUT_KEPT);
	ssize_t n = pread(output->fd, last, OUTPUT_KEPT, (off_t)(output->size - OUTPUT_KEPT));
	const char *newline = n > 0 ? memchr(last, '\n', (size_t)n) : NULL;
	const char *from = newline ? newline + 1 : last;

	output_close(output);
	output->size = n > 0 ? (size_t)(last + n - from) : 0;
	file_replace(output->dir_fd, RUNDIR_LOG, from, output->size, 0640);
}

/* Words that cannot be kept (a full file system) are lost; nothing else depends on them. */
static void write_text(struct output *output, const char *data, size_t size)
{
	if (output->size + size > 2 * OUTPUT_KEPT)
		halve(output);
	if (open_log(output) >= 0 && fd_write_all(output->fd, data, size) == 0)
		output->size += size;
}

/* "2026-11-21 14:30:05 LABEL| ", or without label and bar. Its length. */
static size_t make_head(char *head, size_t size, const char *label)
{
	time_t now = time(NULL);
	struct tm tm;
	size_t n = localtime_r(&now, &tm) ? strftime(head, size, "%F %T ", &tm) : 0;

	if (label)
		n += (size_t)snprintf(head + n, size - n, "%s| ", label);
	return n < size ? n : size - 1;
}

void output_event(struct output *output, const char *text)
{
	char head[32];
	size_t n = make_head(head, sizeof(head), NULL);
	_cleanup_free_ char *line =
		strf("%s%.*s%s\n", output->line_of ? "\n" : "", (int)n, head, text);

	output->line_of = NULL;
	write_text(output, line, strlen(line));
}

static size_t count_lines(const char *p, const char *end)
{
	size_t n = 0, length;

	for (; p < end; n++)
		p = str_next_line(p, end, &length);
	return n;
}

void output_worker(struct output *output, const void *who, const char *label, const char *data,
		   size_t size)
{
	const char *end = data + size, *next;
	char head[128];
	size_t n = make_head(head, sizeof(head), label);
	_cleanup_free_ char *text = xcalloc(size + count_lines(data, end) * n + 1, 1);
	char *to = text;
	size_t length;

	if (output->line_of && output->line_of != who) {
		*to++ = '\n';
		output->line_of = NULL;
	}
	for (const char *p = data; p < end; p = next) {
		next = str_next_line(p, end, &length);
		if (!output->line_of)
			to = mempcpy(to, head, n);
		to = mempcpy(to, p, (size_t)(next - p));
		output->line_of = next[-1] == '\n' ? NULL : who;
	}
	write_text(output, text, (size_t)(to - text));
}
