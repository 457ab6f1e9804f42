/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/selftest_record.h"
#include "cmd/status_fields.h"
#include "cmd/status_print.h"
#include "cmd/status_watch.h"
#include "rundir/status.h"

/* Exit status as for LSB init scripts (ffsctl(8), "EXIT STATUS"). */
enum { EXIT_READY = 0, EXIT_DEGRADED = 1, EXIT_NOT_UP = 3, EXIT_UNKNOWN = 4 };

static int exit_status_of_gadget(const struct gadget_status *gadget)
{
	if (gadget->state == STATUS_READY)
		return EXIT_READY;
	return gadget->state == STATUS_FOREIGN ? EXIT_UNKNOWN : EXIT_DEGRADED;
}

/*
 * Returns the exit status of `status` without arguments: EXIT_DEGRADED if a gadget of ffsctl is not
 * ready.
 */
static int exit_status_of_all(const struct gadget_statuses *gadgets)
{
	for (size_t i = 0; i < gadgets->n; i++)
		if (exit_status_of_gadget(&gadgets->list[i]) == EXIT_DEGRADED)
			return EXIT_DEGRADED;
	return EXIT_READY;
}

struct status_command {
	const struct globals *globals;
	char *const *gadget_arguments; /* NULL ends the list; an empty list: all gadgets */
	bool prints_json, watches;
	struct status_fields fields; /* fields of -o; n_fields 0: prints the whole status */
	struct gadget_statuses gadgets;
	struct error first_error;
};

static int add_named_gadget(struct status_command *q, const char *argument)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	struct gadget_statuses found = { 0 };
	struct gadget_status *gadget;

	if (cmd_find_gadget_name(q->globals, argument, &name, &err) < 0 ||
	    inspect_gadgets(&q->globals->paths, name, &found, &err) < 0) {
		cmd_keep_or_print_error(&q->first_error, &err);
		statuses_free(&found);
		return EXIT_UNKNOWN;
	}
	gadget = array_add(q->gadgets.list, q->gadgets.n);
	if (found.n == 0) {
		*gadget = (struct gadget_status){ .name = steal_ptr(name), .state = STATUS_DOWN };
		return EXIT_NOT_UP;
	}
	*gadget = found.list[0];
	free(found.list); /* has only one element, because gadget names are unique */
	return exit_status_of_gadget(gadget);
}

/* Reads the status of the gadgets in the arguments. Returns the exit status of the command. */
static int read_requested_statuses(struct status_command *q)
{
	int code = EXIT_READY;

	error_clear(&q->first_error);
	if (!*q->gadget_arguments)
		return inspect_gadgets(&q->globals->paths, NULL, &q->gadgets, &q->first_error) < 0
			       ? EXIT_UNKNOWN
			       : exit_status_of_all(&q->gadgets);
	for (char *const *name = q->gadget_arguments; *name; name++) {
		int one = add_named_gadget(q, *name);

		code = one > code ? one : code;
	}
	return code;
}

static void read_gadget_statuses(void *data, struct gadget_statuses *gadgets, struct error *err)
{
	struct status_command *q = data;
	int code = read_requested_statuses(q);

	if (q->first_error.exit && code == EXIT_UNKNOWN)
		error_move(err, &q->first_error);
	*gadgets = q->gadgets;
	q->gadgets = (struct gadget_statuses){ 0 };
}

static int print_status(struct status_command *q, int code)
{
	if (q->prints_json)
		return cmd_print_gadgets_json(statuses_to_json(&q->gadgets), &q->first_error, NULL,
					      code);
	for (size_t i = 0; i < q->gadgets.n; i++) {
		if (q->fields.n_fields > 0)
			status_fields_print(&q->fields, &q->gadgets.list[i]);
		else
			status_print_gadget(stdout, &q->gadgets.list[i], NULL);
	}
	if (q->first_error.exit)
		cmd_print_error(&q->first_error);
	return fflush(stdout) == 0 ? code : EX_IOERR;
}

/* Prints that a selftest was killed before it has bound a gadget again. */
static void print_killed_selftest(const struct paths *paths)
{
	_cleanup_free_ char *gadget = selftest_record_of_killed(paths);

	if (gadget)
		log_info("a selftest was killed: 'ffsctl selftest --restore' binds '%s' again",
			 gadget);
}

static int set_fields(void *values, const char *value, struct error *err)
{
	struct status_command *q = values;
	_cleanup_free_ char *message = NULL;

	return status_fields_parse(&q->fields, value, &message)
		       ? 0
		       : error_set(err, EX_USAGE, EINVAL, NULL, "%s", message);
}

static const struct option_row options[] = {
	CMD_JSON_OPTION(offsetof(struct status_command, prints_json)),
	{ "--watch", NULL,
	  "print the status again at each change, until Ctrl-C\n"
	  "terminal: the current status, with data rates\n"
	  "otherwise: a line, or with --json a document, per change",
	  OPTION_FLAG, .offset = offsetof(struct status_command, watches) },
	{ "-o", " FIELD[,FIELD...]",
	  "print these fields, separated by tabs, a line per gadget\n"
	  "('-': the field has no value)",
	  OPTION_SET, .set = set_fields, .tag = CMD_ARGUMENT_STATUS_FIELDS },
	{ 0 },
};

static int run_command_on_statuses(struct status_command *q)
{
	int code;

	if (q->watches)
		return status_watch(q->globals, q->prints_json, read_gadget_statuses, q);
	code = read_requested_statuses(q);
	if (!*q->gadget_arguments && q->gadgets.n == 0 && !q->prints_json && !q->fields.n_fields &&
	    !q->first_error.exit)
		log_info("no gadget is up");
	code = print_status(q, code);
	if (!q->prints_json && !q->fields.n_fields)
		print_killed_selftest(&q->globals->paths);
	statuses_free(&q->gadgets);
	error_clear(&q->first_error);
	return code;
}

static int run_status_command(const struct globals *globals, int argc, char **argv)
{
	struct status_command q = { .globals = globals };
	int exit;

	if (cmd_parse_options(globals, argc, argv, &q, &exit)) {
		q.gadget_arguments = argv + optind;
		if (q.prints_json && q.fields.n_fields > 0)
			exit = cmd_print_usage_error(&cmd_status,
						     "-o and --json exclude each other");
		else if (q.watches && q.fields.n_fields > 0)
			exit = cmd_print_usage_error(&cmd_status,
						     "-o and --watch exclude each other");
		else
			exit = run_command_on_statuses(&q);
	}
	status_fields_free(&q.fields);
	return exit;
}

#define WORD_OF(type, name) " " #name

const struct command cmd_status = {
	.name = "status",
	.usage_arguments = "[GADGET...]",
	.summary = "print the status of all gadgets in configfs",
	.options = options,
	.notes = "fields:" GADGET_MEMBERS(WORD_OF) GADGET_UP_MEMBERS(
		WORD_OF) "\n"
			 "after a function's label and a dot:\n " FUNCTION_MEMBERS(
				 WORD_OF) "\n"
					  "after a function's label and "
					  "'.worker.':\n " WORKER_MEMBERS(
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
	.argument_kinds = { CMD_ARGUMENT_ALL_GADGETS },
	.all_arguments_are_of_first_kind = true,
	.run = run_status_command,
};
