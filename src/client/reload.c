/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another gadget file for a gadget that is up: told to its supervisor, or only on paper. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "client/client.h"
#include "client/parts.h"
#include "configfs/steps.h"
#include "rundir/control.h"
#include "supervisor/plan.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"

/* -ENOENT: nothing of ours has that name, or it is just about to come up. */
static int read_record(const struct paths *paths, const char *name, json_t **record,
		       struct error *err)
{
	int r = rundir_read(paths, name, RUNDIR_RECORD, record, err);

	return r == -ENOENT && !err->exit ? client_no_supervisor(name, err) : r;
}

/*
 * Where a gadget came from: {"name", "file", ...}. The record is only root's to read; the status,
 * which has these as well, is not. -ENOENT, -errno.
 */
static int read_origin(const struct paths *paths, const char *name, json_t **origin,
		       struct error *err)
{
	int r = rundir_read(paths, name, RUNDIR_RECORD, origin, err);

	if (err->exit != EX_NOPERM)
		return r;
	error_clear(err);
	return rundir_read(paths, name, RUNDIR_STATUS, origin, err);
}

int client_file(const struct paths *paths, const char *name, char **file, struct error *err)
{
	json_t *origin = NULL;
	int r = read_origin(paths, name, &origin, err);
	const char *path = json_text(origin, "file", NULL);

	if (r == 0 && !path)
		r = error_set(err, EX_SOFTWARE, EBADMSG, NULL,
			      "the record of '%s' does not say which file it came from", name);
	if (r == 0)
		*file = xstrdup(path);
	json_decref(origin);
	return r == -ENOENT && !err->exit ? client_no_supervisor(name, err) : r;
}

struct of_file {
	const struct paths *paths;
	const char *file;
	char **names;
	size_t n;
	size_t named; /* index of the one whose name the file gave */
	bool certain; /* there is just one of these */
};

/* A record that cannot be read names no file. */
static int add_if_of_file(void *data, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct of_file *o = data;
	json_t *origin = NULL;

	if (read_origin(o->paths, name, &origin, &ignored) == 0 &&
	    streq(json_text(origin, "file", ""), o->file)) {
		*array_add(o->names, o->n) = xstrdup(name);
		if (!reload_is_renamed(origin)) {
			o->certain = o->named == SIZE_MAX;
			o->named = o->n - 1;
		}
	}
	json_decref(origin);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int several(const struct of_file *o, struct error *err)
{
	_cleanup_free_ char *words = NULL;

	qsort(o->names, o->n, sizeof(*o->names), compare);
	for (size_t i = 0; i < o->n; i++) {
		_cleanup_free_ char *old = words;

		words = strf("%s%s'%s'", old ? old : "",
			     i == 0	     ? ""
			     : i == o->n - 1 ? " and "
					     : ", ",
			     o->names[i]);
	}
	error_set(err, EX_USAGE, EINVAL, o->file, "%s is the gadget file of %s", o->file, words);
	return error_hint(err, "name the one you mean");
}

int client_of_file(const struct paths *paths, const char *file, char **name, struct error *err)
{
	struct of_file o = { .paths = paths, .file = file, .named = SIZE_MAX };
	int r = 0;

	*name = NULL;
	rundir_each(paths, add_if_of_file, &o);
	if (o.n == 1)
		*name = xstrdup(o.names[0]);
	else if (o.n > 1 && o.certain)
		*name = xstrdup(o.names[o.named]);
	else if (o.n > 1)
		r = several(&o, err);
	for (size_t i = 0; i < o.n; i++)
		free(o.names[i]);
	free(o.names);
	return r;
}

int client_reload(const struct paths *paths, const char *name, const char *file, bool renamed,
		  double timeout, struct client_reload *done, struct error *err)
{
	json_t *command = json_pack("{s:s, s:s, s:b, s:f}", "command", "reload", "file", file,
				    "renamed", renamed, "timeout", timeout);
	json_t *reply = NULL;
	int r = control_ask(paths, name, command, &reply, err);
	const char *awaits = json_text(reply, "awaits", NULL);

	done->result =
		json_is_true(json_object_get(reply, "changed")) ? CLIENT_DONE : CLIENT_UNCHANGED;
	done->awaits = awaits ? xstrdup(awaits) : NULL;
	done->rebound = json_is_true(json_object_get(reply, "rebound"));
	json_decref(command);
	json_decref(reply);
	return r < 0 && !err->exit ? client_no_supervisor(name, err) : r;
}

/* The supervisor as far as its record and its status tell. */
static int read_supervisor(struct supervisor *s, struct error *err)
{
	_cleanup_free_ const struct step_op **ops = gadget_plan_ops();
	json_t *status = NULL;
	const char *udc;
	int r = read_record(s->paths, s->name, &s->record, err);

	/* Its programs are looked for where it looks; of an older version this is not known. */
	if (r == 0 && json_text(s->record, "path", NULL))
		setenv("PATH", json_text(s->record, "path", NULL), 1);
	if (r == 0)
		r = rundir_read_plan(s->paths, s->name, ops, &s->plan, err);
	if (r == 0)
		r = rundir_read(s->paths, s->name, RUNDIR_STATUS, &status, err);
	/* Taken off the bus, as on_failed says, it keeps its UDC. */
	udc = streq(json_text(status, "state", ""), "failed") ? NULL
							      : json_text(status, "udc", NULL);
	s->udc = udc ? xstrdup(udc) : NULL;
	json_decref(status);
	if (r == 0 && !udc && s->plan.n > 0 && s->plan.steps[s->plan.n - 1].op == &configfs_op_bind)
		s->plan.steps[s->plan.n - 1].state = STEP_TODO;
	return r == -ENOENT && !err->exit ? client_no_supervisor(s->name, err) : r;
}

int client_reload_plan(const struct paths *paths, const char *name, const char *file, bool renamed,
		       const char *const *dirs, json_t **changes, bool *rebinds, struct error *err)
{
	struct reload *reload = xcalloc(1, sizeof(*reload));
	struct supervisor s;
	int r = supervisor_init(&s, paths, NULL, name, err);

	s.reload = reload;
	if (r == 0)
		r = read_supervisor(&s, err);
	if (r == 0)
		r = reload_read(reload, s.record, file, renamed, dirs, GADGETFILE_TRUST_ALL, NULL,
				NULL, err);
	if (r == 0)
		r = reload_compare(&s, reload, err);
	if (r == 0) {
		*changes = difference_to_json(&reload->difference);
		*rebinds = reload_rebinds(&reload->difference);
	}
	supervisor_free(&s);
	return r;
}
