/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bar on stderr, if that is a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool on;
	size_t run, runs; /* this one, from 0, of so many */
	char name[48];	  /* of what runs now */
	int64_t drawn;	  /* ms */
};

void progress_init(struct progress *p, bool quiet, size_t runs);
/* Draws at most ten times a second. `part`: how much of the run is done, 0 to 1; `bytes` in it. */
void progress_show(struct progress *p, double part, uint64_t bytes, double seconds);
void progress_end(struct progress *p);
