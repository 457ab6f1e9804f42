/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RUN/NAME/log: the last 64 to 128 KiB of the events of the gadget and of the output of its
 * workers. Each line begins with the time. If a worker has printed the line, the label of its
 * function and a bar follow:
 *
 *   2026-11-21 14:30:05 echo: worker ready (pid 812)
 *   2026-11-21 14:30:07 echo| output of the worker
 */
#pragma once

#include <stddef.h>

#include "rundir/rundir.h"

#define OUTPUT_KEPT (64 * 1024)
/* Bytes of older events that are kept in addition, so that output of a worker does not displace
 * them. */
#define OUTPUT_EVENTS (16 * 1024)

struct output {
	int dir_fd; /* not owned */
	int fd;	    /* descriptor of the log; -1: nothing was written yet */
	size_t size;
	const void *unfinished_writer; /* `writer` of the last line, if that line has no newline
					  yet; else NULL */
};

void output_init(struct output *output, int dir_fd);
/* Opens the existing log, so that later output is appended to it: after a takeover or a re-exec. */
void output_continue(struct output *output);
void output_close(struct output *output);
/* Writes a line about the gadget. */
void output_event(struct output *output, const char *text);
/*
 * Writes output of a worker, not necessarily whole lines. `writer` identifies the worker; `label`
 * is the label of its function.
 */
void output_write_worker_text(struct output *output, const void *writer, const char *label,
			      const char *data, size_t size);
