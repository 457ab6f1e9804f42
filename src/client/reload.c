/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests a reload, or finds out what a reload would change. Also finds the gadget that was
 * brought up from a gadget file, and the file of a gadget.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/client.h"
#include "client/internal.h"
#include "configfs/steps.h"
#include "rundir/control.h"
#include "rundir/status.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/reload_plan.h"

/* Reads the gadget's record. If it does not exist, sets the error for a missing supervisor. */
static int read_gadget_record(const struct paths *paths, const char *name, struct record *record,
			      struct error *err)
{
	int r = record_read(paths, name, record, err);

	return r == -ENOENT && !err->exit ? client_error_no_supervisor(paths, name, err) : r;
}

/*
 * Reads the gadget's record. Users who may not read the record get only its members `name` and
 * `file`, which are read from the status file. Returns -ENOENT without setting err if the gadget
 * has neither of these files.
 */
static int read_record_or_status(const struct paths *paths, const char *name, struct record *record,
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

int client_find_file_of_gadget(const struct paths *paths, const char *name, char **file,
			       struct error *err)
{
	struct record record;
	int r = read_record_or_status(paths, name, &record, err);

	if (r == 0 && !record.gadget_file)
		r = record_fail_no_gadget_file(name, err);
	if (r == 0)
		*file = xstrdup(record.gadget_file);
	record_free(&record);
	return r == -ENOENT && !err->exit ? client_error_no_supervisor(paths, name, err) : r;
}

/* The gadgets that were brought up from one gadget file. */
struct gadgets_of_file {
	const struct paths *paths;
	const char *file_path;
	char **gadget_names;
	size_t n_gadgets;
	/* Index of the last gadget whose name was not changed with --name; SIZE_MAX: none. */
	size_t index_with_default_name;
	bool exactly_one_has_default_name; /* the name of exactly one gadget was not changed */
};

/* Adds the gadget if it was brought up from the file. Ignores errors of reading its record. */
static int add_gadget_of_file(void *data, const char *name)
{
	_cleanup_error_ struct error ignored = { 0 };
	struct gadgets_of_file *o = data;
	struct record record;

	if (read_record_or_status(o->paths, name, &record, &ignored) == 0 &&
	    streq_null(record.gadget_file, o->file_path)) {
		*array_add(o->gadget_names, o->n_gadgets) = xstrdup(name);
		if (!record_name_was_overridden(&record)) {
			o->exactly_one_has_default_name = o->index_with_default_name == SIZE_MAX;
			o->index_with_default_name = o->n_gadgets - 1;
		}
	}
	record_free(&record);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int error_several_gadgets(const struct gadgets_of_file *o, struct error *err)
{
	_cleanup_free_ char *words = NULL;

	qsort(o->gadget_names, o->n_gadgets, sizeof(*o->gadget_names), compare_names);
	for (size_t i = 0; i < o->n_gadgets; i++)
		text_append_word_to_list(&words, o->gadget_names[i], i == o->n_gadgets - 1,
					 " and ");
	error_set(err, EX_USAGE, EINVAL, o->file_path,
		  "%s is the gadget file of several gadgets: %s", o->file_path, words);
	return error_add_hint(err, "give the name of the gadget");
}

int client_find_gadget_by_file(const struct paths *paths, const char *file, char **name,
			       struct error *err)
{
	struct gadgets_of_file o = { .paths = paths,
				     .file_path = file,
				     .index_with_default_name = SIZE_MAX };
	int r = 0;

	*name = NULL;
	rundir_each_gadget(paths, add_gadget_of_file, &o);
	if (o.n_gadgets == 1)
		*name = xstrdup(o.gadget_names[0]);
	else if (o.n_gadgets > 1 && o.exactly_one_has_default_name)
		*name = xstrdup(o.gadget_names[o.index_with_default_name]);
	else if (o.n_gadgets > 1)
		r = error_several_gadgets(&o, err);
	for (size_t i = 0; i < o.n_gadgets; i++)
		free(o.gadget_names[i]);
	free(o.gadget_names);
	return r;
}

int client_reload(const struct paths *paths, const char *name, const char *file, bool keep_name,
		  bool force_eject, double timeout, struct client_reload_result *done,
		  struct error *err)
{
	struct socket_request request = { .command = COMMAND_RELOAD,
					  .file_path = file,
					  .keeps_gadget_name = keep_name,
					  .forces_eject = force_eject,
					  .timeout_seconds = timeout };
	_cleanup_answer_ struct socket_answer answer = { 0 };
	int r = client_send_request(paths, name, &request, &answer, err);

	done->result = answer.gadget_changed ? CLIENT_DONE : CLIENT_UNCHANGED;
	done->awaited_udc = xstrdup_or_null(answer.awaited_udc);
	done->rebound = answer.rebound;
	done->bind_is_due = answer.bind_is_due;
	return r;
}

/* The state of a gadget that is up, read from its record and status file. */
struct current_gadget {
	struct plan_preview plan_preview;
	struct record record;
	struct gadget_status status;
	const char *bound_udc; /* the UDC to which the gadget is bound; NULL: not bound */
};

static int read_current_gadget(struct current_gadget *p, const char *name, struct error *err)
{
	_cleanup_free_ const struct step_op **ops = gadget_step_ops();
	const struct paths *paths = p->plan_preview.functions.paths;
	struct plan *plan = &p->plan_preview.plan;
	int r = read_gadget_record(paths, name, &p->record, err);

	/* Sets PATH to the value that the supervisor has. */
	if (r == 0 && p->record.path_env)
		setenv("PATH", p->record.path_env, 1);
	if (r == 0)
		r = record_read_plan(paths, name, ops, plan, err);
	if (r == 0)
		r = status_file_read(paths, name, &p->status, err);
	if (r < 0)
		return r == -ENOENT && !err->exit ? client_error_no_supervisor(paths, name, err)
						  : r;
	/* A gadget that has failed is unbound, but its status still has a UDC (on_failed). */
	if (p->status.state != STATUS_FAILED)
		p->bound_udc = p->status.udc;
	if (!p->bound_udc && plan->n > 0 && plan->steps[plan->n - 1].op == &configfs_op_bind)
		plan->steps[plan->n - 1].state = STEP_TODO;
	return 0;
}

int client_reload_plan(const struct paths *paths, const char *name, const char *file,
		       bool keep_name, const char *const *dirs,
		       struct client_reload_preview *preview, struct error *err)
{
	struct reload *reload = xcalloc(1, sizeof(*reload));
	struct current_gadget now = { 0 };
	struct gadget_to_reload base = { .paths = paths,
					 .functions = &now.plan_preview.functions,
					 .configfs = &now.plan_preview.configfs,
					 .plan = &now.plan_preview.plan };
	int r = plan_preview_open(&now.plan_preview, paths, name, err);

	if (r == 0)
		r = read_current_gadget(&now, name, err);
	base.udc = now.bound_udc;
	base.record = &now.record;
	if (r == 0)
		r = reload_read_file(reload, &now.record, file, keep_name, dirs,
				     GADGETFILE_TRUST_ALL, NULL, NULL, err);
	if (r == 0)
		r = reload_make_functions_and_choose_udc(reload, &base, err);
	if (r == 0) {
		reload_make_difference(reload, &base);
		*preview = (struct client_reload_preview){
			.changes = difference_to_json(&reload->difference),
			.rebinds = reload_rebinds(&reload->difference),
			.is_bound = now.bound_udc && !now.status.lost,
			.same_settings = json_equal(now.record.document, reload->new_document),
		};
	}
	reload_discard(reload, &now.plan_preview.functions);
	plan_preview_free(&now.plan_preview);
	record_free(&now.record);
	status_free(&now.status);
	return r;
}
