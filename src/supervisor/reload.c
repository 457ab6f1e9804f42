/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "function/launch.h"
#include "functionfs/mount.h"
#include "probe/features.h"
#include "supervisor/bus.h"
#include "supervisor/host.h"
#include "supervisor/notify.h"
#include "supervisor/privileges.h"
#include "supervisor/supervisor.h"

/* Seconds for a reload by SIGHUP: the default timeout of `up`. */
#define HUP_SECONDS 30

void reload_free(struct supervisor *s)
{
	if (s->reload)
		reload_drop(steal_ptr(s->reload), &s->live);
}

/* --- the end -------------------------------------------------------------------------------------
 */

/* Sets the functions of the supervisor. */
static void set_functions(struct supervisor *s, struct live_function *const *list, size_t n)
{
	free(s->live.v);
	s->live.v = NULL;
	s->live.n = 0;
	for (size_t k = 0; k < n; k++)
		*array_add(s->live.v, s->live.n) = list[k];
}

static void clear_replacements(struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++) {
		s->live.v[n]->replacement = NULL;
		s->live.v[n]->removing = false;
		if (s->live.v[n]->worker)
			s->live.v[n]->worker->awaited = false;
	}
}

/* Sets the new model of functions that stay. */
static void commit_functions(struct supervisor *s, struct reload *r)
{
	struct live_function **list = NULL;
	size_t n_list = 0;

	for (size_t n = 0; n < r->n_new; n++) {
		struct live_function *next = r->new_functions[n], *stays = next;

		for (size_t k = 0; k < r->n_old; k++)
			if (r->old_functions[k]->replacement == next)
				stays = r->old_functions[k];
		stays->gadget = next->gadget;
		stays->model = next->model;
		stays->mount_uid = next->mount_uid;
		stays->mount_gid = next->mount_gid;
		if (stays->worker)
			worker_set_model(stays->worker, next->model->worker);
		*array_add(list, n_list) = stays;
	}
	set_functions(s, list, n_list);
	free(list);
	clear_replacements(s);
}

/* Writes the record. On failure the record keeps the merged plan, which contains everything. */
static void write_record(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	if (supervisor_write_record(s, &err) < 0)
		supervisor_say_of(s, NULL, LOG_ERR, "%s", err.text);
}

static void end_reload(struct supervisor *s, struct reload *r)
{
	timer_stop(&s->deadline);
	configfs_close(&s->configfs);
	s->reload = NULL;
	reload_drop(r, &s->live);
	launch_give_back_users(&s->live);
	memory_release(); /* frees the memory that parsing needed */
	/* Workers that failed during the reload are handled now. */
	for (size_t n = 0; n < s->live.n && s->bus != BUS_FAILED; n++)
		if (s->live.v[n]->worker && s->live.v[n]->worker->state == WORKER_FAILED)
			supervisor_worker_failed(s, s->live.v[n]->worker);
	supervisor_changed(s);
	/* Written before the log line: its reader may ask for the status at once. */
	supervisor_write_status(s);
}

static void say_reloaded(struct supervisor *s, size_t n)
{
	const char *changes = n == 1 ? "change" : "changes";

	if (s->reloaded.awaits_udc)
		supervisor_say(s, "reloaded: %zu %s; it is bound again when its UDC %s is back", n,
			       changes, s->udc);
	else if (s->reloaded.rebound)
		supervisor_say(s, "reloaded: %zu %s, bound again to %s", n, changes, s->udc);
	else
		supervisor_say(s, "reloaded: %zu %s, without leaving the bus", n, changes);
}

