/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define TIME_LENGTH 20 /* "2026-11-21 14:30:05 " */
/*
 * Maximum size of one write, so that the log after shorten_log() and one write is smaller than
 * twice LOG_FILE_KEPT.
 */
#define WRITE_MAX (LOG_FILE_KEPT - LOG_FILE_EVENTS)
#define INPUT_FILE_MAX (2 * LOG_FILE_OUTPUT) /* maximum size of RUNDIR_LOG_INPUT */

void log_file_init(struct log_file *log, int dir_fd)
{
	*log = (struct log_file){ .dir_fd = dir_fd, .log_fd = -1, .input_fd = -1 };
}

void log_file_close(struct log_file *log)
{
	cleanup_close(&log->log_fd);
	cleanup_close(&log->input_fd);
}

static int open_log(struct log_file *log)
{
	if (log->log_fd < 0)
		log->log_fd = openat(log->dir_fd, RUNDIR_LOG,
				     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	return log->log_fd;
}

/*
 * Returns whether a line of the log is an event of the gadget. If not, a worker has printed it: the
 * word after the time is a label and '|'.
 */
static bool is_event_line(const char *line, size_t length)
{
	const char *word = line + TIME_LENGTH, *end = line + length;
	const char *space = length > TIME_LENGTH ? memchr(word, ' ', (size_t)(end - word)) : NULL;

	return length > TIME_LENGTH && (!space || space == word || space[-1] != '|');
}

/*
 * Copies the event lines of a text. Leaves out the first event lines, until their sizes add up to
 * `skip` bytes or more. Returns the number of copied bytes. If `to` is NULL, only counts the bytes.
 */
static size_t copy_event_lines(const char *text, const char *end, size_t skip, char *to)
{
	const char *next;
	size_t seen = 0, n = 0;

	for (size_t length; text < end; text = next) {
		size_t size;

		next = str_skip_line(text, end, &length);
		size = (size_t)(next - text);
		if (!is_event_line(text, length) || next[-1] != '\n')
			continue;
		if (seen >= skip) {
			if (to)
				memcpy(to + n, text, size);
			n += size;
		}
		seen += size;
	}
	return n;
}

/*
 * Shortens the log. Keeps the lines that begin in its last LOG_FILE_KEPT bytes. Of the older lines,
 * keeps only the last ones that report events, at most LOG_FILE_EVENTS bytes. Replaces the file, so
 * that a process that reads the old file can continue to read it.
 */
static void shorten_log(struct log_file *log)
{
	_cleanup_free_ char *all = xcalloc(1, log->log_size + 1), *kept = NULL;
	ssize_t read = pread(log->log_fd, all, log->log_size, 0);
	size_t n = read > 0 ? (size_t)read : 0, events, skip;
	const char *from = n > LOG_FILE_KEPT ? all + n - LOG_FILE_KEPT : all, *newline;

	newline = memchr(from, '\n', (size_t)(all + n - from));
	from = newline ? newline + 1 : from;
	events = copy_event_lines(all, from, 0, NULL);
	skip = events > LOG_FILE_EVENTS ? events - LOG_FILE_EVENTS : 0;
	kept = xcalloc(1, events + LOG_FILE_KEPT);
	events = copy_event_lines(all, from, skip, kept);
	memcpy(kept + events, from, (size_t)(all + n - from));
	cleanup_close(&log->log_fd);
	log->log_size = events + (size_t)(all + n - from);
	file_replace(log->dir_fd, RUNDIR_LOG, kept, log->log_size, 0640);
}

/*
 * Writes the first line of RUNDIR_LOG_INPUT: the size of the log before the output that follows is
 * appended to it, and whose output it is. The line's length does not depend on the size. It is in
 * one page, so a signal does not interrupt the write. Returns the length; 0: it was not written.
 */
static size_t write_input_head(const struct log_file *log)
{
	_cleanup_free_ char *head = strf("%020zu %s\n", log->log_size, log->input_label);
	size_t size = strlen(head);

	return pwrite(log->input_fd, head, size, 0) == (ssize_t)size ? size : 0;
}

/*
 * Appends text to the log. Ignores errors, such as a full file system; the log is then incomplete.
 */
static void append_text(struct log_file *log, const char *data, size_t size)
{
	const char *newline;

	/*
	 * Of a text that is too long, only the last lines are kept. A text is too long only if it
	 * has many short lines: a time and a label are added to each line.
	 */
	if (size > WRITE_MAX) {
		data += size - WRITE_MAX;
		size = WRITE_MAX;
		newline = memchr(data, '\n', size);
		size -= newline ? (size_t)(newline + 1 - data) : 0;
		data = newline ? newline + 1 : data;
	}
	if (log->log_size + size > 2 * LOG_FILE_KEPT) {
		shorten_log(log);
		if (log->input_label)
			write_input_head(log);
	}
	if (open_log(log) >= 0 && fd_write_all(log->log_fd, data, size) == 0)
		log->log_size += size;
}

/*
 * Writes the start of a line to `head`: "2026-11-21 14:30:05 LABEL| ", or only the time if `label`
 * is NULL. Returns the length of the start.
 */
static size_t make_line_start(char *head, size_t size, const char *label)
{
	time_t now = time(NULL);
	struct tm tm;
	size_t n = localtime_r(&now, &tm) ? strftime(head, size, "%F %T ", &tm) : 0;

	if (label)
		n += (size_t)snprintf(head + n, size - n, "%s| ", label);
	return n < size ? n : size - 1;
}

void log_file_write_event(struct log_file *log, const char *text)
{
	char head[32];
	size_t n = make_line_start(head, sizeof(head), NULL);
	_cleanup_free_ char *line =
		strf("%s%.*s%s\n", log->unfinished_writer ? "\n" : "", (int)n, head, text);

	log->unfinished_writer = NULL;
	append_text(log, line, strlen(line));
}

static size_t count_lines(const char *p, const char *end)
{
	size_t n = 0, length;

	for (; p < end; n++)
		p = str_skip_line(p, end, &length);
	return n;
}

/* Appends output of a worker to the log. Begins each line with the time and the label. */
static void write_worker_text(struct log_file *log, const void *writer, const char *label,
			      const char *data, size_t size)
{
	const char *end = data + size, *next;
	char head[128];
	size_t n = make_line_start(head, sizeof(head), label);
	_cleanup_free_ char *text = xcalloc(size + count_lines(data, end) * n + 1, 1);
	char *to = text;
	size_t length;

	if (log->unfinished_writer && log->unfinished_writer != writer) {
		*to++ = '\n';
		log->unfinished_writer = NULL;
	}
	for (const char *p = data; p < end; p = next) {
		next = str_skip_line(p, end, &length);
		if (!log->unfinished_writer)
			to = mempcpy(to, head, n);
		to = mempcpy(to, p, (size_t)(next - p));
		log->unfinished_writer = next[-1] == '\n' ? NULL : writer;
	}
	append_text(log, text, (size_t)(to - text));
}

/*
 * Appends output of a worker, which is in RUNDIR_LOG_INPUT, too, to the log. When it is there,
 * empties the file.
 */
static void append_input(struct log_file *log, const void *writer, const char *text, size_t size)
{
	write_worker_text(log, writer, log->input_label, text, size);
	if (log->input_fd >= 0 && ftruncate(log->input_fd, 0) < 0)
		cleanup_close(&log->input_fd);
}

/*
 * Moves output from the pipe to RUNDIR_LOG_INPUT. The kernel takes from the pipe what it has
 * written, also if a signal ends the process: each byte is in the pipe or in the file. Sets *head
 * to the position of the output in the file. Returns what read(2) returns.
 */
static ssize_t splice_to_input(struct log_file *log, int pipe_fd, size_t *head)
{
	off_t offset;

	if (log->input_fd < 0)
		log->input_fd = openat(log->dir_fd, RUNDIR_LOG_INPUT,
				       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	*head = log->input_fd >= 0 ? write_input_head(log) : 0;
	offset = (off_t)*head;
	if (offset == 0) {
		errno = ENOSPC;
		return -1;
	}
	return splice(pipe_fd, NULL, log->input_fd, &offset, LOG_FILE_OUTPUT, SPLICE_F_NONBLOCK);
}

ssize_t log_file_move_worker_output(struct log_file *log, const void *writer, const char *label,
				    int pipe_fd)
{
	char text[LOG_FILE_OUTPUT];
	size_t head;
	ssize_t n;

	log->input_label = label;
	n = splice_to_input(log, pipe_fd, &head);
	if (n > 0)
		n = pread(log->input_fd, text, (size_t)n, (off_t)head);
	/* Without room for the file: what follows is lost if the process is killed just now. */
	else if (n < 0 && errno != EAGAIN)
		n = read(pipe_fd, text, sizeof(text));
	if (n > 0)
		append_input(log, writer, text, (size_t)n);
	log->input_label = NULL;
	return n;
}

static bool ends_within_line(const struct log_file *log)
{
	char last = '\n';

	return log->log_size > 0 && pread(log->log_fd, &last, 1, (off_t)(log->log_size - 1)) == 1 &&
	       last != '\n';
}

/*
 * Appends the output in RUNDIR_LOG_INPUT to the log. Removes first what the dead supervisor has
 * appended of it.
 */
static void continue_move(struct log_file *log)
{
	_cleanup_free_ char *text = NULL;
	size_t size, length, log_size;
	const char *output;
	char *label;

	if (file_read(log->dir_fd, RUNDIR_LOG_INPUT, INPUT_FILE_MAX, &text, &size) < 0)
		return;
	output = str_skip_line(text, text + size, &length);
	log_size = strtoul(text, &label, 10);
	if (output == text + size || *label != ' ')
		return;
	text[length] = '\0';
	if (log_size < log->log_size && ftruncate(log->log_fd, (off_t)log_size) == 0)
		log->log_size = log_size;
	log->unfinished_writer = ends_within_line(log) ? log : NULL;
	log->input_fd = openat(log->dir_fd, RUNDIR_LOG_INPUT, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	log->input_label = label + 1;
	append_input(log, text, output, (size_t)(text + size - output));
	log->input_label = NULL;
}

void log_file_open_existing(struct log_file *log)
{
	struct stat st;

	if (fstatat(log->dir_fd, RUNDIR_LOG, &st, AT_SYMLINK_NOFOLLOW) == 0 && open_log(log) >= 0)
		log->log_size = (size_t)st.st_size;
	continue_move(log);
	/* Whoever writes next begins a new line. */
	log->unfinished_writer = log->log_fd >= 0 && ends_within_line(log) ? log : NULL;
}
