/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line charts as SVG 1.1: a logarithmic axis of sizes, values from 0. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct plot_series {
	char *name;	      /* name of the curve in the legend */
	double *size, *value; /* size: in bytes, above 0, in ascending order */
	size_t n;
};

struct plot {
	const char *title;
	const char *y_label; /* label of the y axis, with the unit */
	struct plot_series *series;
	size_t n;
};

void plot_write(FILE *f, const struct plot *plot);
/* Returns the distance between the ticks of an axis: 1, 2 or 5 times a power of ten, so that there
 * are at most `ticks` ticks from 0 to `max`. */
double plot_step(double max, unsigned int ticks);
