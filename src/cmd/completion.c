/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `completion`: completes command lines in shells. The scripts run `ffsctl completion --words --
 * WORD...`, which prints the candidates for the last word, one per line, with a tab and a
 * description. Options come from the text of --help (option_text.h).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "client/inspect.h"
#include "cmd/cmd.h"
#include "cmd/embed.h"
#include "cmd/fields.h"
#include "cmd/option_text.h"
#include "configfs/udc.h"

/* The shells, and their scripts in completions/. */
static const struct {
	const char *name, *file;
} shells[] = { { "bash", "ffsctl" }, { "fish", "ffsctl.fish" }, { "zsh", "_ffsctl" } };

/* --- one candidate --- */

/* The command line that is being completed. */
struct command_line {
	struct globals globals; /* the global options in the command line */
	const struct command *command;
	const char *prefix; /* first part of the last word, which candidates do not contain */
	const char *typed;  /* rest of the last word, with which candidates must begin */
};

static void offer(const struct command_line *l, const char *word, const char *what)
{
	if (str_has_prefix(word, l->typed))
		printf("%s%s\t%s\n", l->prefix, word, what ? what : "");
}

/* --- arguments --- */

static void offer_files(const struct command_line *l)
{
	_cleanup_files_ struct cmd_files files = { 0 };
	_cleanup_error_ struct error ignored = { 0 };

	cmd_list_files(&l->globals, &files, &ignored);
	for (size_t i = 0; i < files.n; i++)
		offer(l, files.list[i].name, files.list[i].path);
}

static void offer_gadgets(const struct command_line *l, bool foreign)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_statuses gadgets;

	inspect_gadgets(&l->globals.paths, NULL, &gadgets, &ignored);
	for (size_t i = 0; i < gadgets.n; i++)
		if (foreign || gadgets.v[i].state != STATUS_FOREIGN)
			offer(l, gadgets.v[i].name, gadget_condition_words[gadgets.v[i].state]);
	statuses_free(&gadgets);
}

static void offer_functions(const struct command_line *l, const char *gadget)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadget_statuses gadgets;

	inspect_gadgets(&l->globals.paths, gadget, &gadgets, &ignored);
	for (size_t i = 0; gadgets.n > 0 && i < gadgets.v[0].n_functions; i++)
		offer(l, gadgets.v[0].functions[i].label, gadgets.v[0].functions[i].type);
	statuses_free(&gadgets);
}

static void offer_udcs(const struct command_line *l)
{
	_cleanup_udcs_ struct udcs udcs = { 0 };
	_cleanup_error_ struct error ignored = { 0 };

	udcs_list(&l->globals.paths, &udcs, &ignored);
	for (size_t i = 0; i < udcs.n; i++)
		offer(l, udcs.list[i].name,
		      udcs.list[i].holder ? udcs.list[i].holder : udcs.list[i].driver);
}

static void offer_schemas(const struct command_line *l)
{
	for (const struct embedded *e = embedded_schemas; e->name; e++) {
		_cleanup_free_ char *name = xstrndup(e->name, strcspn(e->name, "."));

		offer(l, name, NULL);
	}
}

static void offer_plugins(const struct command_line *l)
{
	_cleanup_names_ struct cmd_names names = { 0 };
	_cleanup_error_ struct error ignored = { 0 };

	cmd_list_plugins(&names, &ignored);
	for (size_t i = 0; i < names.n; i++)
		offer(l, names.list[i], NULL);
}

/* Completes the last field of a list separated by commas. */
static void offer_fields(const struct command_line *l)
{
	const char *comma = strrchr(l->typed, ',');
	_cleanup_free_ char *done =
		comma ? xstrndup(l->typed, (size_t)(comma + 1 - l->typed)) : xstrdup("");
	_cleanup_free_ char *prefix = strf("%s%s", l->prefix, done);
	struct command_line last = *l;

	last.prefix = prefix;
	last.typed = l->typed + strlen(done);
	for (size_t i = 0; i < gadget_fields.n; i++)
		offer(&last, gadget_fields.v[i].name, "of the gadget");
	for (size_t i = 0; i < function_fields.n; i++) {
		_cleanup_free_ char *word = strf("*.%s", function_fields.v[i].name);

		offer(&last, word, "of each function");
	}
	for (size_t i = 0; i < worker_fields.n; i++) {
		_cleanup_free_ char *word = strf("*.worker.%s", worker_fields.v[i].name);

		offer(&last, word, "of each function's worker");
	}
}

static void offer_arguments(const struct command_line *l, enum cmd_words words, const char *before)
{
	switch (words) {
	case CMD_WORDS_NONE:
		break;
	case CMD_WORDS_FILES:
		offer_files(l);
		break;
	case CMD_WORDS_GADGETS:
	case CMD_WORDS_ALL_GADGETS:
		offer_gadgets(l, words == CMD_WORDS_ALL_GADGETS);
		break;
	case CMD_WORDS_FUNCTIONS:
		offer_functions(l, before);
		break;
	case CMD_WORDS_UDCS:
		offer_udcs(l);
		break;
	case CMD_WORDS_SCHEMAS:
		offer_schemas(l);
		break;
	case CMD_WORDS_PLUGINS:
		offer_plugins(l);
		break;
	case CMD_WORDS_SHELLS:
		for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
			offer(l, shells[i].name, NULL);
		break;
	}
}

