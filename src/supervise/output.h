/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What workers print: the last 64 KiB or more (at most twice that) in RUN/NAME/log. */
#pragma once

#include <stddef.h>

#include "supervise/rundir.h"

#define OUTPUT_KEPT (64 * 1024)

struct output {
	int dir_fd; /* not owned */
	int fd;	    /* -1: nothing was written yet */
	size_t size;
};

void output_init(struct output *output, int dir_fd);
void output_close(struct output *output);
void output_write(struct output *output, const void *data, size_t size);
