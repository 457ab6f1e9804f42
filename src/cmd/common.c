/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/plugin_cache.h"
#include "rundir/control.h"

int cmd_print_usage_error(const struct command *command, const char *fmt, ...)
{
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	error_set(&err, EX_USAGE, EINVAL, NULL, "%s: %s", command->name, text);
	error_add_hint(&err, "see 'ffsctl %s --help'", command->name);
	return cmd_print_error(&err);
}

static void print_notes(const char *text)
{
	const char *end = text + strlen(text), *next;

	for (size_t length; text < end; text = next) {
		_cleanup_free_ char *line = NULL;

		next = str_skip_line(text, end, &length);
		line = xstrndup(text, length);
		text_print_wrapped(stdout, line, *line == ' ' ? CMD_DESCRIPTION_COLUMN : 0);
	}
}

int cmd_print_help(const struct command *command)
{
	printf("usage: ffsctl %s%s%s\n\n%s\n", command->name, *command->usage_arguments ? " " : "",
	       command->usage_arguments, command->summary);
	/* An option without help is only for programs. */
	if (command->options && command->options->help) {
		putchar('\n');
		option_table_print(stdout, command->options, CMD_DESCRIPTION_COLUMN);
	}
	if (command->notes) {
		putchar('\n');
		print_notes(command->notes);
	}
	return 0;
}

bool cmd_parse_fd(const char *text, int *fd)
{
	char *end;
	long n = strtol(text, &end, 10);

	*fd = (int)n;
	return *text && !*end && n > 2 && n < INT_MAX;
}

int cmd_load_gadget_file(const struct globals *globals, const char *argument, const char *name,
			 enum gadgetfile_trust trust, struct gadget **gadget, json_t **document,
			 struct diags *diags, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = cmd_find_gadget_file(globals, argument, &path, err);

	if (r < 0)
		return err->exit;
	r = cmd_load_gadget_file_at(globals, path, name, NULL, trust, gadget, document, diags, err);
	if (r == 0)
		return 0;
	return err->exit ? err->exit : EX_DATAERR;
}

static void copy_errors(struct diags *to, const struct diags *from)
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

void cmd_check_failed_worker_options(const struct globals *globals, const char *file,
				     const char *name, struct diags *diags, struct error *err)
{
	_cleanup_plugin_cache_ struct plugin_cache cache = { 0 };
	const struct gadgetfile_plugin_lookup plugins = plugin_cache_for_gadgetfile(&cache);
	_cleanup_gadget_ struct gadget *gadget = NULL;
	_cleanup_error_ struct error ignored = { 0 };
	struct diags found = { 0 }, errors = { 0 };

	if (err->exit != EX_PROTOCOL)
		return;
	cmd_load_gadget_file_at(globals, file, name, &plugins, GADGETFILE_TRUST_ALL, &gadget, NULL,
				&found, &ignored);
	if (found.n_errors > 0) {
		err->exit = EX_DATAERR;
		copy_errors(&errors, &found);
		if (diags)
			copy_errors(diags, &found);
		else
			diags_print(stderr, &errors, DIAG_FORMAT_HUMAN, globals->color);
	}
	diags_free(&errors);
	diags_free(&found);
}

void cmd_keep_or_print_error(struct error *first, struct error *err)
{
	if (!first->exit)
		error_move(first, err);
	else
		cmd_print_error(err);
}

void cmd_print_takeover(const char *gadget)
{
	log_about(gadget, NULL, LOG_INFO,
		  "%s: its supervisor had died; taken over with its workers", gadget);
}

int cmd_print_gadget_error(const char *gadget, const struct error *err)
{
	_cleanup_free_ char *lines = err->gadget_file ? error_lines(err) : NULL;

	if (lines)
		fprintf(stderr, "%s:%u:%u: error: %s", err->gadget_file, err->line, err->column,
			lines);
	else
		log_failure(gadget, err);
	return err->exit;
}

void cmd_error_file_has_errors(const char *file, struct error *err)
{
	error_set(err, EX_DATAERR, 0, file, "%s has errors", file);
	error_add_hint(err, "see 'problems'");
}

void cmd_print_lines(FILE *to, const char *lines)
{
	fprintf(to, "%s%s", lines, !*lines || str_has_suffix(lines, "\n") ? "" : "\n");
}

int cmd_print_error(const struct error *err)
{
	return cmd_print_gadget_error(NULL, err);
}

json_t *cmd_new_json_output(void)
{
	return json_pack("{s:{s:i, s:s}}", "ffsctl", "schema", 1, "version", PACKAGE_VERSION);
}

json_t *cmd_error_to_json_array(const struct error *err)
{
	json_t *errors = json_array();

	if (err && err->exit)
		json_array_append_new(errors, error_to_json(err));
	return errors;
}

int cmd_print_json_output(json_t *output, int exit)
{
	bool good = json_dumpf(output, stdout, JSON_INDENT(2)) == 0 && fputc('\n', stdout) != EOF;

	json_decref(output);
	return (fflush(stdout) == 0 && good) || exit ? exit : EX_IOERR;
}

int cmd_print_gadgets_json(json_t *gadgets, const struct error *err, const struct diags *diags,
			   int exit)
{
	json_t *output = cmd_new_json_output();

	json_object_set_new(output, "gadgets", gadgets ? gadgets : json_array());
	json_object_set_new(output, "errors", cmd_error_to_json_array(err));
	if (diags)
		json_object_set_new(output, "problems", diags_to_json(diags));
	return cmd_print_json_output(output, exit);
}
