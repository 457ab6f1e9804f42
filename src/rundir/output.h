/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a gadget, and what its workers print: the last 64 KiB or more (at most twice
 * that) in RUN/NAME/log. Each line begins with the time, a worker's with its function and a bar:
 *
 *   2026-11-21 14:30:05 echo: worker ready (pid 812)
 *   2026-11-21 14:30:07 echo| what it prints
 */
#pragma once

#include <stddef.h>

#include "rundir/rundir.h"

#define OUTPUT_KEPT (64 * 1024)
/* Of what happened, which no worker can print away, also what is older, up to so many bytes. */
#define OUTPUT_EVENTS (16 * 1024)

struct output {
	int dir_fd; /* not owned */
	int fd;	    /* -1: nothing was written yet */
	size_t size;
	const void *line_of; /* whose line has not ended yet; NULL: the next one begins */
};

void output_init(struct output *output, int dir_fd);
/* The log of a supervisor that has died goes on. */
void output_continue(struct output *output);
void output_close(struct output *output);
void output_event(struct output *output, const char *text);
/* Pieces as they come: `who` tells whose they are, `label` is for people. */
void output_worker(struct output *output, const void *who, const char *label, const char *data,
		   size_t size);
