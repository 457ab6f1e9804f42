/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a supervisor from the options of a command, and reads the last lines of its log. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/internal.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

#define LAST_LOG_SIZE 4096 /* bytes */

/* Copies the options to the record. take_over.c and reexec.c read them from there. */
static void copy_options_to_record(struct record *record, const struct client_options *options)
{
	const char *path = getenv("PATH");
	size_t n = 0;

	while (options->gadget_dirs && options->gadget_dirs[n])
		n++;
	record->gadget_dirs = xcalloc(n + 1, sizeof(*record->gadget_dirs));
	while (n-- > 0)
		record->gadget_dirs[n] = xstrdup(options->gadget_dirs[n]);
	record->requested_udc = xstrdup_or_null(options->udc_name);
	record->keeper_takeover_wait_seconds = options->keeper_takeover_wait_seconds;
	record->gid_allowed_to_control = options->gid_allowed_to_control;
	record->up_timeout_seconds = options->up_timeout_seconds;
	record->path_env = xstrdup_or_null(path);
}

struct supervisor_options client_make_supervisor_options(const struct gadget *g,
							 const json_t *document,
							 const char *first_gadget_name,
							 const struct client_options *options)
{
	struct supervisor_options supervisor_options = {
		.paths = options->paths,
		.gadget = g,
		.first_record = record_make(g, document, first_gadget_name),
		.udc = options->udc_name,
		.no_bind = options->no_bind,
		.gadget_file_dirs = options->gadget_dirs,
		.keeper_takeover_wait_seconds = options->keeper_takeover_wait_seconds,
		.gid_allowed_to_control = options->gid_allowed_to_control
	};

	copy_options_to_record(&supervisor_options.first_record, options);
	return supervisor_options;
}

int client_make_supervisor(struct supervisor **s, const struct gadget *g, const json_t *document,
			   const struct client_options *options, bool foreground,
			   struct rundir *rundir, struct error *err)
{
	struct supervisor_options supervisor_options =
		client_make_supervisor_options(g, document, NULL, options);
	int r;

	supervisor_options.foreground = foreground;
	r = supervisor_new(s, &supervisor_options, rundir, err);
	if (r < 0)
		record_free(&supervisor_options.first_record);
	else if (foreground)
		log_set_nonblocking();
	return r;
}

char *client_last_log_lines(const struct supervisor *s)
{
	const struct log_file *output = supervisor_log_file(s);
	size_t from = output->log_size > LAST_LOG_SIZE ? output->log_size - LAST_LOG_SIZE : 0;
	char *text = xcalloc(1, LAST_LOG_SIZE + 1);
	ssize_t n =
		output->log_fd >= 0 ? pread(output->log_fd, text, LAST_LOG_SIZE, (off_t)from) : 0;
	const char *newline;

	text[n > 0 ? n : 0] = '\0';
	newline = from > 0 ? strchr(text, '\n') : NULL;
	if (newline) /* removes the incomplete first line */
		memmove(text, newline + 1, strlen(newline));
	return text;
}
