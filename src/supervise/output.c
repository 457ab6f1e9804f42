/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void begin_line(FILE *f)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	if (localtime_r(&now, &tm) && strftime(text, sizeof(text), "%F %T ", &tm) > 0)
		fputs(text, f);
}

/* What was written to `f`, which opened `text`. */
static void write_stream(struct output *output, FILE *f, char **text, const size_t *size)
{
	if (fclose(f) == 0)
		write_text(output, *text, *size);
	free(*text);
}

void output_event(struct output *output, const char *text)
{
	char *line = NULL;
	size_t size;
	FILE *f = open_memstream(&line, &size);

	if (!f)
		return;
	if (output->line_of)
		fputc('\n', f);
	begin_line(f);
	fprintf(f, "%s\n", text);
	output->line_of = NULL;
	write_stream(output, f, &line, &size);
}

void output_worker(struct output *output, const void *who, const char *label, const char *data,
		   size_t size)
{
	const char *end = data + size, *newline, *next;
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return;
	if (output->line_of && output->line_of != who) {
		fputc('\n', f);
		output->line_of = NULL;
	}
	for (const char *p = data; p < end; p = next) {
		newline = memchr(p, '\n', (size_t)(end - p));
		next = newline ? newline + 1 : end;
		if (!output->line_of) {
			begin_line(f);
			fprintf(f, "%s| ", label);
		}
		fwrite(p, 1, (size_t)(next - p), f);
		output->line_of = newline ? NULL : who;
	}
	write_stream(output, f, &text, &length);
}
