/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `help` and `version`: print the help of ffsctl or of a command, and the version of ffsctl. */
#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"

static void print_commands(const struct globals *globals)
{
	size_t width = 0;

	for (const struct command *const *c = globals->all_commands; *c; c++) {
		size_t n = strlen((*c)->name);

		width = n > width ? n : width;
	}
	for (const struct command *const *c = globals->all_commands; *c; c++) {
		_cleanup_free_ char *line =
			strf("  %-*s  %s", (int)width, (*c)->name, (*c)->summary);

		text_print_wrapped(stdout, line, width + strlen("    "));
	}
}

int cmd_print_general_help(const struct globals *globals)
{
	puts("usage: ffsctl [-v|-q] [--color=WHEN] COMMAND [OPTIONS] [GADGET...]\n\n"
	     "Creates, supervises and removes USB gadgets described by files.\n\n"
	     "  ffsctl check gadget.conf      check the file\n"
	     "  ffsctl up gadget.conf         bring the gadget up\n"
	     "  ffsctl status                 print its status\n"
	     "  ffsctl down gadget.conf       take it down\n\n"
	     "commands:");
	print_commands(globals);
	puts("\noptions:");
	option_table_print(stdout, globals->options, CMD_DESCRIPTION_COLUMN);
	puts("\n'ffsctl help COMMAND' lists the options of a command. -v and -q may also\n"
	     "follow the command. See also ffsctl(8).");
	return 0;
}

static int run_help_command(const struct globals *globals, int argc, char **argv)
{
	const struct command *command;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, NULL, &exit))
		return exit;
	if (argc - optind > 1)
		return cmd_print_usage_error(&cmd_help, "expected at most one command");
	if (optind == argc)
		return cmd_print_general_help(globals);
	command = cmd_find_command(globals, argv[optind]);
	return command ? cmd_print_help(command)
		       : cmd_print_unknown_command_error(globals, argv[optind]);
}

const struct command cmd_help = {
	.name = "help",
	.usage_arguments = "[COMMAND]",
	.summary = "print the help of ffsctl, or of a command",
	.argument_kinds = { CMD_ARGUMENT_COMMANDS },
	.run = run_help_command,
};

int cmd_print_version(void)
{
	puts("ffsctl " PACKAGE_VERSION);
	return 0;
}

static int run_version_command(const struct globals *globals, int argc, char **argv)
{
	int exit;

	if (!cmd_parse_options(globals, argc, argv, NULL, &exit))
		return exit;
	if (optind != argc)
		return cmd_print_usage_error(&cmd_version, "expected no arguments");
	return cmd_print_version();
}

const struct command cmd_version = {
	.name = "version",
	.usage_arguments = "",
	.summary = "print the version of ffsctl",
	.run = run_version_command,
};
