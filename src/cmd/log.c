/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"

static int run_log_command(const struct globals *globals, int argc, char **argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL, *text = NULL, *shown = NULL;
	size_t size = 0;
	int exit;

	if (!cmd_parse_help_and_json(&cmd_log, argc, argv, NULL, &exit))
		return exit;
	if (argc - optind != 1)
		return cmd_error_usage(&cmd_log, "expected one gadget");
	if (cmd_find_gadget_name(globals, argv[optind], &name, &err) < 0 ||
	    client_read_log(&globals->paths, name, &text, &size, &err) < 0)
		return cmd_print_error(&err);
	/* Removes control characters, with which workers could control the terminal. */
	shown = text_printable_lines(text, size);
	cmd_print_lines(stdout, shown);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : EX_IOERR;
}

const struct command cmd_log = {
	.name = "log",
	.usage_arguments = "GADGET",
	.summary = "print the log of a gadget, with the output of its workers",
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.run = run_log_command,
};