static void commit(struct supervisor *s, struct reload *r)
{
	struct gadget *before = s->own_gadget;
	size_t n = r->difference.n;

	difference_end(&r->difference, DIFFERENCE_NEW);
	commit_functions(s, r);
	record_set_file(&s->record, r->gadget, r->document);
	s->gadget = s->configfs.gadget = s->own_gadget = steal_ptr(r->gadget);
	configfs_settle(&s->configfs, &s->plan);
	write_record(s);
	s->reloaded.changed = true;
	if (r->was_on) {
		s->udc = steal_ptr(r->udc);
		bus_reloaded(s, r->unbound ? BUS_REBIND_DUE : BUS_ON);
	}
	s->reloaded.awaits_udc = bus_awaits_udc(s);
	s->reloaded.rebound = r->was_on && !r->unbound;
	gadget_handle(s, GADGET_EV_RELOADED);
	end_reload(s, r);
	gadget_free(before);
	privileges_give_up(s);
	say_reloaded(s, n);
}

static void finish_reverted(struct supervisor *s, struct reload *r)
{
	difference_end(&r->difference, DIFFERENCE_OLD);
	set_functions(s, r->old_functions, r->n_old);
	clear_replacements(s);
	configfs_settle(&s->configfs, &s->plan);
	write_record(s);
	if (r->was_on)
		s->udc = steal_ptr(r->was_on);
	if (r->left)
		bus_reloaded(s, r->unbound ? BUS_REBIND_DUE : BUS_ON);
	error_hint(&r->why, "'%s' is as it was before", s->name);
	if (r->unbound)
		error_hint(&r->why, "it is bound again when its UDC %s is back", s->udc);
	error_move(&s->reloaded.error, &r->why);
	gadget_handle(s, GADGET_EV_REVERTED);
	end_reload(s, r);
	supervisor_say_of(s, NULL, LOG_ERR, "not reloaded: %s", s->reloaded.error.text);
}

/* Ends a reload that could not be reverted. The merged plan stays, also in the record. */
static void finish_broken(struct supervisor *s, struct reload *r)
{
	const struct step *bind = bus_step(&s->plan);

	timer_stop(&s->deadline);
	configfs_close(&s->configfs);
	gadget_handle(s, GADGET_EV_REVERT_FAILED);
	if (r->was_on && bind)
		s->udc = xstrdup(bind->value);
	if (r->back.text)
		error_hint(&r->why, "and undoing it failed: %s", r->back.text);
	error_hint(&r->why, "'ffsctl down %s' removes what is left", s->name);
	error_move(&s->reloaded.error, &r->why);
	supervisor_changed(s);
	supervisor_write_status(s);
	supervisor_say_of(s, NULL, LOG_ERR, "not reloaded: %s", s->reloaded.error.text);
}

/* --- steps of a reload
 * ----------------------------------------------------------------------------------
 */

/* Keeps workers that were asked to stop, but have not stopped or been replaced yet. */
static void keep_workers(struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++) {
		s->live.v[n]->removing = false;
		if (s->live.v[n]->worker) {
			s->live.v[n]->worker->awaited = false;
			s->live.v[n]->worker->successor = NULL;
		}
	}
	for (size_t k = 0; k < s->plan.n; k++) {
		const struct step *step = &s->plan.steps[k];
		const struct live_function *i = step->self;

		if (step->op == &function_op_worker && step->state == STEP_DONE && i->worker &&
		    (i->worker->state == WORKER_STOPPING || i->worker->state == WORKER_STOPPED))
			worker_handle(i->worker, WORKER_EV_RESTART);
	}
}

static void turn_back(struct supervisor *s, struct reload *r)
{
	gadget_handle(s, GADGET_EV_REVERT);
	r->late = false;
	s->configfs.gadget = s->gadget;
	if (r->left) {
		host_watch(s, r->was_on);
		host_reset_links(s);
	}
	keep_workers(s);
	timer_start(&s->deadline, r->timeout);
}

/* Returns whether only the bind failed, and because the UDC does not exist. */
static bool lacks_udc(const struct reload *r)
{
	const struct difference *d = &r->difference;
	const struct step *failed = difference_failed(d);
	bool is_last = d->back_failed || d->next + 1 == d->n;

	return is_last && failed && failed->op == &configfs_op_bind && !udc_exists(failed->value);
}

