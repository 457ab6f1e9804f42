/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timer ticks and interruption. A signal comes every TICK_MS, so that the inner loops need not read
 * the clock. SIGINT and SIGTERM end the measurement with a partial result.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TICK_MS 50

/* Starts the ticks. From now on the first SIGINT or SIGTERM sets a flag, the second ends the
 * process. */
void tick_start(void);
/* Stops the ticks. tick_interrupted() still works. */
void tick_stop(void);
/* Returns whether there was a tick since the last call. */
bool tick_due(void);
bool tick_interrupted(void);

/* Return the time of CLOCK_MONOTONIC. */
int64_t now_ms(void);
double now_seconds(void);
/* Returns the CPU time of this process, user and system. */
double cpu_seconds(void);
