/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests a reload, or finds out what a reload would change. Also finds the gadget that is up from
 * a file, and the file of a gadget that is up.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "client/client.h"
#include "client/parts.h"
#include "configfs/steps.h"
#include "rundir/control.h"
#include "rundir/status.h"
#include "supervisor/plan.h"
#include "supervisor/reload_plan.h"

/* Reads the record. If there is none, sets the error of client_error_no_supervisor. */
static int read_record(const struct paths *paths, const char *name, struct record *record,
		       struct error *err)
{
	int r = record_read(paths, name, record, err);

	return r == -ENOENT && !err->exit ? client_error_no_supervisor(name, err) : r;
}

/*
 * Reads the gadget's record. Without permission to read it, sets only the members `name` and
 * `file`, from the status file. Returns -ENOENT without setting err if the gadget has neither file.
 */
static int read_recorded_file(const struct paths *paths, const char *name, struct record *record,
			      struct error *err)
{
	struct gadget_status status;
	int r = record_read(paths, name, record, err);

	if (err->exit != EX_NOPERM)
		return r;
	error_clear(err);
	r = status_file_read(paths, name, &status, err);
	record->name = xstrdup(name);
	record->gadget_file = steal_ptr(status.file);
	status_free(&status);
	return r;
}

int client_gadget_file(const struct paths *paths, const char *name, char **file, struct error *err)
{
	struct record record;
	int r = read_recorded_file(paths, name, &record, err);

	if (r == 0 && !record.gadget_file)
		r = record_fail_no_file(name, err);
	if (r == 0)
		*file = xstrdup(record.gadget_file);
	record_free(&record);
	return r == -ENOENT && !err->exit ? client_error_no_supervisor(name, err) : r;
}

/* The gadgets that are up from one gadget file. */
struct gadgets_of_file {
	const struct paths *paths;
	const char *file;
	char **names;
	size_t n;
	size_t index_of_own_name; /* index of the gadget with the file's own name; SIZE_MAX: none */
	bool is_unique;		  /* no other gadget has the file's own name */
};

/* Adds the gadget if it is up from the file. Ignores gadgets whose record cannot be read. */
static int add_if_of_file(void *data, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadgets_of_file *o = data;
	struct record record;

	if (read_recorded_file(o->paths, name, &record, &ignored) == 0 &&
	    streq_null(record.gadget_file, o->file)) {
		*array_add(o->names, o->n) = xstrdup(name);
		if (!record_is_renamed(&record)) {
			o->is_unique = o->index_of_own_name == SIZE_MAX;
			o->index_of_own_name = o->n - 1;
		}
	}
	record_free(&record);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int error_several(const struct gadgets_of_file *o, struct error *err)
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
	return error_hint(err, "give the name of the gadget");
}

int client_find_gadget_by_file(const struct paths *paths, const char *file, char **name,
			       struct error *err)
{
	struct gadgets_of_file o = { .paths = paths, .file = file, .index_of_own_name = SIZE_MAX };
	int r = 0;

	*name = NULL;
	rundir_each_gadget(paths, add_if_of_file, &o);
	if (o.n == 1)
		*name = xstrdup(o.names[0]);
	else if (o.n > 1 && o.is_unique)
		*name = xstrdup(o.names[o.index_of_own_name]);
	else if (o.n > 1)
		r = error_several(&o, err);
	for (size_t i = 0; i < o.n; i++)
		free(o.names[i]);
	free(o.names);
	return r;
}

int client_reload(const struct paths *paths, const char *name, const char *file, bool renamed,
		  double timeout, struct client_reload *done, struct error *err)
{
	struct socket_request request = {
		.command = COMMAND_RELOAD, .file = file, .renamed = renamed, .timeout = timeout
	};
	_cleanup_answer_ struct socket_answer answer = { 0 };
	int r = client_ask(paths, name, &request, &answer, err);

	done->result = answer.changed ? CLIENT_DONE : CLIENT_UNCHANGED;
	done->awaits = xstrdup_or_null(answer.awaits);
	done->rebound = answer.rebound;
	return r;
}

/* The state of a gadget that is up, read from its record and status file. */
struct current_state {
	struct preview preview;
	struct record record;
	struct gadget_status status;
	const char *udc; /* NULL: not bound */
};

static int read_current_state(struct current_state *p, const char *name, struct error *err)
{
	_cleanup_free_ const struct step_op **ops = gadget_step_ops();
	const struct paths *paths = p->preview.functions.paths;
	struct plan *plan = &p->preview.plan;
	int r = read_record(paths, name, &p->record, err);

	/*
	 * Uses the PATH in which the supervisor searches programs. Records of older versions do not
	 * contain it.
	 */
	if (r == 0 && p->record.path_variable)
		setenv("PATH", p->record.path_variable, 1);
	if (r == 0)
		r = record_read_plan(paths, name, ops, plan, err);
	if (r == 0)
		r = status_file_read(paths, name, &p->status, err);
	if (r < 0)
		return r == -ENOENT && !err->exit ? client_error_no_supervisor(name, err) : r;
	/* A failed gadget is unbound, but its status still has the UDC (on_failed). */
	if (p->status.state != STATUS_FAILED)
		p->udc = p->status.udc;
	if (!p->udc && plan->n > 0 && plan->steps[plan->n - 1].op == &configfs_op_bind)
		plan->steps[plan->n - 1].state = STEP_TODO;
	return 0;
}

int client_reload_plan(const struct paths *paths, const char *name, const char *file, bool renamed,
		       const char *const *dirs, json_t **changes, bool *rebinds, struct error *err)
{
	struct reload *reload = xcalloc(1, sizeof(*reload));
	struct current_state now = { 0 };
	struct running_gadget base = { .paths = paths,
				       .functions = &now.preview.functions,
				       .configfs = &now.preview.configfs,
				       .plan = &now.preview.plan };
	int r = preview_open(&now.preview, paths, name, err);

	if (r == 0)
		r = read_current_state(&now, name, err);
	base.udc = now.udc;
	base.record = &now.record;
	if (r == 0)
		r = reload_read_file(reload, &now.record, file, renamed, dirs, GADGETFILE_TRUST_ALL,
				     NULL, NULL, err);
	if (r == 0)
		r = reload_prepare(reload, &base, err);
	if (r == 0) {
		reload_make_difference(reload, &base);
		*changes = difference_to_json(&reload->difference);
		*rebinds = reload_rebinds(&reload->difference);
	}
	reload_discard(reload, &now.preview.functions);
	preview_free(&now.preview);
	record_free(&now.record);
	status_free(&now.status);
	return r;
}
