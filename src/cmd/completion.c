/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `completion`: prints the completion script of a shell. The script runs `ffsctl completion --words
 * -- WORD...`, which prints the candidates for the last word of the command line. Each line has a
 * candidate, a tab and a description.
 */
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/embedded_files.h"
#include "cmd/status_fields.h"
#include "configfs/udc.h"

/* The shells, and the names of their scripts in completions/. */
static const struct {
	const char *name, *file;
} shells[] = { { "bash", "ffsctl" }, { "fish", "ffsctl.fish" }, { "zsh", "_ffsctl" } };

/* --- one candidate --- */

/* The command line that is being completed. */
struct command_line {
	struct globals globals; /* values of the global options in the command line */
	const struct command *command;
	/*
	 * The last word is unchanged_prefix followed by part_to_complete. For "--color=al",
	 * unchanged_prefix is "--color=", and part_to_complete is "al", with which the candidates
	 * must begin.
	 */
	const char *unchanged_prefix, *part_to_complete;
};

static void print_candidate(const struct command_line *l, const char *word, const char *what)
{
	if (str_has_prefix(word, l->part_to_complete))
		printf("%s%s\t%s\n", l->unchanged_prefix, word, what ? what : "");
}

/* --- arguments --- */

static void complete_command_name(const struct command_line *l)
{
	for (const struct command *const *c = l->globals.all_commands; *c; c++)
		print_candidate(l, (*c)->name, (*c)->summary);
}

static void complete_gadget_file_name(const struct command_line *l)
{
	_cleanup_listed_gadget_files_ struct cmd_listed_gadget_files files = { 0 };
	_cleanup_error_ struct error ignored = { 0 };

	cmd_list_gadget_files(&l->globals, &files, &ignored);
	for (size_t i = 0; i < files.n_files; i++)
		print_candidate(l, files.files[i].name_without_suffix, files.files[i].path);
}

static void complete_gadget_name(const struct command_line *l, bool foreign)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_statuses gadgets;

	inspect_gadgets(&l->globals.paths, NULL, &gadgets, &ignored);
	for (size_t i = 0; i < gadgets.n; i++)
		if (foreign || gadgets.list[i].state != STATUS_FOREIGN)
			print_candidate(l, gadgets.list[i].name,
					gadget_state_in_status_words[gadgets.list[i].state]);
	statuses_free(&gadgets);
}

static void complete_function_label(const struct command_line *l, const char *gadget)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_statuses gadgets;

	inspect_gadgets(&l->globals.paths, gadget, &gadgets, &ignored);
	for (size_t i = 0; gadgets.n > 0 && i < gadgets.list[0].n_functions; i++)
		print_candidate(l, gadgets.list[0].functions[i].label,
				gadgets.list[0].functions[i].type);
	statuses_free(&gadgets);
}

static void complete_udc_name(const struct command_line *l)
{
	_cleanup_udcs_ struct udcs udcs = { 0 };
	_cleanup_error_ struct error ignored = { 0 };

	udcs_list(&l->globals.paths, &udcs, &ignored);
	for (size_t i = 0; i < udcs.n; i++)
		print_candidate(l, udcs.list[i].name,
				udcs.list[i].holder ? udcs.list[i].holder : udcs.list[i].driver);
}

static void complete_schema_name(const struct command_line *l)
{
	for (const struct embedded_file *e = embedded_schema_files; e->file_name; e++) {
		_cleanup_free_ char *name = xstrndup(e->file_name, strcspn(e->file_name, "."));

		print_candidate(l, name, NULL);
	}
}

static void complete_plugin_name(const struct command_line *l)
{
	_cleanup_installed_plugin_names_ struct cmd_installed_plugin_names names = { 0 };
	_cleanup_error_ struct error ignored = { 0 };

	cmd_list_installed_plugins(&names, &ignored);
	for (size_t i = 0; i < names.n_names; i++)
		print_candidate(l, names.names[i], NULL);
}

