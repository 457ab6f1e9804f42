/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the results. */
#pragma once

#include <stdio.h>

#include "ffsbench/bench.h"

/* `err`: the error of the measurement, which may be empty. */

/* Prints text on stdout and warnings on stderr; only rows without a failure. */
void report_text(const struct report *r, const struct options *o, const struct error *err);
/* Prints schemas/ffsbench.schema.json. */
void report_json(const struct report *r, const struct options *o, const struct error *err);
void report_csv(const struct report *r, const struct error *err);
/* Writes the rows as a chart in SVG. */
void report_plot(FILE *f, const struct report *r);
