/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds commands and parses their options. Prints the errors for words that are no commands, and
 * for options that a command does not have or whose value is wrong.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"

const struct command *cmd_find_command(const struct globals *globals, const char *name)
{
	for (const struct command *const *c = globals->all_commands; *c; c++)
		if (streq(name, (*c)->name))
			return *c;
	return NULL;
}

/* --- unknown commands --- */

int cmd_print_unknown_command_error(const struct globals *globals, const char *word)
{
	_cleanup_error_ struct error err = { 0 };
	const char *suggestion = NULL;

	for (const struct command *const *c = globals->all_commands; *c; c++)
		text_find_most_similar(word, (*c)->name, &suggestion);
	error_set(&err, EX_USAGE, EINVAL, NULL, "unknown command '%s'", word);
	if (suggestion)
		error_add_hint(&err, "did you mean '%s'?", suggestion);
	else
		error_add_hint(&err, "see 'ffsctl --help'");
	return cmd_print_error(&err);
}

/* --- options of a command --- */

const struct option_row cmd_json_options[] = { CMD_JSON_OPTION(0), { 0 } };

/* Adds a hint with the option that is most similar to `name`, or else with the help command. */
static int add_option_hint(struct error *err, const struct option_row *options,
			   const struct command *command, const char *name)
{
	const char *suggestion = option_suggest(options, name);

	if (suggestion)
		return error_add_hint(err, "did you mean '%s'?", suggestion);
	return error_add_hint(err, "see 'ffsctl%s%s --help'", command ? " " : "",
			      command ? command->name : "");
}

static int print_unknown_option_error(const struct globals *globals, char *const *argv)
{
	const struct command *command = globals->current_command;
	_cleanup_free_ char *name = option_rejected_name(argv);
	_cleanup_error_ struct error err = { 0 };

	if (option_find(globals->options, name)) {
		error_set(&err, EX_USAGE, EINVAL, NULL, "%s: option '%s' must precede the command",
			  command->name, name);
		error_add_hint(&err, "write it before '%s'", command->name);
	} else {
		error_set(&err, EX_USAGE, EINVAL, NULL, "%s: unknown option '%s'", command->name,
			  name);
		add_option_hint(&err, command->options, command, name);
	}
	return cmd_print_error(&err);
}

bool cmd_parse_options(const struct globals *globals, int argc, char **argv, void *values,
		       int *exit)
{
	const struct command *command = globals->current_command;
	const struct option_parser parser = { .rows = command->options, .values = values };
	_cleanup_error_ struct error err = { 0 };
	int r = option_table_parse(&parser, argc, argv, &err);

	if (r == OPTIONS_HELP)
		*exit = cmd_print_help(command);
	else if (err.exit)
		*exit = cmd_print_usage_error(command, "%s", err.text);
	else if (r < 0)
		*exit = print_unknown_option_error(globals, argv);
	return r == OPTIONS_PARSED;
}

/* --- global options --- */

/*
 * Returns the first command in the command line that has the option; NULL: none has it. *any is
 * true if any command has it.
 */
static const struct command *find_command_with_option(const struct globals *globals,
						      const char *name, char *const *argv,
						      bool *any)
{
	*any = false;
	for (const struct command *const *c = globals->all_commands; *c; c++)
		*any = *any || option_find((*c)->options, name);
	for (int i = optind; argv[i]; i++) {
		const struct command *c = cmd_find_command(globals, argv[i]);

		if (c && option_find(c->options, name))
			return c;
	}
	return NULL;
}

/* Sets the error for an option before the command that is no global option. */
static int error_not_a_global_option(const struct globals *globals, char *const *argv,
				     struct error *err)
{
	_cleanup_free_ char *name = option_rejected_name(argv);
	bool any;
	const struct command *command = find_command_with_option(globals, name, argv, &any);

	if (!any) {
		error_set(err, EX_USAGE, EINVAL, NULL, "unknown option '%s'", name);
		return add_option_hint(err, globals->options, NULL, name);
	}
	error_set(err, EX_USAGE, EINVAL, NULL, "option '%s' must follow the command", name);
	if (command)
		return error_add_hint(err, "write it after '%s'", command->name);
	return error_add_hint(err, "see 'ffsctl --help'");
}

int cmd_parse_global_options(struct globals *globals, int argc, char **argv)
{
	const struct option_parser parser = { .rows = globals->options,
					      .values = globals,
					      .stops_at_argument = true };
	_cleanup_error_ struct error err = { 0 };
	int r = option_table_parse(&parser, argc, argv, &err);

	if (r >= 0)
		return r;
	if (err.exit)
		error_add_hint(&err, "see 'ffsctl --help'");
	else
		error_not_a_global_option(globals, argv, &err);
	return -cmd_print_error(&err);
}
