/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets up a supervisor with the options of a command, and reads the end of its log. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "client/parts.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

#define OUTPUT_SHOWN 4096 /* bytes */

/* Puts the options into the record, for take_over.c and reexec.c. */
static void record_options(struct record *record, const struct client_options *options)
{
	const char *path = getenv("PATH");
	size_t n = 0;

	while (options->dirs && options->dirs[n])
		n++;
	record->dirs = xcalloc(n + 1, sizeof(*record->dirs));
	while (n-- > 0)
		record->dirs[n] = xstrdup(options->dirs[n]);
	record->udc = options->udc ? xstrdup(options->udc) : NULL;
	record->hold = options->hold;
	record->group = options->group;
	record->timeout = options->timeout;
	record->path = path ? xstrdup(path) : NULL;
}

void client_configure_supervisor(struct supervisor *s, const struct client_options *options,
				 struct rundir *rundir, struct record record)
{
	s->udc_wanted = options->udc;
	s->no_bind = options->no_bind;
	s->dirs = options->dirs;
	s->linger = options->hold;
	s->group = options->group;
	s->record = record;
	record_options(&s->record, options);
	free(s->rundir.path);
	s->rundir = rundir_steal(rundir);
	s->output.dir_fd = s->rundir.dir_fd;
}

int client_init_supervisor(struct supervisor *s, const struct gadget *g, const json_t *document,
			   const struct client_options *options, bool foreground,
			   struct rundir *rundir, struct error *err)
{
	int r = supervisor_init(s, options->paths, g, g->name, err);

	if (r < 0) {
		supervisor_free(s);
		return r;
	}
	s->live.foreground = foreground;
	if (foreground)
		log_set_nonblocking();
	client_configure_supervisor(s, options, rundir, record_make(g, document, NULL));
	return 0;
}

char *client_last_output(const struct supervisor *s)
{
	size_t from = s->output.size > OUTPUT_SHOWN ? s->output.size - OUTPUT_SHOWN : 0;
	char *text = xcalloc(1, OUTPUT_SHOWN + 1);
	ssize_t n = s->output.fd >= 0 ? pread(s->output.fd, text, OUTPUT_SHOWN, (off_t)from) : 0;
	const char *newline;

	text[n > 0 ? n : 0] = '\0';
	newline = from > 0 ? strchr(text, '\n') : NULL;
	if (newline) /* whole lines */
		memmove(text, newline + 1, strlen(newline));
	return text;
}
