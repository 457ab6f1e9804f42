/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the results. */
#pragma once

#include <stdio.h>

#include "ffsbench/bench.h"

/* The argument `err` of these functions is the error of the measurement; it may be empty. */

/* Prints the rows without a failure as text on stdout, and the warnings on stderr. */
void report_text(const struct report *r, const struct options *o, const struct error *err);
/* Prints the results as JSON (schemas/ffsbench.schema.json). */
void report_json(const struct report *r, const struct options *o, const struct error *err);
void report_csv(const struct report *r, const struct error *err);
/* Writes the rows as a chart in SVG. */
void report_plot(FILE *f, const struct report *r);
