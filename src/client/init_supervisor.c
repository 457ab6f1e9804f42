/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets up a supervisor with the options of a command, and reads the end of its log. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/parts.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

#define OUTPUT_SHOWN 4096 /* bytes */

/* Copies the options to the record, from which take_over.c and reexec.c read them. */
static void record_options(struct record *record, const struct client_options *options)
{
	const char *path = getenv("PATH");
	size_t n = 0;

	while (options->dirs && options->dirs[n])
		n++;
	record->gadget_dirs = xcalloc(n + 1, sizeof(*record->gadget_dirs));
	while (n-- > 0)
		record->gadget_dirs[n] = xstrdup(options->dirs[n]);
	record->requested_udc = xstrdup_or_null(options->udc);
	record->linger_seconds = options->hold;
	record->group = options->group;
	record->timeout = options->timeout;
	record->path_variable = xstrdup_or_null(path);
}

struct supervisor_options client_setup(const struct gadget *g, const json_t *document,
				       const char *first_gadget,
				       const struct client_options *options)
{
	struct supervisor_options setup = { .paths = options->paths,
					    .gadget = g,
					    .record = record_make(g, document, first_gadget),
					    .udc = options->udc,
					    .no_bind = options->no_bind,
					    .gadget_file_dirs = options->dirs,
					    .linger_seconds = options->hold,
					    .allowed_gid = options->group };

	record_options(&setup.record, options);
	return setup;
}

int client_new_supervisor(struct supervisor **s, const struct gadget *g, const json_t *document,
			  const struct client_options *options, bool foreground,
			  struct rundir *rundir, struct error *err)
{
	struct supervisor_options setup = client_setup(g, document, NULL, options);
	int r;

	setup.foreground = foreground;
	r = supervisor_new(s, &setup, rundir, err);
	if (r < 0)
		record_free(&setup.record);
	else if (foreground)
		log_set_nonblocking();
	return r;
}

char *client_last_output(const struct supervisor *s)
{
	const struct output *output = supervisor_output_log(s);
	size_t from = output->log_size > OUTPUT_SHOWN ? output->log_size - OUTPUT_SHOWN : 0;
	char *text = xcalloc(1, OUTPUT_SHOWN + 1);
	ssize_t n =
		output->log_fd >= 0 ? pread(output->log_fd, text, OUTPUT_SHOWN, (off_t)from) : 0;
	const char *newline;

	text[n > 0 ? n : 0] = '\0';
	newline = from > 0 ? strchr(text, '\n') : NULL;
	if (newline) /* keeps only whole lines */
		memmove(text, newline + 1, strlen(newline));
	return text;
}
