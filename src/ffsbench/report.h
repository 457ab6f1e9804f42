/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the report. */
#pragma once

#include <stdio.h>

#include "ffsbench/bench.h"

/* The argument `err` of these functions is the error that ended the measurement; it is empty if
   there was none. */

/* Prints the rows whose runs have all succeeded, as text on stdout, and the warnings on stderr. */
void report_print_text(const struct report *r, const struct options *o, const struct error *err);
/* Prints the report as JSON (schemas/ffsbench.schema.json) on stdout. */
void report_print_json(const struct report *r, const struct options *o, const struct error *err);
void report_print_csv(const struct report *r, const struct error *err);
/* Writes a chart of the rows as SVG. */
void report_write_chart(FILE *f, const struct report *r);