/* Completes the last field in the comma-separated value of `status -o`. */
static void complete_status_field(const struct command_line *l)
{
	const char *comma = strrchr(l->part_to_complete, ',');
	_cleanup_free_ char *done =
		comma ? xstrndup(l->part_to_complete, (size_t)(comma + 1 - l->part_to_complete))
		      : xstrdup("");
	_cleanup_free_ char *prefix = strf("%s%s", l->unchanged_prefix, done);
	struct command_line last = *l;

	last.unchanged_prefix = prefix;
	last.part_to_complete = l->part_to_complete + strlen(done);
	for (size_t i = 0; i < gadget_fields.n; i++)
		print_candidate(&last, gadget_fields.list[i].name, "field of the gadget");
	for (size_t i = 0; i < function_fields.n; i++) {
		_cleanup_free_ char *word = strf("*.%s", function_fields.list[i].name);

		print_candidate(&last, word, "field of each function");
	}
	for (size_t i = 0; i < worker_fields.n; i++) {
		_cleanup_free_ char *word = strf("*.worker.%s", worker_fields.list[i].name);

		print_candidate(&last, word, "field of each function's worker");
	}
}

static void complete_group_name(const struct command_line *l)
{
	struct group *group;

	setgrent();
	while ((group = getgrent()))
		print_candidate(l, group->gr_name, NULL);
	endgrent();
}

static void complete_argument_of_kind(const struct command_line *l, enum cmd_argument_kind kind,
				      const char *before)
{
	switch (kind) {
	case CMD_ARGUMENT_NONE:
		break;
	case CMD_ARGUMENT_FILES:
		complete_gadget_file_name(l);
		break;
	case CMD_ARGUMENT_GADGETS:
	case CMD_ARGUMENT_ALL_GADGETS:
		complete_gadget_name(l, kind == CMD_ARGUMENT_ALL_GADGETS);
		break;
	case CMD_ARGUMENT_FUNCTIONS:
		complete_function_label(l, before);
		break;
	case CMD_ARGUMENT_UDCS:
		complete_udc_name(l);
		break;
	case CMD_ARGUMENT_SCHEMAS:
		complete_schema_name(l);
		break;
	case CMD_ARGUMENT_PLUGINS:
		complete_plugin_name(l);
		break;
	case CMD_ARGUMENT_SHELLS:
		for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
			print_candidate(l, shells[i].name, NULL);
		break;
	case CMD_ARGUMENT_COMMANDS:
		complete_command_name(l);
		break;
	case CMD_ARGUMENT_STATUS_FIELDS:
		complete_status_field(l);
		break;
	case CMD_ARGUMENT_USER_GROUPS:
		complete_group_name(l);
		break;
	}
}

/* --- options --- */

static void complete_option_name(const struct command_line *l, const struct option_row *options)
{
	for (const struct option_row *row = options; row && row->name; row++) {
		_cleanup_free_ char *word = NULL, *first_line = NULL;

		if (!row->help)
			continue;
		word = strf("%s%s", row->name, row->value && *row->value == '=' ? "=" : "");
		first_line = xstrndup(row->help, strcspn(row->help, "\n"));
		print_candidate(l, word, first_line);
	}
}

/* Completes the value of an option. If it prints nothing, the shell completes file names. */
static void complete_option_value(const struct command_line *l, const struct option_row *row)
{
	for (size_t i = 0; row && i < row->n_words; i++)
		if (row->words[i])
			print_candidate(l, row->words[i], NULL);
	if (row)
		complete_argument_of_kind(l, (enum cmd_argument_kind)row->tag, NULL);
}

/* --- the line --- */

/* Sets a global option of the command line, if the candidates depend on that option. */
static void set_global_option(struct globals *g, const char *option, const char *value)
{
	if (streq(option, "--dir"))
		g->gadget_dirs[0] = value;
	else if (streq(option, "--configfs"))
		g->paths.configfs_mount_point = value;
	else if (streq(option, "--run-dir"))
		g->paths.run_dir = value;
}

