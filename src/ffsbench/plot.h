/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Draws line charts in SVG 1.1. The x axis shows sizes, on a logarithmic scale. The y axis shows
   values and begins at 0. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct plot_series {
	char *legend_name;
	double *sizes;	/* bytes, above 0, in ascending order */
	double *values; /* y value of each size */
	size_t n_points;
};

struct plot {
	const char *title;
	const char *y_label; /* label of the y axis, with the unit */
	struct plot_series *series;
	size_t n_series;
};

void plot_write(FILE *f, const struct plot *plot);
/* Returns the distance between two ticks of an axis. It is 1, 2 or 5 times a power of ten, and
   an axis from 0 to `max` has at most `ticks` such distances. */
double plot_tick_distance(double max, unsigned int ticks);