/*
 * Ends the reload without the bind, because the UDC does not exist: bus.c binds when the UDC is
 * back.
 */
static void leave_unbound(struct reload *r, struct error *err)
{
	difference_forgive(&r->difference);
	error_clear(err);
	r->unbound = true;
}

void reload_revert(struct supervisor *s)
{
	struct reload *r = s->reload;
	int result;

	while ((result = difference_take_back(&r->difference, &r->back)) > 0 && r->late)
		difference_give_up(&r->difference, &r->back);
	if (result < 0 && lacks_udc(r)) {
		leave_unbound(r, &r->back);
		result = 0;
	}
	if (result > 0)
		s->undo_soon = s->undo_soon || result == PLAN_SOON;
	else if (result < 0)
		finish_broken(s, r);
	else
		finish_reverted(s, r);
}

void reload_continue(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };
	struct reload *r = s->reload;
	int result;

	if (r->was_on && !r->left)
		host_watch(s, r->udc);
	result = difference_apply(&r->difference, &err);
	if (result < 0 && lacks_udc(r)) {
		leave_unbound(r, &err);
		result = 0;
	}
	/* The unbind is the first change. */
	if (r->was_on && !r->left && r->difference.next > 0) {
		host_reset_links(s);
		r->left = true;
	}
	if (result > 0 && !r->late) {
		s->undo_soon = s->undo_soon || result == PLAN_SOON;
		return;
	}
	if (result == 0) {
		commit(s, r);
		return;
	}
	if (result > 0)
		error_set(&err, EX_TEMPFAIL, ETIMEDOUT, NULL,
			  "'%s' could not be reloaded within %g s", s->name, r->timeout);
	error_move(&r->why, &err);
	turn_back(s, r);
	reload_revert(s);
}

/*
 * Ends the reload after a keeper died: without it a function cannot be restored, and the kernel has
 * unbound the gadget.
 */
void reload_failed(struct supervisor *s)
{
	struct reload *r = s->reload;

	if (!r || s->reloaded.error.exit)
		return;
	error_set(&r->why, EX_PROTOCOL, ECHILD, NULL, "%s", s->failure.text);
	finish_broken(s, r);
}

static void begin_requested(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	s->reload_request = false;
	if (reload_begin(s, NULL, false, HUP_SECONDS, &err) < 0)
		supervisor_say_of(s, NULL, LOG_ERR, "not reloaded: %s", err.text);
}

void reload_begin_requested(struct supervisor *s)
{
	if (s->reload_request && !s->on_up && !s->bind_wanted)
		begin_requested(s);
}

void reload_too_late(struct supervisor *s)
{
	s->reload->late = true;
	supervisor_changed(s);
}

void reload_request(struct supervisor *s)
{
	/*
	 * A service manager with Type=notify-reload waits for RELOADING=1 and READY=1 even if
	 * nothing is done.
	 */
	notify_reloading(s);
	if (s->state == GADGET_FAILED || s->state == GADGET_BROKEN)
		supervisor_say_of(s, NULL, LOG_ERR,
				  "not reloaded: it has failed; take it down, then up");
	else
		s->reload_request = true;
	supervisor_changed(s);
}

/* --- the beginning -------------------------------------------------------------------------------
 */

static void say_line(void *data, const char *line)
{
	struct supervisor *s = data;

	supervisor_say(s, "%s", line);
}

/* Workers of removed functions are stopped at once, not one after the other. */
static void mark_removed_functions(const struct reload *r)
{
	const struct difference *d = &r->difference;

	for (size_t k = 0; k < d->n; k++) {
		const struct step *step = &d->plan->steps[d->changes[k].step];

		if (d->changes[k].kind == CHANGE_UNDO && step->op == &function_op_worker)
			((struct live_function *)step->self)->removing = true;
	}
}

