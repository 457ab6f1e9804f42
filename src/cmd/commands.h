/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only list of the commands, in the order of --help. The main program, --help and completion
 * use it.
 *
 * COMMAND(NAME): a file of this directory defines `const struct command cmd_NAME` (cmd.h).
 * REQUEST(...): the members of a struct command that sends one request to the supervisor of a
 * gadget and prints the answer. requests.c executes it, so such a command needs no file here. In
 * the supervisor it is a row in rundir/control.h and a function in supervisor/control_commands.c.
 */
#pragma once

/* clang-format off */
#define COMMANDS(COMMAND, REQUEST) \
	COMMAND(up) \
	COMMAND(run) \
	COMMAND(down) \
	COMMAND(reload) \
	REQUEST(.name = "restart", \
		.args = "GADGET [FUNCTION]", \
		.summary = "restart the workers of a gadget or of one function, without a disconnect", \
		.words = { CMD_WORDS_GADGETS, CMD_WORDS_FUNCTIONS }, \
		.request = { .command = COMMAND_RESTART, \
			     .argument = offsetof(struct socket_request, function), \
			     .expected = "a gadget and optionally one of its functions", \
			     .takes_over = true, \
			     .print = cmd_print_restarted }) \
	COMMAND(reexec) \
	REQUEST(.name = "bind", \
		.args = "GADGET [UDC]", \
		.summary = "bind a gadget that is up to a UDC", \
		.options = "  --udc NAME          the UDC to bind to, same as the argument UDC\n", \
		.words = { CMD_WORDS_GADGETS, CMD_WORDS_UDCS }, \
		.request = { .command = COMMAND_BIND, \
			     .argument = offsetof(struct socket_request, udc), \
			     .option = "udc", \
			     .expected = "a gadget and optionally a UDC", \
			     .print = cmd_print_bound }) \
	REQUEST(.name = "unbind", \
		.args = "GADGET", \
		.summary = "unbind a gadget and leave it up", \
		.words = { CMD_WORDS_GADGETS }, \
		.request = { .command = COMMAND_UNBIND, .done = "unbound", .unchanged = "is not bound" }) \
	COMMAND(wait) \
	COMMAND(status) \
	COMMAND(log) \
	COMMAND(check) \
	COMMAND(descriptors) \
	COMMAND(export) \
	COMMAND(list) \
	COMMAND(plugins) \
	COMMAND(udc) \
	COMMAND(features) \
	COMMAND(schema) \
	COMMAND(completion)
/* clang-format on */
