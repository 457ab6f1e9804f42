/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_print.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "base/util.h"

static void print_worker(FILE *out, const json_t *worker)
{
	json_int_t pid = json_integer_value(json_object_get(worker, "pid"));
	json_int_t restarts = json_integer_value(json_object_get(worker, "restarts"));
	const char *last = json_string_value(json_object_get(worker, "last_exit"));

	fprintf(out, "worker %s", json_text(worker, "state", "?"));
	if (pid)
		fprintf(out, " (pid %lld)", (long long)pid);
	if (restarts)
		fprintf(out, ", %lld restarts", (long long)restarts);
	if (last)
		fprintf(out, ", last ended by %s", last);
}

/* Characters: two lines of a terminal. --json prints all. */
#define STATS_MAX 160

static void print_stats(FILE *out, const json_t *stats)
{
	_cleanup_free_ char *text = xstrdup(""), *shown = NULL;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)stats, key, value) {
		_cleanup_free_ char *old = text;
		_cleanup_free_ char *member =
			json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

		text = strf("%s%s%s %s", old, *old ? ", " : "", key, member ? member : "?");
	}
	shown = text_printable(text, strlen(text));
	text_cut(shown, STATS_MAX);
	if (*shown)
		fprintf(out, "\n                 %s", shown);
}

static void print_function(FILE *out, const json_t *gadget, const json_t *function,
			   const struct rates *rates)
{
	const char *mount = json_text(function, "mount", NULL),
		   *device = json_text(function, "device", NULL),
		   *ifname = json_text(function, "ifname", NULL);
	const json_t *worker = json_object_get(function, "worker");

	fprintf(out, "  %-14s %s.%s", json_text(function, "label", "?"),
		json_text(function, "type", "?"), json_text(function, "instance", "?"));
	if (mount)
		fprintf(out, " on %s", mount);
	if (device)
		fprintf(out, " (%s)", device);
	if (ifname)
		fprintf(out, " (%s)", ifname);
	if (json_is_object(worker)) {
		fputs("  ", out);
		print_worker(out, worker);
		print_stats(out, json_object_get(worker, "stats"));
	}
	if (rates)
		rates_print(out, rates, gadget, function);
	fputc('\n', out);
}

static void print_head(FILE *out, const json_t *gadget)
{
	const char *udc = json_text(gadget, "udc", NULL), *speed = json_text(gadget, "speed", NULL);

	fprintf(out, "%s: %s", json_text(gadget, "name", "?"), json_text(gadget, "state", "?"));
	if (udc)
		fprintf(out, " on %s, %s%s%s", udc, json_text(gadget, "udc_state", "removed"),
			speed ? ", " : "", speed ? speed : "");
}

static void print_problems(FILE *out, const json_t *gadget, const char *before, const char *after)
{
	const json_t *problem;
	size_t i;

	json_array_foreach(json_object_get(gadget, "problems"), i, problem)
		fprintf(out, "%s%s: %s%s", before, json_text(problem, "severity", "?"),
			json_text(problem, "text", "?"), after);
}

void status_print_gadget(FILE *out, const json_t *gadget, const struct rates *rates)
{
	const json_t *function;
	size_t i;

	print_head(out, gadget);
	fputc('\n', out);
	json_array_foreach(json_object_get(gadget, "functions"), i, function)
		print_function(out, gadget, function, rates);
	print_problems(out, gadget, "  ", "\n");
}

void status_print_line(FILE *out, const json_t *gadget)
{
	const json_t *function;
	size_t i;

	print_head(out, gadget);
	json_array_foreach(json_object_get(gadget, "functions"), i, function) {
		const json_t *worker = json_object_get(function, "worker");

		if (!json_is_object(worker))
			continue;
		fprintf(out, "; %s: ", json_text(function, "label", "?"));
		print_worker(out, worker);
	}
	print_problems(out, gadget, "; ", "");
	fputc('\n', out);
}
