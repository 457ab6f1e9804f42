/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What interrupts a run: a signal every TICK_MS, so that the inner loops move data and do not ask
 * for the time, and SIGINT or SIGTERM, which end it with what there is so far.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TICK_MS 50

/* From here on the first SIGINT or SIGTERM is only noted; the second ends the process. */
void tick_start(void);
/* No more ticks; the signals stay noted. */
void tick_stop(void);
/* Whether it has ticked since the last call. */
bool tick_due(void);
bool tick_interrupted(void);

/* CLOCK_MONOTONIC. */
int64_t now_ms(void);
double now_seconds(void);
/* Of this process, user and system. */
double cpu_seconds(void);
