/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions for time: a periodic tick, the end of a run after a signal, and clocks. A timer sends a
 * signal, the tick, every TICK_MS milliseconds: only after a tick do inner loops read the clock, to
 * check the time limit and to update the progress bar. SIGINT and SIGTERM end the measurement with
 * a partial result.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TICK_MS 50

/* Starts the timer. From now on the first SIGINT or SIGTERM makes run_interrupted() return true,
   and the second one ends the process. */
void start_periodic_ticks(void);
/* Stops the timer. run_interrupted() still works. */
void stop_periodic_ticks(void);
/* Returns whether a tick has elapsed since the last call of tick_elapsed(). */
bool tick_elapsed(void);
bool run_interrupted(void);

/* now_ms() and now_seconds() return the time of CLOCK_MONOTONIC. */
int64_t now_ms(void);
double now_seconds(void);
/* Returns the CPU time that this process has used, user and system time together. */
double cpu_seconds(void);
