/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A progress bar on stderr, if that is a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool enabled;
	size_t run, runs; /* index of the current run, number of runs */
	char name[48];	  /* name of the current combination */
	int64_t drawn;	  /* time of the last update, ms */
};

void progress_init(struct progress *p, bool quiet, size_t runs);
/* Updates the bar, at most ten times a second. `part`: part of the run that is done, 0 to 1.
   `bytes` and `seconds`: data and time of this run so far. */
void progress_show(struct progress *p, double part, uint64_t bytes, double seconds);
void progress_end(struct progress *p);