/*
 * Handles the option words[*i], and its value if that is the next word. If one of the two is the
 * last word, prints the completions of this word and returns true.
 */
static bool complete_option(struct command_line *l, const struct option_row *options, char **words,
			    int n, int *i)
{
	char *word = words[*i], *equals = strchr(word, '=');
	_cleanup_free_ char *name =
		equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
	const struct option_row *row = option_find(options, name);

	if (equals && *i < n - 1) {
		set_global_option(&l->globals, name, equals + 1);
	} else if (equals) {
		_cleanup_free_ char *prefix = strf("%s=", name);

		l->unchanged_prefix = prefix;
		l->part_to_complete = equals + 1;
		complete_option_value(l, row);
	} else if (*i == n - 1) {
		l->part_to_complete = word;
		complete_option_name(l, options);
	} else if (row && option_needs_value(row)) {
		++*i;
		l->part_to_complete = words[*i];
		if (*i == n - 1)
			complete_option_value(l, row);
		else
			set_global_option(&l->globals, word, words[*i]);
	}
	return *i >= n - 1;
}

static void complete_command_arguments(struct command_line *l, char **words, int n)
{
	const struct command *c = l->command;
	const char *before = NULL;
	int at = 0;

	for (int i = 0; i < n; i++) {
		l->part_to_complete = words[i];
		if (*words[i] == '-' && words[i][1]) {
			if (complete_option(l, c->options, words, n, &i))
				return;
		} else if (i < n - 1) {
			before = words[i];
			at++;
		}
	}
	if (at == 0 || c->all_arguments_are_of_first_kind)
		complete_argument_of_kind(l, c->argument_kinds[0], NULL);
	else if (at == 1)
		complete_argument_of_kind(l, c->argument_kinds[1], before);
	if (*l->part_to_complete == '-')
		complete_option_name(l, c->options);
}

static int complete_command_line(const struct globals *globals, char **words, int n)
{
	struct command_line l = { .globals = *globals,
				  .unchanged_prefix = "",
				  .part_to_complete = "" };

	for (int i = 0; i < n; i++) {
		l.part_to_complete = words[i];
		if (*words[i] == '-') {
			if (complete_option(&l, globals->options, words, n, &i))
				return 0;
		} else if (i == n - 1) {
			complete_command_name(&l);
		} else {
			l.command = cmd_find_command(globals, words[i]);
			if (l.command)
				complete_command_arguments(&l, words + i + 1, n - i - 1);
			return 0;
		}
	}
	return 0;
}

/* --- the command --- */

static int print_completion_script(const char *shell)
{
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!streq(shell, shells[i].name))
			continue;
		for (const struct embedded_file *e = embedded_completion_files; e->file_name; e++)
			if (streq(e->file_name, shells[i].file))
				fputs(e->text, stdout);
		return 0;
	}
	return cmd_print_usage_error(&cmd_completion,
				     "unknown shell '%s': it must be bash, fish or zsh", shell);
}

/* The values are a bool. Only the completion scripts use --words. */
static const struct option_row options[] = {
	{ "--words", NULL, NULL, OPTION_FLAG, .offset = 0 },
	{ 0 },
};

static int run_completion_command(const struct globals *globals, int argc, char **argv)
{
	bool completes = false;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &completes, &exit))
		return exit;
	if (completes)
		return complete_command_line(globals, argv + optind, argc - optind);
	if (argc - optind != 1)
		return cmd_print_usage_error(&cmd_completion,
					     "expected one shell: bash, fish or zsh");
	return print_completion_script(argv[optind]);
}

const struct command cmd_completion = {
	.name = "completion",
	.usage_arguments = "bash|fish|zsh",
	.summary = "print the completion script for a shell",
	.options = options,
	.notes = "for the current shell: source <(ffsctl completion bash)\n"
		 "'make install' installs the scripts for all shells\n",
	.argument_kinds = { CMD_ARGUMENT_SHELLS },
	.run = run_completion_command,
};