/* --- options --- */

static bool offer_option(const struct option_text *o, void *data)
{
	_cleanup_free_ char *word = strf("%s%s", o->name, o->joined ? "=" : "");

	offer(data, word, o->description);
	return false;
}

/* Offers the values of an option. If it offers nothing, the shell completes file names. */
static void offer_values(const struct command_line *l, const char *option)
{
	const struct cmd_choices *c = l->command ? l->command->choices : l->globals.choices;

	for (; c && c->option; c++)
		for (size_t i = 0; i < c->n && streq(option, c->option); i++)
			if (c->words[i])
				offer(l, c->words[i], NULL);
	if (streq(option, "--udc"))
		offer_udcs(l);
	if (streq(option, "-o"))
		offer_fields(l);
}

/* --- the line --- */

/* Applies a global option that has an effect on the candidates. */
static void set_global(struct globals *g, const char *option, const char *value)
{
	if (streq(option, "--dir"))
		g->dirs[0] = value;
	else if (streq(option, "--configfs"))
		g->paths.configfs = value;
	else if (streq(option, "--run-dir"))
		g->paths.run_dir = value;
}

/* Handles the option words[*i] and its value. Returns whether that was the word to complete. */
static bool complete_options(struct command_line *l, const char *options, char **words, int n,
			     int *i)
{
	char *word = words[*i], *equals = strchr(word, '=');
	_cleanup_free_ char *name =
		equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);

	if (equals && *i < n - 1) {
		set_global(&l->globals, name, equals + 1);
	} else if (equals) {
		_cleanup_free_ char *prefix = strf("%s=", name);

		l->prefix = prefix;
		l->typed = equals + 1;
		offer_values(l, name);
	} else if (*i == n - 1) {
		l->typed = word;
		option_text_each(options, offer_option, l);
	} else if (option_text_find(options, word) == OPTION_TEXT_VALUE) {
		++*i;
		l->typed = words[*i];
		if (*i == n - 1)
			offer_values(l, word);
		else
			set_global(&l->globals, word, words[*i]);
	}
	return *i >= n - 1;
}

static void complete_argument(struct command_line *l, char **words, int n)
{
	const struct command *c = l->command;
	const char *before = NULL;
	int at = 0;

	for (int i = 0; i < n; i++) {
		l->typed = words[i];
		if (*words[i] == '-' && words[i][1]) {
			if (complete_options(l, c->options, words, n, &i))
				return;
		} else if (i < n - 1) {
			before = words[i];
			at++;
		}
	}
	if (at == 0 || c->repeats)
		offer_arguments(l, c->words[0], NULL);
	else if (at == 1)
		offer_arguments(l, c->words[1], before);
	if (*l->typed == '-')
		option_text_each(c->options, offer_option, l);
}

static const struct command *find_command(const struct globals *globals, const char *name)
{
	for (const struct command *const *c = globals->commands; *c; c++)
		if (streq(name, (*c)->name) || streq_null(name, (*c)->alias))
			return *c;
	return NULL;
}

static int complete(const struct globals *globals, char **words, int n)
{
	struct command_line l = { .globals = *globals, .prefix = "", .typed = "" };

	for (int i = 0; i < n; i++) {
		l.typed = words[i];
		if (*words[i] == '-') {
			if (complete_options(&l, globals->options, words, n, &i))
				return 0;
		} else if (i == n - 1) {
			for (const struct command *const *c = globals->commands; *c; c++)
				offer(&l, (*c)->name, (*c)->summary);
		} else {
			l.command = find_command(globals, words[i]);
			if (l.command)
				complete_argument(&l, words + i + 1, n - i - 1);
			return 0;
		}
	}
	return 0;
}

/* --- the command --- */

static int print_script(const char *shell)
{
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!streq(shell, shells[i].name))
			continue;
		for (const struct embedded *e = embedded_completions; e->name; e++)
			if (streq(e->name, shells[i].file))
				fputs(e->text, stdout);
		return 0;
	}
	return cmd_usage(&cmd_completion, "unknown shell '%s': it must be bash, fish or zsh",
			 shell);
}

static int run(const struct globals *globals, int argc, char **argv)
{
	static const struct option options[] = {
		{ "words", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option = getopt_long(argc, argv, "+h", options, NULL);

	if (option == 'h')
		return cmd_help(&cmd_completion);
	if (option == 'w') {
		if (optind < argc && streq(argv[optind], "--"))
			optind++;
		return complete(globals, argv + optind, argc - optind);
	}
	if (option != -1)
		return cmd_bad_option(&cmd_completion, argv);
	if (argc - optind != 1)
		return cmd_usage(&cmd_completion, "expected one shell: bash, fish or zsh");
	return print_script(argv[optind]);
}

const struct command cmd_completion = {
	.name = "completion",
	.args = "bash|fish|zsh",
	.summary = "print the completion script for a shell",
	.options = "for the current shell: source <(ffsctl completion bash)\n"
		   "'make install' installs the scripts for all shells\n",
	.words = { CMD_WORDS_SHELLS },
	.run = run,
};
