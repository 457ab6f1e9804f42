/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of a gadget, RUN/NAME/log: the events of the gadget and the output of its workers. Only
 * the last 64 to 128 KiB are kept. Each line begins with the time. If a worker has printed the
 * line, the label of the worker's function and '|' follow:
 *
 *   2026-11-21 14:30:05 echo: worker ready (pid 812)
 *   2026-11-21 14:30:07 echo| output of the worker
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "rundir/rundir.h"

#define LOG_FILE_KEPT (64 * 1024) /* bytes that are kept when the log becomes too long */
/*
 * When the log becomes too long, lines that report events are kept even if they are older than the
 * last LOG_FILE_KEPT bytes: at most this number of bytes. Long output of a worker must not remove
 * all events from the log.
 */
#define LOG_FILE_EVENTS (16 * 1024)

/* The log of a gadget, to which a supervisor writes. */
struct log_file {
	int dir_fd; /* run directory of the gadget; not owned */
	int log_fd; /* -1: nothing was written yet */
	size_t log_size;
	const void *unfinished_writer; /* `writer` of the last line in the log, if this line has no
					  newline yet; else NULL */
	int input_fd;		       /* the file RUNDIR_LOG_INPUT; -1: not opened yet */
	const char *input_label;       /* label of the function whose output RUNDIR_LOG_INPUT has;
					  NULL: it is empty */
};

void log_file_init(struct log_file *log, int dir_fd);
/*
 * Opens the existing log after a takeover or a re-exec, so that later output is appended to it.
 * Writes the output that the dead supervisor had read and perhaps not written.
 */
void log_file_open_existing(struct log_file *log);
void log_file_close(struct log_file *log);
/* Writes a line about an event of the gadget. */
void log_file_write_event(struct log_file *log, const char *text);
/*
 * Moves output of a worker, which may end within a line, from a pipe to the log, at most
 * LOG_FILE_OUTPUT bytes. `writer` identifies the worker; `label` is the label of its function.
 * Returns what read(2) returns, and sets errno as it does. A process that is killed meanwhile, by
 * SIGKILL too, loses and doubles nothing: log_file_open_existing() of the next one continues.
 */
#define LOG_FILE_OUTPUT 4096
ssize_t log_file_move_worker_output(struct log_file *log, const void *writer, const char *label,
				    int pipe_fd);
