/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "spec/text.h"
#include "supervise/machine.h"

/* LSB's codes for status (cli.md, "Exit codes"). */
enum { STATUS_READY = 0, STATUS_DEGRADED = 1, STATUS_NOT_UP = 3, STATUS_UNKNOWN = 4 };

static void print_worker(const json_t *worker)
{
	json_int_t pid = json_integer_value(json_object_get(worker, "pid"));
	json_int_t restarts = json_integer_value(json_object_get(worker, "restarts"));
	const char *last = json_string_value(json_object_get(worker, "last_exit"));

	printf("  worker %s", json_text(worker, "state", "?"));
	if (pid)
		printf(" (pid %lld)", (long long)pid);
	if (restarts)
		printf(", %lld restarts", (long long)restarts);
	if (last)
		printf(", last ended by %s", last);
}

/* One line, as long as a terminal's two: all of it is in the document. */
#define STATS_MAX 160

static void print_stats(const json_t *stats)
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
		printf("\n                 %s", shown);
}

static void print_function(const json_t *function)
{
	const char *mount = json_text(function, "mount", NULL),
		   *device = json_text(function, "device", NULL),
		   *ifname = json_text(function, "ifname", NULL);
	const json_t *worker = json_object_get(function, "worker");

	printf("  %-14s %s.%s", json_text(function, "label", "?"), json_text(function, "type", "?"),
	       json_text(function, "instance", "?"));
	if (mount)
		printf(" on %s", mount);
	if (device)
		printf(" (%s)", device);
	if (ifname)
		printf(" (%s)", ifname);
	if (json_is_object(worker)) {
		print_worker(worker);
		print_stats(json_object_get(worker, "stats"));
	}
	putchar('\n');
}

static void print_gadget(const json_t *gadget)
{
	const json_t *functions = json_object_get(gadget, "functions"), *item;
	const char *udc = json_text(gadget, "udc", NULL), *speed = json_text(gadget, "speed", NULL);
	size_t i;

	printf("%s: %s", json_text(gadget, "name", "?"), json_text(gadget, "state", "?"));
	if (udc)
		printf(" on %s, %s%s%s", udc, json_text(gadget, "udc_state", "not there"),
		       speed ? ", " : "", speed ? speed : "");
	putchar('\n');
	json_array_foreach(functions, i, item)
		print_function(item);
	json_array_foreach(json_object_get(gadget, "problems"), i, item)
		printf("  %s: %s\n", json_text(item, "severity", "?"),
		       json_text(item, "text", "?"));
}

static int code_of(const json_t *gadget)
{
	const char *state = json_text(gadget, "state", "");

	if (streq(state, "ready"))
		return STATUS_READY;
	return streq(state, "foreign") ? STATUS_UNKNOWN : STATUS_DEGRADED;
}

/* Without an argument only ours count, and only whether one of them is not well. */
static int code_of_all(const json_t *gadgets)
{
	const json_t *gadget;
	size_t i;

	json_array_foreach(gadgets, i, gadget)
		if (!streq(json_text(gadget, "state", ""), "foreign") &&
		    code_of(gadget) != STATUS_READY)
			return STATUS_DEGRADED;
	return STATUS_READY;
}

struct request {
	const struct globals *globals;
	bool json;
	const struct fields *fields; /* -o; none: words */
	json_t *gadgets;
	struct error err;
};

static int add_named(struct request *q, const char *argument)
{
	_cleanup_free_ char *name = NULL;
	json_t *found = NULL;
	int code;

	if (cmd_gadget_name(q->globals, argument, &name, &q->err) < 0 ||
	    machine_gadgets(&q->globals->world, name, &found, &q->err) < 0)
		return STATUS_UNKNOWN;
	code = json_array_size(found) ? code_of(json_array_get(found, 0)) : STATUS_NOT_UP;
	if (code == STATUS_NOT_UP)
		json_array_append_new(found,
				      json_pack("{s:s, s:n, s:s, s:[], s:[]}", "name", name, "file",
						"state", "down", "functions", "problems"));
	json_array_extend(q->gadgets, found);
	json_decref(found);
	return code;
}

static int print(struct request *q, int code)
{
	const json_t *gadget;
	size_t i;

	if (q->json)
		return cmd_print_json(q->gadgets, &q->err, NULL, code);
	json_array_foreach(q->gadgets, i, gadget) {
		if (q->fields->n > 0)
			fields_print(q->fields, gadget);
		else
			print_gadget(gadget);
	}
	json_decref(q->gadgets);
	if (q->err.exit)
		cmd_print_error(&q->err);
	return fflush(stdout) == 0 ? code : EX_IOERR;
}

static int run(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_fields_ struct fields fields = { 0 };
	struct request q = { .globals = globals, .gadgets = NULL, .fields = &fields };
	_cleanup_free_ char *bad = NULL;
	int option, code = STATUS_READY;

	while ((option = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (option == 'h')
			return cmd_help(&cmd_status);
		if (option == '?')
			return cmd_bad_option(&cmd_status, argv);
		if (option == 'o' && !fields_parse(&fields, optarg, &bad))
			return cmd_usage(&cmd_status, "%s", bad);
		q.json = q.json || option == 'j';
	}
	if (q.json && fields.n > 0)
		return cmd_usage(&cmd_status, "-o and --json exclude each other");
	if (optind == argc) {
		if (machine_gadgets(&globals->world, NULL, &q.gadgets, &q.err) < 0)
			code = STATUS_UNKNOWN;
		else
			code = code_of_all(q.gadgets);
		if (json_array_size(q.gadgets) == 0 && !q.json && !fields.n && !q.err.exit)
			log_info("no gadget is up on this machine");
	} else {
		q.gadgets = json_array();
	}
	for (int i = optind; i < argc; i++) {
		int one = add_named(&q, argv[i]);

		code = one > code ? one : code;
	}
	code = print(&q, code);
	error_clear(&q.err);
	return code;
}

const struct command cmd_status = {
	.name = "status",
	.args = "[GADGET...]",
	.summary = "every gadget on the machine, also those of others, and how it is",
	.options =
		"  --json              one JSON document on stdout\n"
		"  -o FIELD[,FIELD...] bare values, a line for each gadget, with tabs between; '-' "
		"is "
		"none\n"
		"\n"
		"fields: name, file, state, udc, udc_state, speed, since, supervisor; with a "
		"function's\n"
		"label and a dot: type, instance, mount, device, ifname, keeper, worker.state,\n"
		"worker.pid and so on; '*.device' prints a line for each function\n"
		"\n"
		"exit status for one gadget: 0 up and ready, 1 degraded, 3 not up, 4 cannot tell;\n"
		"without an argument: 0 unless one of ours is degraded\n",
	.words = { CMD_WORDS_ALL_GADGETS },
	.repeats = true,
	.run = run,
};
