/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people and programs are told about a run. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "host/device.h"

/* A bar on stderr, if that is a terminal. */
struct progress {
	bool on;
	int64_t drawn; /* ms */
};

void progress_init(struct progress *p, bool quiet);
/* Draws at most ten times a second. */
void progress_show(struct progress *p, uint64_t done, uint64_t total, int64_t elapsed_ms);
void progress_end(struct progress *p);

struct loop_result {
	uint64_t messages, bytes; /* that came back and were right */
	unsigned int recoveries;
	double seconds;
};

int64_t now_ms(void);

/* One line on stdout. */
void report_text(const struct loop_result *r);
/* schemas/ffsbench.schema.json; `d` may be all zero, `err` without error. */
void report_json(const struct device *d, const struct loop_result *r, const struct error *err);
