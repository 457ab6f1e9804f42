/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A supervisor as a command wishes it, and the last that it has heard of its workers. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "client/parts.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

#define OUTPUT_SHOWN 4096

/* For who goes on after us: reexec.c. */
static void record_options(json_t *record, const struct client_options *options)
{
	json_t *dirs = json_array();

	for (size_t i = 0; options->dirs && options->dirs[i]; i++)
		json_array_append_new(dirs, json_string_or_null(options->dirs[i]));
	json_object_set_new(record, "dirs", dirs);
	json_object_set_new(record, "udc_wanted", json_string_or_null(options->udc));
	json_object_set_new(record, "hold", json_real(options->hold));
	json_object_set_new(record, "group", json_integer(options->group));
	json_object_set_new(record, "timeout", json_real(options->timeout));
	/* Where programs without a directory are looked for, also by reload --dry-run. */
	json_object_set_new(record, "path", json_string_or_null(getenv("PATH")));
}

void client_give(struct supervisor *s, const struct client_options *options, struct rundir *rundir,
		 json_t *record)
{
	s->udc_wanted = options->udc;
	s->no_bind = options->no_bind;
	s->dirs = options->dirs;
	s->hold = options->hold;
	s->group = options->group;
	s->record = record;
	record_options(record, options);
	free(s->rundir.path);
	s->rundir = rundir_steal(rundir);
	s->output.dir_fd = s->rundir.dir_fd;
}

int client_make(struct supervisor *s, const struct gadget *g, const json_t *form,
		const struct client_options *options, bool foreground, struct rundir *rundir,
		struct error *err)
{
	int r = supervisor_init(s, options->paths, g, g->name, err);

	if (r < 0) {
		supervisor_free(s);
		return r;
	}
	s->live.foreground = foreground;
	if (foreground)
		log_never_wait();
	client_give(s, options, rundir, record_make(g, form, NULL));
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
