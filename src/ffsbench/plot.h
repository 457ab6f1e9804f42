/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line chart as SVG 1.1: sizes on a logarithmic axis, values from 0 on. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct plot_series {
	char *name;	      /* in the legend */
	double *size, *value; /* bytes, above 0; ascending */
	size_t n;
};

struct plot {
	const char *title;
	const char *y_label; /* with the unit */
	struct plot_series *series;
	size_t n;
};

void plot_write(FILE *f, const struct plot *plot);
/* The distance of the axis' ticks: 1, 2 or 5 times a power of ten, at most `ticks` up to `max`. */
double plot_step(double max, unsigned int ticks);
