/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people and programs are told about a run. */
#pragma once

#include <stdio.h>

#include "ffsbench/bench.h"

/* `err` may be without error. */

/* On stdout; the warnings on stderr. Of rows only those without a failure. */
void report_text(const struct report *r, const struct options *o, const struct error *err);
/* schemas/ffsbench.schema.json */
void report_json(const struct report *r, const struct options *o, const struct error *err);
void report_csv(const struct report *r, const struct error *err);
/* A chart of the rows as SVG. */
void report_plot(FILE *f, const struct report *r);
