/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line charts as SVG 1.1: a logarithmic axis of sizes, values from 0. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct plot_series {
	char *name;	      /* in the legend */
	double *size, *value; /* size: bytes, above 0, ascending */
	size_t n;
};

struct plot {
	const char *title;
	const char *y_label; /* with the unit */
	struct plot_series *series;
	size_t n;
};

void plot_write(FILE *f, const struct plot *plot);
/* Returns the distance of an axis' ticks: 1, 2 or 5 times a power of ten, at most `ticks` up to
 * `max`. */
double plot_step(double max, unsigned int ticks);
