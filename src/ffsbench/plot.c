/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ffsbench/plot.h"

#include <math.h>
#include <stdint.h>

#include "base/util.h"
#include "ffsbench/args.h"

#define WIDTH 860
#define HEIGHT 480
#define LEFT 80
#define RIGHT 640 /* the legend is to the right */
#define TOP 50
#define BOTTOM 410
#define LEGEND_LINE 20 /* height of a line of the legend */
#define Y_TICKS 8
#define X_TICKS 14

/* A palette for colour-blind readers; each curve also has its own marks. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
				       "#e69f00", "#56b4e9", "#000000", "#888888" };
struct axes {
	int first, last;  /* x axis: first and last size, as exponents of two */
	double step, top; /* y axis: distance between ticks, largest value */
};

static void write_text(FILE *f, const char *s)
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
	write_text(f, s);
	fputs("</text>\n", f);
}

double plot_step(double max, unsigned int ticks)
{
	double step = pow(10, floor(log10(max / ticks)));

	if (max / step <= ticks)
		return step;
	if (max / (2 * step) <= ticks)
		return 2 * step;
	return max / (5 * step) <= ticks ? 5 * step : 10 * step;
}

static struct axes find_axes(const struct plot *p)
{
	double low = HUGE_VAL, high = 0, max = 0;
	struct axes a;
	size_t i, k;

	for (i = 0; i < p->n; i++)
		for (k = 0; k < p->series[i].n; k++) {
			low = fmin(low, p->series[i].size[k]);
			high = fmax(high, p->series[i].size[k]);
			max = fmax(max, p->series[i].value[k]);
		}
	if (high < 1)
		low = high = 1;
	if (!(max > 0))
		max = 1;
	a.first = (int)floor(log2(low));
	a.last = (int)ceil(log2(high));
	if (a.first == a.last) { /* place a single size in the middle */
		a.first--;
		a.last++;
	}
	a.step = plot_step(max, Y_TICKS);
	a.top = ceil(max / a.step) * a.step;
	return a;
}

static double x_of(const struct axes *a, double size)
{
	return LEFT + (log2(size) - a->first) / (a->last - a->first) * (RIGHT - LEFT);
}

static double y_of(const struct axes *a, double value)
{
	return BOTTOM - value / a->top * (BOTTOM - TOP);
}

static void draw_axes(FILE *f, const struct plot *p, const struct axes *a)
{
	int every = (a->last - a->first) / X_TICKS + 1, e;
	char number[32];
	double y;

	fprintf(f, "<g stroke=\"#dddddd\">\n");
	for (e = a->first; e <= a->last; e += every)
		fprintf(f, "<path d=\"M%.1f %dV%d\"/>\n", x_of(a, exp2(e)), TOP, BOTTOM);
	for (y = 0; y <= a->top * 1.001; y += a->step)
		fprintf(f, "<path d=\"M%d %.1fH%d\"/>\n", LEFT, y_of(a, y), RIGHT);
	fprintf(f, "</g>\n<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"black\"/>\n", LEFT, TOP,
		BOTTOM, RIGHT);
	for (e = a->first; e <= a->last; e += every)
		if (e >= 0)
			write_label(f, x_of(a, exp2(e)), BOTTOM + 18, "middle",
				    format_size((uint64_t)1 << e, number, sizeof(number)));
	for (y = 0; y <= a->top * 1.001; y += a->step) {
		snprintf(number, sizeof(number), "%g", y);
		write_label(f, LEFT - 8, y_of(a, y) + 4, "end", number);
	}
	write_label(f, (LEFT + RIGHT) / 2.0, BOTTOM + 45, "middle",
		    "size, bytes (K, M: powers of 1024)");
	fprintf(f, "<g transform=\"rotate(-90 20 %d)\">\n", (TOP + BOTTOM) / 2);
	write_label(f, 20, (TOP + BOTTOM) / 2.0, "middle", p->y_label);
	fputs("</g>\n", f);
}

static void draw_mark(FILE *f, size_t i, double x, double y)
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
	for (k = 0; k < s->n; k++)
		fprintf(f, "%s%.1f,%.1f", k ? " " : "", x_of(a, s->size[k]), y_of(a, s->value[k]));
	fputs("\"/>\n", f);
	for (k = 0; k < s->n; k++)
		draw_mark(f, i, x_of(a, s->size[k]), y_of(a, s->value[k]));
	fprintf(f, "<path d=\"M%d %.1fh24\" stroke=\"%s\" stroke-width=\"2\"/>\n", RIGHT + 20, at,
		colour);
	draw_mark(f, i, RIGHT + 32, at);
	fputs("</g>\n", f);
	write_label(f, RIGHT + 52, at + 4, "start", s->name);
}

void plot_write(FILE *f, const struct plot *plot)
{
	struct axes a = find_axes(plot);
	double needed = TOP + 10 + (double)plot->n * LEGEND_LINE;
	int height = needed > HEIGHT ? (int)needed : HEIGHT;

	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"13\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<title>",
		WIDTH, height, WIDTH, height);
	write_text(f, plot->title);
	fputs("</title>\n", f);
	write_label(f, (LEFT + RIGHT) / 2.0, TOP - 22, "middle", plot->title);
	draw_axes(f, plot, &a);
	for (size_t i = 0; i < plot->n; i++)
		draw_series(f, plot, &a, i);
	fputs("</svg>\n", f);
}
