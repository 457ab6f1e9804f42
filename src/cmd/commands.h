/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only list of the commands, in the order of --help. The main program, --help and the shell
 * completion use it.
 *
 * COMMAND(NAME): a command that a file of this directory defines, as `const struct command
 * cmd_NAME` (cmd.h). The word that users type is the member `name` of this struct. Unlike NAME, it
 * can contain a hyphen.
 *
 * REQUEST(...): a command that sends one request to a gadget's supervisor and prints the answer.
 * The arguments of REQUEST are initializers of a struct command. socket_requests.c executes such a
 * command, so the command has no file here. In the supervisor, the request has a row in
 * rundir/control.h and a function in supervisor/control_commands.c.
 */
#pragma once

/* clang-format off */
#define COMMANDS(COMMAND, REQUEST) \
	COMMAND(up) \
	COMMAND(run) \
	COMMAND(down) \
	COMMAND(reload) \
	REQUEST(.name = "restart", \
		.usage_arguments = "GADGET [FUNCTION]", \
		.summary = "restart the workers of a gadget or of one function, without a disconnect", \
		.argument_kinds = { CMD_ARGUMENT_GADGETS, CMD_ARGUMENT_FUNCTIONS }, \
		.supervisor_request = { .control_command = COMMAND_RESTART, \
			     .argument_member_offset = offsetof(struct socket_request, function), \
			     .expected_arguments = "a gadget and optionally one of its functions", \
			     .takes_over_if_supervisor_died = true, \
			     .print_answer = cmd_print_restarted }) \
	COMMAND(reexec) \
	REQUEST(.name = "bind", \
		.usage_arguments = "GADGET [UDC]", \
		.summary = "bind a gadget that is up to a UDC", \
		.options = cmd_bind_options, \
		.argument_kinds = { CMD_ARGUMENT_GADGETS, CMD_ARGUMENT_UDCS }, \
		.supervisor_request = { .control_command = COMMAND_BIND, \
			     .argument_member_offset = offsetof(struct socket_request, udc), \
			     .expected_arguments = "a gadget and optionally a UDC", \
			     .print_answer = cmd_print_bound }) \
	REQUEST(.name = "unbind", \
		.usage_arguments = "GADGET", \
		.summary = "unbind a gadget and leave it up", \
		.argument_kinds = { CMD_ARGUMENT_GADGETS }, \
		.supervisor_request = { .control_command = COMMAND_UNBIND, \
			     .done_text = "unbound", \
			     .unchanged_text = "is not bound" }) \
	COMMAND(wait) \
	COMMAND(status) \
	COMMAND(log) \
	COMMAND(trace) \
	COMMAND(check) \
	COMMAND(descriptors) \
	COMMAND(export) \
	COMMAND(list) \
	COMMAND(plugins) \
	COMMAND(doctor) \
	COMMAND(selftest) \
	COMMAND(udc) \
	COMMAND(features) \
	COMMAND(schema) \
	COMMAND(completion) \
	COMMAND(help) \
	COMMAND(version)
/* clang-format on */
