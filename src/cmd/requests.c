/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/requests.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"

/* --- answers that are not printed as fixed texts --- */

void cmd_print_restarted(const char *gadget, const char *function,
			 const struct socket_answer *answer _unused_)
{
	log_info("%s: %s%sready again", gadget, function ? function : "", function ? " " : "");
}

void cmd_print_bound(const char *gadget, const char *udc _unused_,
		     const struct socket_answer *answer)
{
	log_info("%s: bound%s%s%s", gadget, answer->changed ? "" : " already",
		 answer->udc ? " to " : "", answer->udc ? answer->udc : "");
}

/* --- one request --- */

static void print(const struct cmd_request_row *row, const char *gadget, const char *value,
		  const struct socket_answer *answer)
{
	if (row->print)
		row->print(gadget, value, answer);
	else
		log_info("%s: %s", gadget,
			 answer->changed || !row->unchanged ? row->done : row->unchanged);
}

/* Sends the request and prints the answer. On failure, returns the exit status with `err` set. */
static int ask(const struct globals *globals, const char *gadget, const char *value,
	       struct error *err)
{
	const struct cmd_request_row *row = &globals->command->request;
	struct socket_request request = { .command = row->command };
	_cleanup_answer_ struct socket_answer answer = { 0 };

	if (row->argument)
		*(const char **)((char *)&request + row->argument) = value;
	if (client_ask(&globals->paths, gadget, &request, &answer, err) < 0)
		return err->exit;
	print(row, gadget, value, &answer);
	return 0;
}

/* Runs in the child, which becomes the supervisor. */
static int supervise(const struct globals *globals, const char *gadget, int report_fd)
{
	_cleanup_error_ struct error err = { 0 };
	bool reported;

	client_take_over(&globals->paths, gadget, report_fd, &reported, &err);
	return reported || !err.exit ? err.exit : cmd_print_error_about(gadget, &err);
}

/* Starts a supervisor that takes the gadget over, and then sends the request. */
static int take_over_and_ask(const struct globals *globals, const char *gadget, const char *value)
{
	_cleanup_error_ struct error err = { 0 };
	struct client_report report;
	int report_fd, exit = client_detach(&report_fd, &report, &err);

	if (report_fd >= 0)
		return supervise(globals, gadget, report_fd);
	if (exit)
		return err.exit ? cmd_print_error(&err) : exit;
	if (report.result == CLIENT_TAKEN_OVER)
		cmd_print_taken_over(gadget);
	return ask(globals, gadget, value, &err) ? cmd_print_error(&err) : 0;
}

int cmd_request(const struct globals *globals, int argc, char **argv)
{
	const struct command *command = globals->command;
	const struct cmd_request_row *row = &command->request;
	/* If the command has no option, the second row ends the table. */
	const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ row->option, required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *gadget = NULL;
	const char *value = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return cmd_help(command);
		if (option == '?')
			return cmd_bad_option(command, argv);
		value = optarg;
	}
	if (argc - optind < 1 || argc - optind > (row->argument && !value ? 2 : 1))
		return cmd_usage(command, "expected %s",
				 row->expected ? row->expected : "one gadget");
	if (argc - optind == 2)
		value = argv[optind + 1];
	if (cmd_gadget_name(globals, argv[optind], &gadget, &err) < 0)
		return cmd_print_error(&err);
	if (ask(globals, gadget, value, &err) == 0)
		return 0;
	if (row->takes_over && client_is_orphaned(&globals->paths, gadget))
		return take_over_and_ask(globals, gadget, value);
	return cmd_print_error(&err);
}
