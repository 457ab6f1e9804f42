/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "client/log_reader.h"
#include "cmd/cmd.h"

struct log_command {
	const struct globals *globals;
	bool follows;
	bool limits_lines;
	size_t max_lines; /* maximum number of old lines; used if limits_lines is set */
};

/* Returns the start of the last `max` lines of the text. */
static const char *last_lines(const char *text, size_t size, size_t max)
{
	const char *p = text + size;
	size_t n = 0;

	if (max == 0)
		return p;
	while (p > text) {
		if (p[-1] == '\n' && p < text + size && ++n == max)
			break;
		p--;
	}
	return p;
}

/* Prints text of the log. Returns false if stdout cannot be written. */
static bool print_log_text(const char *text, size_t size)
{
	/* Removes control characters, with which workers could control the terminal. */
	_cleanup_free_ char *shown = text_replace_unprintable_lines(text, size);

	cmd_print_lines(stdout, shown);
	return fflush(stdout) == 0 && !ferror(stdout);
}

static bool print_old_lines(const struct log_command *q, const char *text, size_t size)
{
	const char *from = q->limits_lines ? last_lines(text, size, q->max_lines) : text;

	return print_log_text(from, size - (size_t)(from - text));
}

static int print_log(const struct log_command *q, const char *name, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (client_read_log(&q->globals->paths, name, &text, &size, err) < 0)
		return err->exit;
	return print_old_lines(q, text, size) ? 0 : EX_IOERR;
}

/* Prints the log and what is added to it, until the gadget is down or the reader has ended. */
static int follow_log(const struct log_command *q, const char *name, struct error *err)
{
	_cleanup_log_reader_ struct log_reader r;
	bool is_first = true;

	if (log_reader_open(&r, &q->globals->paths, name, err) < 0)
		return err->exit;
	do {
		_cleanup_free_ char *text = NULL;
		size_t size;

		if (log_reader_read(&r, &text, &size, err) < 0)
			return err->exit;
		if (!(is_first ? print_old_lines(q, text, size) : print_log_text(text, size)))
			return EX_IOERR;
		is_first = false;
	} while (!r.log_ended && log_reader_wait(&r));
	if (r.log_ended)
		log_info("%s: down", name);
	return 0;
}

static int set_max_lines(void *values, const char *value, struct error *err)
{
	struct log_command *q = values;

	if (!*value || strspn(value, "0123456789") != strlen(value))
		return error_set(err, EX_USAGE, EINVAL, NULL,
				 "-n takes a number of lines, not '%s'", value);
	q->limits_lines = true;
	q->max_lines = strtoul(value, NULL, 10);
	return 0;
}

static const struct option_row options[] = {
	{ "-f", NULL, "print new lines, too, until the gadget is down", OPTION_FLAG,
	  .offset = offsetof(struct log_command, follows) },
	{ "-n", " LINES", "print only this number of the last lines", OPTION_SET,
	  .set = set_max_lines },
	{ 0 },
};

static int run_log_command(const struct globals *globals, int argc, char **argv)
{
	struct log_command q = { .globals = globals };
	_cleanup_error_ struct error err = { 0 };
	_cleanup_free_ char *name = NULL;
	int exit;

	if (!cmd_parse_options(globals, argc, argv, &q, &exit))
		return exit;
	if (argc - optind != 1)
		return cmd_print_usage_error(&cmd_log, "expected one gadget");
	if (cmd_find_gadget_name(globals, argv[optind], &name, &err) < 0)
		return cmd_print_error(&err);
	exit = q.follows ? follow_log(&q, name, &err) : print_log(&q, name, &err);
	return err.exit ? cmd_print_error(&err) : exit;
}

const struct command cmd_log = {
	.name = "log",
	.usage_arguments = "[-f] [-n LINES] GADGET",
	.summary = "print the log of a gadget, with the output of its workers",
	.options = options,
	.argument_kinds = { CMD_ARGUMENT_GADGETS },
	.run = run_log_command,
};
