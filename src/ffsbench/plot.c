/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/plot.h"

#include <math.h>
#include <stdint.h>

#include "base/util.h"
#include "ffsbench/args.h"

#define WIDTH 860
#define HEIGHT 480
#define LEFT 80
#define RIGHT 640 /* right end of the x axis; the legend is to the right of it */
#define TOP 50
#define BOTTOM 410
#define LEGEND_LINE 20 /* height of one line of the legend */
#define Y_TICKS 8
#define X_TICKS 14

/* Colours that colour-blind readers can distinguish. The points of adjacent curves also differ
   in shape. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
				       "#e69f00", "#56b4e9", "#000000", "#888888" };
struct axes {
	/* The x axis goes from 2^log2_min_size to 2^log2_max_size bytes. */
	int log2_min_size, log2_max_size;
	double tick_distance, max_value; /* of the y axis */
};

static void write_escaped_text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			fputs("&amp;", f);
		else if (*s == '<')
			fputs("&lt;", f);
		else if (*s == '>')
			fputs("&gt;", f);
		else
			fputc(*s, f);
	}
}

static void write_label(FILE *f, double x, double y, const char *anchor, const char *s)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	write_escaped_text(f, s);
	fputs("</text>\n", f);
}

double plot_tick_distance(double max, unsigned int ticks)
{
	double step = pow(10, floor(log10(max / ticks)));

	if (max / step <= ticks)
		return step;
	if (max / (2 * step) <= ticks)
		return 2 * step;
	return max / (5 * step) <= ticks ? 5 * step : 10 * step;
}

static struct axes choose_axes(const struct plot *p)
{
	double low = HUGE_VAL, high = 0, max = 0;
	struct axes a;
	size_t i, k;

	for (i = 0; i < p->n_series; i++)
		for (k = 0; k < p->series[i].n_points; k++) {
			low = fmin(low, p->series[i].sizes[k]);
			high = fmax(high, p->series[i].sizes[k]);
			max = fmax(max, p->series[i].values[k]);
		}
	if (high < 1)
		low = high = 1;
	if (!(max > 0))
		max = 1;
	a.log2_min_size = (int)floor(log2(low));
	a.log2_max_size = (int)ceil(log2(high));
	/* If there is only one size, it is placed in the middle. */
	if (a.log2_min_size == a.log2_max_size) {
		a.log2_min_size--;
		a.log2_max_size++;
	}
	a.tick_distance = plot_tick_distance(max, Y_TICKS);
	a.max_value = ceil(max / a.tick_distance) * a.tick_distance;
	return a;
}

static double x_position(const struct axes *a, double size)
{
	return LEFT + (log2(size) - a->log2_min_size) / (a->log2_max_size - a->log2_min_size) *
			      (RIGHT - LEFT);
}

static double y_position(const struct axes *a, double value)
{
	return BOTTOM - value / a->max_value * (BOTTOM - TOP);
}

static void draw_axes(FILE *f, const struct plot *p, const struct axes *a)
{
	int every = (a->log2_max_size - a->log2_min_size) / X_TICKS + 1, e;
	char number[32];
	double y;

	fprintf(f, "<g stroke=\"#dddddd\">\n");
	for (e = a->log2_min_size; e <= a->log2_max_size; e += every)
		fprintf(f, "<path d=\"M%.1f %dV%d\"/>\n", x_position(a, exp2(e)), TOP, BOTTOM);
	for (y = 0; y <= a->max_value * 1.001; y += a->tick_distance)
		fprintf(f, "<path d=\"M%d %.1fH%d\"/>\n", LEFT, y_position(a, y), RIGHT);
	fprintf(f, "</g>\n<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"black\"/>\n", LEFT, TOP,
		BOTTOM, RIGHT);
	for (e = a->log2_min_size; e <= a->log2_max_size; e += every)
		if (e >= 0)
			write_label(f, x_position(a, exp2(e)), BOTTOM + 18, "middle",
				    format_size((uint64_t)1 << e, number, sizeof(number)));
	for (y = 0; y <= a->max_value * 1.001; y += a->tick_distance) {
		snprintf(number, sizeof(number), "%g", y);
		write_label(f, LEFT - 8, y_position(a, y) + 4, "end", number);
	}
	write_label(f, (LEFT + RIGHT) / 2.0, BOTTOM + 45, "middle",
		    "size, bytes (K, M: powers of 1024)");
	fprintf(f, "<g transform=\"rotate(-90 20 %d)\">\n", (TOP + BOTTOM) / 2);
	write_label(f, 20, (TOP + BOTTOM) / 2.0, "middle", p->y_label);
	fputs("</g>\n", f);
}

static void draw_point(FILE *f, size_t i, double x, double y)
{
	static const char *const shapes[] = { "m-4 -4h8v8h-8z", "m0 -5l5 9h-10z",
					      "m0 -5l5 5l-5 5l-5 -5z" };

	fprintf(f, "<path d=\"M%.1f %.1f%s\"/>\n", x, y, shapes[i % ARRAY_SIZE(shapes)]);
}

static void draw_series(FILE *f, const struct plot *p, const struct axes *a, size_t i)
{
	const struct plot_series *s = &p->series[i];
	const char *colour = colours[i % ARRAY_SIZE(colours)];
	double at = TOP + 10 + (double)i * LEGEND_LINE;
	size_t k;

	fprintf(f, "<g fill=\"%s\" stroke=\"none\">\n", colour);
	fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour);
	for (k = 0; k < s->n_points; k++)
		fprintf(f, "%s%.1f,%.1f", k ? " " : "", x_position(a, s->sizes[k]),
			y_position(a, s->values[k]));
	fputs("\"/>\n", f);
	for (k = 0; k < s->n_points; k++)
		draw_point(f, i, x_position(a, s->sizes[k]), y_position(a, s->values[k]));
	fprintf(f, "<path d=\"M%d %.1fh24\" stroke=\"%s\" stroke-width=\"2\"/>\n", RIGHT + 20, at,
		colour);
	draw_point(f, i, RIGHT + 32, at);
	fputs("</g>\n", f);
	write_label(f, RIGHT + 52, at + 4, "start", s->legend_name);
}

void plot_write(FILE *f, const struct plot *plot)
{
	struct axes a = choose_axes(plot);
	double needed = TOP + 10 + (double)plot->n_series * LEGEND_LINE;
	int height = needed > HEIGHT ? (int)needed : HEIGHT;

	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<title>",
		WIDTH, height, WIDTH, height);
	write_escaped_text(f, plot->title);
	fputs("</title>\n", f);
	write_label(f, (LEFT + RIGHT) / 2.0, TOP - 22, "middle", plot->title);
	draw_axes(f, plot, &a);
	for (size_t i = 0; i < plot->n_series; i++)
		draw_series(f, plot, &a, i);
	fputs("</svg>\n", f);
}
