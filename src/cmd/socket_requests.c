/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/socket_requests.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"

const struct option_row cmd_bind_options[] = {
	{ "--udc", " NAME", "the UDC to bind to, same as the argument UDC", OPTION_TEXT,
	  .tag = CMD_ARGUMENT_UDCS },
	{ 0 },
};

/* --- functions that print answers --- */

void cmd_print_restarted(const char *gadget, const char *function,
			 const struct socket_answer *answer)
{
	if (!function || !answer->later_worker)
		log_info("%s: %s%sready again", gadget, function ? function : "",
			 function ? " " : "");
	if (answer->later_worker)
		log_info("%s: %s starts when %s", gadget, answer->later_worker,
			 answer->later_worker_starts);
}

void cmd_print_bound(const char *gadget, const char *udc _unused_,
		     const struct socket_answer *answer)
{
	log_info("%s: bound%s%s%s", gadget, answer->gadget_changed ? "" : " already",
		 answer->udc ? " to " : "", answer->udc ? answer->udc : "");
}

/* --- one request --- */

static void print_answer(const struct supervisor_request *row, const char *gadget,
			 const char *second_argument, const struct socket_answer *answer)
{
	if (row->print_answer)
		row->print_answer(gadget, second_argument, answer);
	else
		log_info("%s: %s", gadget,
			 answer->gadget_changed || !row->unchanged_text ? row->done_text
									: row->unchanged_text);
}

/* Sends the command's request and prints the answer. Returns 0, or an exit status with err set. */
static int send_request_and_print_answer(const struct globals *globals, const char *gadget,
					 const char *second_argument, struct error *err)
{
	const struct supervisor_request *row = &globals->current_command->supervisor_request;
	struct socket_request request = { .command = row->control_command };
	_cleanup_answer_ struct socket_answer answer = { 0 };

	if (row->argument_member_offset)
		*(const char **)((char *)&request + row->argument_member_offset) = second_argument;
	if (client_send_request(&globals->paths, gadget, &request, &answer, err) < 0)
		return err->exit;
	print_answer(row, gadget, second_argument, &answer);
	return 0;
}

/* Runs in the child of client_fork_supervisor: takes the gadget over and supervises it. */
static int take_over_in_child(const struct globals *globals, const char *gadget, int report_fd)
{
	_cleanup_error_ struct error err = { 0 };
	bool reported;

	client_take_over(&globals->paths, gadget, report_fd, &reported, &err);
	return reported || !err.exit ? err.exit : cmd_print_gadget_error(gadget, &err);
}

/* Starts a supervisor that takes the gadget over, then sends the request to that supervisor. */
static int take_over_and_send_request(const struct globals *globals, const char *gadget,
				      const char *second_argument)
{
	_cleanup_error_ struct error err = { 0 };
	struct client_up_report report;
	int report_fd, exit = client_fork_supervisor(&report_fd, &report, &err);

	if (report_fd >= 0)
		return take_over_in_child(globals, gadget, report_fd);
	if (exit)
		return err.exit ? cmd_print_error(&err) : exit;
	if (report.result == CLIENT_TAKEN_OVER)
		cmd_print_takeover(gadget);
	return send_request_and_print_answer(globals, gadget, second_argument, &err)
		       ? cmd_print_error(&err)
		       : 0;
}

int cmd_send_request(const struct globals *globals, int argc, char **argv)
{
	const struct command *command = globals->current_command;
	const struct supervisor_request *row = &command->supervisor_request;
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *gadget = NULL;
	const char *second_argument = NULL;
	int exit;

	/* The value of an option replaces the second argument. */
	if (!cmd_parse_options(globals, argc, argv, &second_argument, &exit))
		return exit;
	if (argc - optind < 1 ||
	    argc - optind > (row->argument_member_offset && !second_argument ? 2 : 1))
		return cmd_print_usage_error(command, "expected %s",
					     row->expected_arguments ? row->expected_arguments
								     : "one gadget");
	if (argc - optind == 2)
		second_argument = argv[optind + 1];
	if (cmd_find_gadget_name(globals, argv[optind], &gadget, &err) < 0)
		return cmd_print_error(&err);
	if (send_request_and_print_answer(globals, gadget, second_argument, &err) == 0)
		return 0;
	if (row->takes_over_if_supervisor_died &&
	    client_gadget_is_orphaned(&globals->paths, gadget))
		return take_over_and_send_request(globals, gadget, second_argument);
	return cmd_print_error(&err);
}
