/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "cmd/status_print.h"
#include "cmd/status_watch.h"
#include "rundir/status.h"

/* Exit status as for LSB init scripts (ffsctl(8), "EXIT STATUS"). */
enum { EXIT_READY = 0, EXIT_DEGRADED = 1, EXIT_NOT_UP = 3, EXIT_UNKNOWN = 4 };

static int exit_status_of(const struct gadget_status *gadget)
{
	if (gadget->state == STATUS_READY)
		return EXIT_READY;
	return gadget->state == STATUS_FOREIGN ? EXIT_UNKNOWN : EXIT_DEGRADED;
}

/* Returns the exit status without arguments: EXIT_DEGRADED if any gadget of ffsctl is not ready. */
static int exit_status_of_all(const struct gadget_statuses *gadgets)
{
	for (size_t i = 0; i < gadgets->n; i++)
		if (exit_status_of(&gadgets->v[i]) == EXIT_DEGRADED)
			return EXIT_DEGRADED;
	return EXIT_READY;
}

struct status_command {
	const struct globals *globals;
	char *const *names; /* the arguments; ends with NULL; without arguments: all gadgets */
	bool json;
	const struct fields *fields; /* fields of -o; fields->n 0: prints text */
	struct gadget_statuses gadgets;
	struct error err;
};

static int add_named_gadget(struct status_command *q, const char *argument)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	struct gadget_statuses found = { 0 };
	struct gadget_status *gadget;

	if (cmd_gadget_name(q->globals, argument, &name, &err) < 0 ||
	    inspect_gadgets(&q->globals->paths, name, &found, &err) < 0) {
		cmd_keep_error(&q->err, &err);
		statuses_free(&found);
		return EXIT_UNKNOWN;
	}
	gadget = array_add(q->gadgets.v, q->gadgets.n);
	if (found.n == 0) {
		*gadget = (struct gadget_status){ .name = steal_ptr(name), .state = STATUS_DOWN };
		return EXIT_NOT_UP;
	}
	*gadget = found.v[0];
	free(found.v); /* names of gadgets are unique */
	return exit_status_of(gadget);
}

/* Reads the states of the gadgets. Returns the exit status. */
static int read_status(struct status_command *q)
{
	int code = EXIT_READY;

	error_clear(&q->err);
	if (!*q->names)
		return inspect_gadgets(&q->globals->paths, NULL, &q->gadgets, &q->err) < 0
			       ? EXIT_UNKNOWN
			       : exit_status_of_all(&q->gadgets);
	for (char *const *name = q->names; *name; name++) {
		int one = add_named_gadget(q, *name);

		code = one > code ? one : code;
	}
	return code;
}

static void read_gadgets(void *data, struct gadget_statuses *gadgets, struct error *err)
{
	struct status_command *q = data;
	int code = read_status(q);

	if (q->err.exit && code == EXIT_UNKNOWN)
		error_move(err, &q->err);
	*gadgets = q->gadgets;
	q->gadgets = (struct gadget_statuses){ 0 };
}

static int print(struct status_command *q, int code)
{
	if (q->json)
		return cmd_print_json(statuses_to_json(&q->gadgets), &q->err, NULL, code);
	for (size_t i = 0; i < q->gadgets.n; i++) {
		if (q->fields->n > 0)
			fields_print(q->fields, &q->gadgets.v[i]);
		else
			status_print_gadget(stdout, &q->gadgets.v[i], NULL);
	}
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
	struct status_command q = { .globals = globals, .fields = &fields };
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
	if (!*q.names && q.gadgets.n == 0 && !q.json && !fields.n && !q.err.exit)
		log_info("no gadget is up");
	code = print(&q, code);
	statuses_free(&q.gadgets);
	error_clear(&q.err);
	return code;
}

#define WORD_OF(type, name) " " #name

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
		"fields:" GADGET_MEMBERS(WORD_OF) GADGET_UP_MEMBERS(
			WORD_OF) "\n"
				 "after a function's label and a dot:" FUNCTION_MEMBERS(
					 WORD_OF) "\n"
						  "after label.worker. :" WORKER_MEMBERS(
							  WORD_OF) "\n"
								   "'*' in place of the label "
								   "prints a line for each "
								   "function, as in '*.device'\n"
								   "\n"
								   "exit status for one gadget: 0 "
								   "up and ready, 1 degraded, 3 "
								   "not up, 4 unknown;\n"
								   "without an argument: 0 unless "
								   "a gadget of ffsctl is "
								   "degraded\n",
	.words = { CMD_WORDS_ALL_GADGETS },
	.repeats = true,
	.run = run,
};
