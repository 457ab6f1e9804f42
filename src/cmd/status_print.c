/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/status_print.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "cmd/table.h"

static void print_worker(FILE *out, const struct worker_status *worker)
{
	const char *state = worker_state_in_status_words[worker->state];

	fprintf(out, "worker %s", state ? state : "?");
	if (worker->pid)
		fprintf(out, " (pid %d)", (int)worker->pid);
	if (worker->restarts)
		fprintf(out, ", %u restart%s", worker->restarts, worker->restarts == 1 ? "" : "s");
	if (worker->last_exit)
		fprintf(out, ", last ended by %s", worker->last_exit);
}

#define STATS_MAX 160 /* characters: about two lines of a terminal; --json prints all */

static void print_worker_stats(FILE *out, const json_t *stats, int indent)
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
	shown = text_replace_unprintable(text, strlen(text));
	text_shorten(shown, STATS_MAX);
	if (*shown)
		fprintf(out, "\n%*s%s", indent, "", shown);
}

#define LABEL_WIDTH_MIN 14 /* so that the columns of most gadgets are aligned with each other */

static int label_width(const struct gadget_status *gadget)
{
	size_t width = LABEL_WIDTH_MIN;

	for (size_t i = 0; i < gadget->n_functions; i++) {
		size_t n = table_text_width(gadget->functions[i].label);

		width = n > width ? n : width;
	}
	return (int)width;
}

/* `width` is the width of the column with the labels. */
static void print_function(FILE *out, const struct gadget_status *gadget,
			   const struct function_status *function, int width,
			   const struct data_rates *rates)
{
	fprintf(out, "  %s%*s %s.%s", function->label,
		width - (int)table_text_width(function->label), "", function->type,
		function->instance);
	if (function->mount)
		fprintf(out, " on %s", function->mount);
	if (function->device)
		fprintf(out, " (%s)", function->device);
	if (function->ifname)
		fprintf(out, " (%s)", function->ifname);
	if (function->has_worker) {
		fputs("  ", out);
		print_worker(out, &function->worker);
		print_worker_stats(out, function->worker.stats, width + 3);
	}
	if (rates)
		rates_print(out, rates, gadget, function, width + 3);
	fputc('\n', out);
}

static bool only_udc_reports_host(const struct gadget_status *gadget)
{
	return streq_null(gadget->udc_state, "configured") &&
	       streq_null(gadget->configured_by, "udc");
}

static void print_gadget_state(FILE *out, const struct gadget_status *gadget)
{
	fprintf(out, "%s: %s", gadget->name, gadget_state_in_status_words[gadget->state]);
	if (gadget->udc)
		fprintf(out, " on %s, %s%s%s%s", gadget->udc,
			gadget->udc_state ? gadget->udc_state : "removed",
			gadget->speed ? ", " : "", gadget->speed ? gadget->speed : "",
			only_udc_reports_host(gadget) ? " (as the UDC reports)" : "");
}

static void print_gadget_problems(FILE *out, const struct gadget_status *gadget, const char *before,
				  const char *after)
{
	for (size_t i = 0; i < gadget->n_problems; i++) {
		const char *severity = problem_severity_words[gadget->problems[i].severity];

		fprintf(out, "%s%s: %s%s", before, severity ? severity : "?",
			gadget->problems[i].text, after);
	}
}

void status_print_gadget(FILE *out, const struct gadget_status *gadget,
			 const struct data_rates *rates)
{
	const int width = label_width(gadget);

	print_gadget_state(out, gadget);
	fputc('\n', out);
	for (size_t i = 0; i < gadget->n_functions; i++)
		print_function(out, gadget, &gadget->functions[i], width, rates);
	print_gadget_problems(out, gadget, "  ", "\n");
}

void status_print_line(FILE *out, const struct gadget_status *gadget)
{
	print_gadget_state(out, gadget);
	for (size_t i = 0; i < gadget->n_functions; i++) {
		const struct function_status *function = &gadget->functions[i];

		if (!function->has_worker)
			continue;
		fprintf(out, "; %s: ", function->label);
		print_worker(out, &function->worker);
	}
	print_gadget_problems(out, gadget, "; ", "");
	fputc('\n', out);
}