static void start_changes(struct supervisor *s, struct reload *r, double timeout)
{
	s->reload = r;
	gadget_handle(s, GADGET_EV_RELOAD);
	r->timeout = timeout;
	s->configfs.gadget = r->gadget;
	mark_removed_functions(r);
	timer_start(&s->deadline, timeout);
	if (reload_rebinds(&r->difference)) {
		/* Writes the status first, as bus_unbind does. */
		r->was_on = steal_ptr(s->udc);
		supervisor_write_status(s);
	}
	supervisor_changed(s);
}

/* Restores the old plan; nothing was changed. */
static void abandon(struct supervisor *s, struct reload *r)
{
	if (r->difference.plan)
		difference_end(&r->difference, DIFFERENCE_OLD);
	if (r->old_functions)
		set_functions(s, r->old_functions, r->n_old);
	clear_replacements(s);
	reload_drop(r, &s->live);
	launch_give_back_users(&s->live);
}

/*
 * Checks that no other program has a file of a mount open: that would prevent the unmount and new
 * descriptors, and the changes could not be undone either.
 */
static int check_holders(const struct reload *r, struct error *err)
{
	const struct difference *d = &r->difference;

	for (size_t k = 0; k < d->n; k++) {
		const struct step *step = &d->plan->steps[d->changes[k].step];

		if (d->changes[k].kind == CHANGE_UNDO && step->op == &ffs_op_mount &&
		    ffs_mount_is_free(step, getpid(), err) < 0)
			return error_at(err, &step->at);
	}
	return 0;
}

/* Checks that no worker needs capabilities that the supervisor has given up. */
static int check_privileges(const struct supervisor *s, const struct reload *r, struct error *err)
{
	int result = 0;

	for (size_t n = 0; result == 0 && n < r->n_new; n++)
		result = privileges_check(s, r->new_functions[n]->model, err);
	return result;
}

/*
 * Prepares the reload and makes the difference; applies nothing. On failure the caller calls
 * abandon().
 */
static int compare(struct supervisor *s, struct reload *r, struct error *err)
{
	const struct reload_base base = { .paths = s->paths,
					  .live = &s->live,
					  .configfs = &s->configfs,
					  .plan = &s->plan,
					  .udc = s->udc,
					  .record = &s->record };
	int result = reload_prepare(r, &base, err);

	if (result == 0)
		result = check_privileges(s, r, err);
	if (result < 0)
		return result;
	for (size_t n = 0; n < r->n_new; n++)
		if (r->new_functions[n]->worker)
			r->new_functions[n]->worker->spawn.bounded = s->bounded;
	reload_compare(r, &base);
	return 0;
}

static int prepare(struct supervisor *s, struct reload *r, const char *path, bool renamed,
		   struct error *err)
{
	int result = bus_check(s, err);

	if (result == 0)
		/* If a file is named, the command has already printed its diagnostics. */
		result = reload_read(r, &s->record, path, renamed, s->dirs, supervisor_trust(s),
				     path ? NULL : say_line, s, err);
	if (result == 0)
		result = features_require(s->paths, r->gadget, err);
	if (result == 0)
		result = compare(s, r, err);
	if (result == 0)
		result = check_holders(r, err);
	/* Writes the merged plan, so that everything can be undone from the record. */
	if (result == 0 && r->difference.n > 0)
		result = supervisor_write_record(s, err);
	return result;
}

int reload_begin(struct supervisor *s, const char *path, bool renamed, double timeout,
		 struct error *err)
{
	struct reload *r = xcalloc(1, sizeof(*r));
	int result = prepare(s, r, path, renamed, err);

	error_clear(&s->reloaded.error);
	s->reloaded.changed = s->reloaded.rebound = s->reloaded.awaits_udc = false;
	if (result < 0) {
		abandon(s, r);
		return result;
	}
	/* A file with the same content but another name becomes the gadget file. */
	if (r->difference.n == 0 && json_equal(s->record.document, r->document) &&
	    streq_null(s->record.file, r->gadget->file)) {
		supervisor_say(s, "the gadget file has not changed");
		abandon(s, r);
		return 0;
	}
	start_changes(s, r, timeout);
	return 0;
}
