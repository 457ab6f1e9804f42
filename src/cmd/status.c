/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "cmd/status_print.h"
#include "cmd/status_watch.h"

/* Exit status as for LSB init scripts (ffsctl(8), "EXIT STATUS"). */
enum { STATUS_READY = 0, STATUS_DEGRADED = 1, STATUS_NOT_UP = 3, STATUS_UNKNOWN = 4 };

static int code_of(const json_t *gadget)
{
	const char *state = json_text(gadget, "state", "");

	if (streq(state, "ready"))
		return STATUS_READY;
	return streq(state, "foreign") ? STATUS_UNKNOWN : STATUS_DEGRADED;
}

/*
 * Returns the exit status without arguments: STATUS_DEGRADED if any gadget of ffsctl is not ready.
 */
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
	char *const *names; /* arguments, end with NULL; none: all gadgets */
	bool json;
	const struct fields *fields; /* -o; n 0: prints text */
	json_t *gadgets;
	struct error err;
};

static int add_named(struct request *q, const char *argument)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	json_t *found = NULL;
	int code;

	if (cmd_gadget_name(q->globals, argument, &name, &err) < 0 ||
	    inspect_gadgets(&q->globals->paths, name, &found, &err) < 0) {
		cmd_keep_error(&q->err, &err);
		return STATUS_UNKNOWN;
	}
	code = json_array_size(found) ? code_of(json_array_get(found, 0)) : STATUS_NOT_UP;
	if (code == STATUS_NOT_UP)
		json_array_append_new(found,
				      json_pack("{s:s, s:n, s:s, s:[], s:[]}", "name", name, "file",
						"state", "down", "functions", "problems"));
	json_array_extend(q->gadgets, found);
	json_decref(found);
	return code;
}

/* Reads the gadgets; returns the exit status. */
static int read_status(struct request *q)
{
	int code = STATUS_READY;

	error_clear(&q->err);
	if (!*q->names)
		return inspect_gadgets(&q->globals->paths, NULL, &q->gadgets, &q->err) < 0
			       ? STATUS_UNKNOWN
			       : code_of_all(q->gadgets);
	q->gadgets = json_array();
	for (char *const *name = q->names; *name; name++) {
		int one = add_named(q, *name);

		code = one > code ? one : code;
	}
	return code;
}

static json_t *read_gadgets(void *data, struct error *err)
{
	struct request *q = data;
	int code = read_status(q);

	if (q->err.exit && code == STATUS_UNKNOWN)
		error_move(err, &q->err);
	return steal_ptr(q->gadgets);
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
			status_print_gadget(stdout, gadget, NULL);
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
		{ "watch", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_fields_ struct fields fields = { 0 };
	struct request q = { .globals = globals, .gadgets = NULL, .fields = &fields };
	_cleanup_free_ char *bad = NULL;
	bool watch = false;
	int option, code;

	while ((option = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		if (option == 'h')
			return cmd_help(&cmd_status);
		if (option == '?')
			return cmd_bad_option(&cmd_status, argv);
		if (option == 'o' && !fields_parse(&fields, optarg, &bad))
			return cmd_usage(&cmd_status, "%s", bad);
		q.json = q.json || option == 'j';
		watch = watch || option == 'w';
	}
	if (q.json && fields.n > 0)
		return cmd_usage(&cmd_status, "-o and --json exclude each other");
	if (watch && fields.n > 0)
		return cmd_usage(&cmd_status, "-o and --watch exclude each other");
	q.names = argv + optind;
	if (watch)
		return status_watch(globals, q.json, read_gadgets, &q);
	code = read_status(&q);
	if (!*q.names && json_array_size(q.gadgets) == 0 && !q.json && !fields.n && !q.err.exit)
		log_info("no gadget is up");
	code = print(&q, code);
	error_clear(&q.err);
	return code;
}

const struct command cmd_status = {
	.name = "status",
	.args = "[GADGET...]",
	.summary = "print the status of all gadgets in configfs",
	.options =
		"  --json              one JSON document on stdout\n"
		"  --watch             print it again at each change, until Ctrl-C: on a terminal "
		"in place,\n"
		"                      with data rates; else a line per change, with --json a "
		"document\n"
		"  -o FIELD[,FIELD...] print only these values, a line per gadget, separated by "
		"tabs; '-': none\n"
		"\n"
		"fields: name, file, state, udc, udc_state, speed, since, supervisor; with a "
		"function's\n"
		"label and a dot: type, instance, mount, device, ifname, keeper, worker.state,\n"
		"worker.pid and so on; '*.device' prints a line for each function\n"
		"\n"
		"exit status for one gadget: 0 up and ready, 1 degraded, 3 not up, 4 unknown;\n"
		"without an argument: 0 unless a gadget of ffsctl is degraded\n",
	.words = { CMD_WORDS_ALL_GADGETS },
	.repeats = true,
	.run = run,
};
