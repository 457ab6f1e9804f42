/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Draws a progress bar on stderr if stderr is a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_bar {
	bool enabled;
	size_t run_index, n_runs;     /* index of the current run; number of all runs */
	char run_parameters_text[48]; /* what the current run measures */
	int64_t drawn_at_ms;	      /* time of the last update; 0: none */
};

void progress_bar_init(struct progress_bar *p, bool quiet, size_t n_runs);
/* Updates the progress bar, at most ten times a second. `fraction`: how much of the current run
   is done, 0 to 1. `bytes` and `seconds`: data and time of the current run so far. */
void progress_bar_update(struct progress_bar *p, double fraction, uint64_t bytes, double seconds);
void progress_bar_end(struct progress_bar *p);
