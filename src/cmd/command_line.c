/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds commands, and prints the errors for words that are no commands, and for options that
 * getopt_long has rejected or that a command does not have.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/help_options.h"

const char cmd_global_options_help[] =
	"  -v, --verbose       print each step\n"
	"  -q, --quiet         print only errors\n"
	"  --color=WHEN        auto, always or never\n"
	"  --dir DIR           search gadget files in DIR first\n"
	"  --configfs DIR      mount point of configfs (/sys/kernel/config)\n"
	"  --run-dir DIR       run directory, with the state (/run/ffsctl)\n"
	"  --version\n";

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
	size_t best = text_max_misspelling(word) + 1;

	for (const struct command *const *c = globals->all_commands; *c; c++) {
		size_t distance = text_edit_distance(word, (*c)->name, best);

		if (distance >= best)
			continue;
		best = distance;
		suggestion = (*c)->name;
	}
	error_set(&err, EX_USAGE, EINVAL, NULL, "unknown command '%s'", word);
	if (suggestion)
		error_add_hint(&err, "did you mean '%s'?", suggestion);
	else
		error_add_hint(&err, "see 'ffsctl --help'");
	return cmd_print_error(&err);
}

/* --- rejected options --- */

/* Returns whether the word is a group of short options, such as "-nf", that contains `letter`. */
static bool has_short_option(const char *word, int letter)
{
	return word && word[0] == '-' && word[1] != '-' && letter && strchr(word + 1, letter);
}

/* Returns the name of the option that getopt_long has rejected. The caller frees it. */
static char *rejected_option_name(char *const *argv)
{
	/*
	 * argv[optind] is the word after the option, or after the word with the option's value; or
	 * a group of short options that getopt_long has not finished.
	 */
	int end = optind;
	const char *word;

	/* Where a value is missing behind the last word, musl sets optind beyond argv. */
	if (!argv[end - 1])
		end--;
	word = argv[has_short_option(argv[end], optopt) ? end : end - 1];
	if (has_short_option(word, optopt) && word[1] != optopt)
		return strf("-%c", optopt);
	if (*word != '-')
		word = argv[end - 2];
	return xstrndup(word, strcspn(word, "="));
}

struct option_suggestion {
	const char *word; /* what the user has typed, without dashes */
	char *option_name;
	size_t best_distance;
};

static bool improve_suggestion(const struct help_option *o, void *data)
{
	struct option_suggestion *s = data;
	const char *name = str_after(o->option_name, "--");
	size_t distance = name ? text_edit_distance(s->word, name, s->best_distance) : SIZE_MAX;

	if (distance < s->best_distance) {
		s->best_distance = distance;
		free(s->option_name);
		s->option_name = xstrdup(o->option_name);
	}
	return false;
}

/* Adds a hint with the option that is most similar to `name`, or else with the help command. */
static int add_option_hint(struct error *err, const struct command *command, const char *name)
{
	const char *word = name + strspn(name, "-");
	struct option_suggestion s = { word, NULL, text_max_misspelling(word) + 1 };
	int r;

	if (strlen(word) > 1) {
		help_option_each("  --help", improve_suggestion, &s);
		help_option_each(command ? command->options_help : cmd_global_options_help,
				 improve_suggestion, &s);
	}
	if (s.option_name)
		r = error_add_hint(err, "did you mean '%s'?", s.option_name);
	else
		r = error_add_hint(err, "see 'ffsctl%s%s --help'", command ? " " : "",
				   command ? command->name : "");
	free(s.option_name);
	return r;
}

int cmd_print_bad_option_error(const struct command *command, char *const *argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = rejected_option_name(argv);

	switch (help_find_option(command->options_help, name)) {
	case OPTION_NEEDS_VALUE:
		return cmd_print_usage_error(command, "option '%s' needs a value", name);
	case OPTION_NEEDS_NO_VALUE:
		return cmd_print_usage_error(command, "option '%s' takes no value", name);
	case OPTION_NOT_FOUND:
		break;
	}
	if (help_find_option(cmd_global_options_help, name) != OPTION_NOT_FOUND) {
		error_set(&err, EX_USAGE, EINVAL, NULL, "%s: option '%s' must precede the command",
			  command->name, name);
		error_add_hint(&err, "write it before '%s'", command->name);
	} else {
		error_set(&err, EX_USAGE, EINVAL, NULL, "%s: unknown option '%s'", command->name,
			  name);
		add_option_hint(&err, command, name);
	}
	return cmd_print_error(&err);
}

bool cmd_parse_help_and_json(const struct command *command, int argc, char **argv, bool *json,
			     int *exit)
{
	/* If `json` is NULL, the second row has no name, so it ends the table. */
	const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ json ? "json" : NULL, no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) == 'j')
		*json = true;
	if (option == 'h')
		*exit = cmd_print_help(command);
	else if (option != -1)
		*exit = cmd_print_bad_option_error(command, argv);
	return option == -1;
}

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
		if (help_find_option((*c)->options_help, name) != OPTION_NOT_FOUND)
			*any = true;
	for (int i = optind; argv[i]; i++) {
		const struct command *c = cmd_find_command(globals, argv[i]);

		if (c && help_find_option(c->options_help, name) != OPTION_NOT_FOUND)
			return c;
	}
	return NULL;
}

/* Sets the error for an option before the command that is no global option. */
static int error_not_a_global_option(const struct globals *globals, const char *name,
				     char *const *argv, struct error *err)
{
	bool any;
	const struct command *command = find_command_with_option(globals, name, argv, &any);

	if (!any) {
		error_set(err, EX_USAGE, EINVAL, NULL, "unknown option '%s'", name);
		return add_option_hint(err, NULL, name);
	}
	error_set(err, EX_USAGE, EINVAL, NULL, "option '%s' must follow the command", name);
	if (command)
		return error_add_hint(err, "write it after '%s'", command->name);
	return error_add_hint(err, "see 'ffsctl --help'");
}

int cmd_print_bad_global_option_error(const struct globals *globals, char *const *argv)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = rejected_option_name(argv);

	switch (help_find_option(cmd_global_options_help, name)) {
	case OPTION_NEEDS_VALUE:
		error_set(&err, EX_USAGE, EINVAL, NULL, "option '%s' needs a value", name);
		error_add_hint(&err, "see 'ffsctl --help'");
		break;
	case OPTION_NEEDS_NO_VALUE:
		error_set(&err, EX_USAGE, EINVAL, NULL, "option '%s' takes no value", name);
		error_add_hint(&err, "see 'ffsctl --help'");
		break;
	case OPTION_NOT_FOUND:
		error_not_a_global_option(globals, name, argv, &err);
		break;
	}
	return cmd_print_error(&err);
}
