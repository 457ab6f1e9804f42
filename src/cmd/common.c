/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/option_text.h"
#include "cmd/plugin_tables.h"
#include "rundir/control.h"

int cmd_usage(const struct command *command, const char *fmt, ...)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	error_set(&err, EX_USAGE, EINVAL, NULL, "%s: %s", command->name, text);
	error_hint(&err, "see 'ffsctl %s --help'", command->name);
	return cmd_print_error(&err);
}

char *cmd_bad_option_text(const char *options, char *const *argv)
{
	/* optind is the index after the option, or after its value if that is a separate word. */
	const char *word = argv[optind - 1][0] == '-' ? argv[optind - 1] : argv[optind - 2];
	const char *equals = strchr(word, '=');
	_cleanup_free_ char *name =
		equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);

	switch (option_text_find(options, name)) {
	case OPTION_TEXT_VALUE:
		return strf("option '%s' needs a value", name);
	case OPTION_TEXT_FLAG:
		return strf("option '%s' takes no value", name);
	case OPTION_TEXT_UNKNOWN:
		break;
	}
	return strf("unknown option '%s'", name);
}

int cmd_bad_option(const struct command *command, char *const *argv)
{
	_cleanup_free_ char *text = cmd_bad_option_text(command->options, argv);

	return cmd_usage(command, "%s", text);
}

int cmd_help(const struct command *command)
{
	printf("usage: ffsctl %s%s%s\n\n%s\n", command->name, *command->args ? " " : "",
	       command->args, command->summary);
	if (command->options)
		printf("\n%s", command->options);
	return 0;
}

bool cmd_parse_help_and_json(const struct command *command, int argc, char **argv, bool *json,
			     int *exit)
{
	/* If the command has no --json, the row with NULL ends the table. */
	const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ json ? "json" : NULL, no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) == 'j')
		*json = true;
	if (option == 'h')
		*exit = cmd_help(command);
	else if (option != -1)
		*exit = cmd_bad_option(command, argv);
	return option == -1;
}

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(text, &end);
	return end != text && *end == '\0' && errno == 0 && isfinite(*seconds) && *seconds >= 0;
}

int cmd_seconds_option(const struct command *command, const char *option, double *seconds)
{
	return parse_seconds(optarg, seconds)
		       ? 0
		       : cmd_usage(command, "%s takes a number of seconds, not '%s'", option,
				   optarg);
}

bool cmd_parse_descriptor(const char *text, int *fd)
{
	char *end;
	long n = strtol(text, &end, 10);

	*fd = (int)n;
	return *text && !*end && n > 2 && n < INT_MAX;
}

int cmd_load(const struct globals *globals, const char *argument, const char *name,
	     enum gadgetfile_trust trust, struct gadget **gadget, json_t **form,
	     struct diags *diags, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = cmd_find_file(globals, argument, &path, err);

	if (r < 0)
		return err->exit;
	r = cmd_load_path(globals, path, name, NULL, trust, gadget, form, diags, err);
	if (r == 0)
		return 0;
	return err->exit ? err->exit : EX_DATAERR;
}

static void add_errors(struct diags *to, const struct diags *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct diag *d = &from->list[i];

		if (d->severity != DIAG_ERROR)
			continue;
		diags_add_at_position(to, DIAG_ERROR,
				      &(struct position){ d->file, d->line, d->column }, "%s",
				      d->text);
		if (d->hint)
			diags_hint(to, "%s", d->hint);
	}
}

void cmd_explain_worker(const struct globals *globals, const char *file, const char *name,
			struct diags *diags, struct error *err)
{
	_cleanup_plugin_tables_ struct plugin_tables tables = { 0 };
	const struct gadgetfile_plugins plugins = plugin_tables_for_gadgetfile(&tables);
	_cleanup_gadget_ struct gadget *gadget = NULL;
	_cleanup_error_ struct error ignored = { 0 };
	struct diags found = { 0 }, errors = { 0 };

	if (err->exit != EX_PROTOCOL)
		return;
	cmd_load_path(globals, file, name, &plugins, GADGETFILE_TRUST_ALL, &gadget, NULL, &found,
		      &ignored);
	if (found.n_errors > 0) {
		err->exit = EX_DATAERR;
		add_errors(&errors, &found);
		if (diags)
			add_errors(diags, &found);
		else
			diags_print(stderr, &errors, DIAG_FORMAT_HUMAN, globals->color);
	}
	diags_free(&errors);
	diags_free(&found);
}

void cmd_keep_error(struct error *first, struct error *err)
{
	if (!first->exit)
		error_move(first, err);
	else
		cmd_print_error(err);
}

void cmd_print_taken_over(const char *gadget)
{
	log_about(gadget, NULL, LOG_INFO,
		  "%s: its supervisor had died; taken over with its workers", gadget);
}

int cmd_print_error_about(const char *gadget, const struct error *err)
{
	_cleanup_free_ char *lines = err->file ? error_lines(err) : NULL;

	if (lines)
		fprintf(stderr, "%s:%u:%u: error: %s", err->file, err->line, err->column, lines);
	else
		log_failure(gadget, err);
	return err->exit;
}

void cmd_file_has_errors(const char *file, struct error *err)
{
	error_set(err, EX_DATAERR, 0, file, "%s has errors", file);
	error_hint(err, "see 'problems'");
}

void cmd_print_lines(FILE *to, const char *lines)
{
	fprintf(to, "%s%s", lines, !*lines || str_has_suffix(lines, "\n") ? "" : "\n");
}

int cmd_print_error(const struct error *err)
{
	return cmd_print_error_about(NULL, err);
}

json_t *cmd_json_output(void)
{
	return json_pack("{s:{s:i, s:s}}", "ffsctl", "schema", 1, "version", PACKAGE_VERSION);
}

json_t *cmd_errors(const struct error *err)
{
	json_t *errors = json_array();

	if (err && err->exit)
		json_array_append_new(errors, error_to_json(err));
	return errors;
}

int cmd_print_document(json_t *document, int exit)
{
	bool good = json_dumpf(document, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF;

	json_decref(document);
	return (fflush(stdout) == 0 && good) || exit ? exit : EX_IOERR;
}

int cmd_print_json(json_t *gadgets, const struct error *err, const struct diags *diags, int exit)
{
	json_t *document = cmd_json_output();

	json_object_set_new(document, "gadgets", gadgets ? gadgets : json_array());
	json_object_set_new(document, "errors", cmd_errors(err));
	if (diags)
		json_object_set_new(document, "problems", diags_to_json(diags));
	return cmd_print_document(document, exit);
}
