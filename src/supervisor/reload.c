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

/* As long as `up` has by default. */
#define HUP_SECONDS 30

void reload_free(struct supervisor *s)
{
	if (s->reload)
		reload_drop(steal_ptr(s->reload), &s->live);
}

/* --- the end -------------------------------------------------------------------------------------
 */

/* The supervisor's list is `list` from now on. */
static void set_instances(struct supervisor *s, struct live_function *const *list, size_t n)
{
	free(s->live.v);
	s->live.v = NULL;
	s->live.n = 0;
	for (size_t k = 0; k < n; k++)
		*array_add(s->live.v, s->live.n) = list[k];
}

static void forget_replacements(struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++) {
		s->live.v[n]->replacement = NULL;
		s->live.v[n]->removing = false;
		if (s->live.v[n]->worker)
			s->live.v[n]->worker->awaited = false;
	}
}

/* The functions that stay are of the new gadget from now on. */
static void settle_instances(struct supervisor *s, struct reload *r)
{
	struct live_function **list = NULL;
	size_t n_list = 0;

	for (size_t n = 0; n < r->n_fresh; n++) {
		struct live_function *fresh = r->fresh[n], *stays = fresh;

		for (size_t k = 0; k < r->n_old; k++)
			if (r->old[k]->replacement == fresh)
				stays = r->old[k];
		stays->gadget = fresh->gadget;
		stays->model = fresh->model;
		stays->mount_uid = fresh->mount_uid;
		stays->mount_gid = fresh->mount_gid;
		if (stays->worker)
			worker_set_model(stays->worker, fresh->model->worker);
		*array_add(list, n_list) = stays;
	}
	set_instances(s, list, n_list);
	free(list);
	forget_replacements(s);
}

/* Whatever comes of it: the merged one before it has all that there is. */
static void write_record(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	if (supervisor_write_record(s, &err) < 0)
		supervisor_say_of(s, NULL, LOG_ERR, "%s", err.text);
}

static void is_over(struct supervisor *s, struct reload *r)
{
	timer_stop(&s->deadline);
	configfs_close(&s->configfs);
	s->reload = NULL;
	reload_drop(r, &s->live);
	launch_give_back_users(&s->live);
	memory_release(); /* what reading the gadget file took is not needed again */
	/* A worker that has failed meanwhile, and had to wait until it was known what that means.
	 */
	for (size_t n = 0; n < s->live.n && s->bus != BUS_FAILED; n++)
		if (s->live.v[n]->worker && s->live.v[n]->worker->state == WORKER_FAILED)
			supervisor_worker_failed(s, s->live.v[n]->worker);
	supervisor_changed(s);
	/* Whoever reads the words that come now may ask for it at once. */
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
	settle_instances(s, r);
	record_set_file(&s->record, r->gadget, r->form);
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
	is_over(s, r);
	gadget_free(before);
	privileges_give_up(s);
	say_reloaded(s, n);
}

static void is_back(struct supervisor *s, struct reload *r)
{
	difference_end(&r->difference, DIFFERENCE_OLD);
	set_instances(s, r->old, r->n_old);
	forget_replacements(s);
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
	is_over(s, r);
	supervisor_say_of(s, NULL, LOG_ERR, "not reloaded: %s", s->reloaded.error.text);
}

/* The plan stays the merged one, on disk as well. */
static void is_broken(struct supervisor *s, struct reload *r)
{
	const struct step *bind = bus_step(&s->plan);

	timer_stop(&s->deadline);
	configfs_close(&s->configfs);
	gadget_handle(s, GADGET_EV_REVERT_FAILED);
	if (r->was_on && bind)
		s->udc = xstrdup(bind->value);
	if (r->back.text)
		error_hint(&r->why, "and the way back failed: %s", r->back.text);
	error_hint(&r->why, "'ffsctl down %s' removes what exists", s->name);
	error_move(&s->reloaded.error, &r->why);
	supervisor_changed(s);
	supervisor_write_status(s);
	supervisor_say_of(s, NULL, LOG_ERR, "not reloaded: %s", s->reloaded.error.text);
}

/* --- on the way ----------------------------------------------------------------------------------
 */

/* Workers that were told to go, but have not gone yet, or not been replaced, are wanted again. */
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
		host_left(s);
	}
	keep_workers(s);
	timer_start(&s->deadline, r->timeout);
}

/* Whether all is done but the bind, and that has failed because the UDC is not there. */
static bool lacks_udc(const struct reload *r)
{
	const struct difference *d = &r->difference;
	const struct step *failed = difference_failed(d);
	bool is_last = d->back_failed || d->next + 1 == d->n;

	return is_last && failed && failed->op == &configfs_op_bind && !udc_exists(failed->value);
}

/* That costs the gadget nothing but the bus: bus.c binds it when the UDC is back. */
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
		is_broken(s, r);
	else
		is_back(s, r);
}

void reload_go_on(struct supervisor *s)
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
	/* Off the bus was the first change. */
	if (r->was_on && !r->left && r->difference.next > 0) {
		host_left(s);
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

/* Without its keeper a function cannot come back, and the kernel has taken the gadget off the bus.
 */
void reload_failed(struct supervisor *s)
{
	struct reload *r = s->reload;

	if (!r || s->reloaded.error.exit)
		return;
	error_set(&r->why, EX_PROTOCOL, ECHILD, NULL, "%s", s->failure.text);
	is_broken(s, r);
}

static void begin_wanted(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	s->reload_wanted = false;
	if (reload_begin(s, NULL, false, HUP_SECONDS, &err) < 0)
		supervisor_say_of(s, NULL, LOG_ERR, "not reloaded: %s", err.text);
}

void reload_begin_wanted(struct supervisor *s)
{
	if (s->reload_wanted && !s->on_up && !s->bind_wanted)
		begin_wanted(s);
}

void reload_too_late(struct supervisor *s)
{
	s->reload->late = true;
	supervisor_changed(s);
}

void reload_wanted(struct supervisor *s)
{
	/* A service manager with Type=notify-reload waits for both words, also when nothing is
	 * done. */
	notify_reloading(s);
	if (s->state == GADGET_FAILED || s->state == GADGET_BROKEN)
		supervisor_say_of(s, NULL, LOG_ERR,
				  "not reloaded: it has failed; take it down, then up");
	else
		s->reload_wanted = true;
	supervisor_changed(s);
}

/* --- the beginning -------------------------------------------------------------------------------
 */

static void say_line(void *data, const char *line)
{
	supervisor_say(data, "%s", line);
}

/* Workers that go are told at once, not one after the other. */
static void mark_leavers(const struct reload *r)
{
	const struct difference *d = &r->difference;

	for (size_t k = 0; k < d->n; k++) {
		const struct step *step = &d->plan->steps[d->changes[k].step];

		if (d->changes[k].kind == CHANGE_UNDO && step->op == &function_op_worker)
			((struct live_function *)step->self)->removing = true;
	}
}

static void set_out(struct supervisor *s, struct reload *r, double timeout)
{
	s->reload = r;
	gadget_handle(s, GADGET_EV_RELOAD);
	r->timeout = timeout;
	s->configfs.gadget = r->gadget;
	mark_leavers(r);
	timer_start(&s->deadline, timeout);
	if (reload_rebinds(&r->difference)) {
		/* First the status, as bus_unbind does. */
		r->was_on = steal_ptr(s->udc);
		supervisor_write_status(s);
	}
	supervisor_changed(s);
}

/* The old plan again; nothing was done. */
static void do_not(struct supervisor *s, struct reload *r)
{
	if (r->difference.plan)
		difference_end(&r->difference, DIFFERENCE_OLD);
	if (r->old)
		set_instances(s, r->old, r->n_old);
	forget_replacements(s);
	reload_drop(r, &s->live);
	launch_give_back_users(&s->live);
}

/*
 * Whoever else has a file of a mount open keeps it from going, and keeps descriptors from being
 * written anew: then there would be no way back either.
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

/* What was given up once for all cannot be given to a worker any more. */
static int check_privileges(const struct supervisor *s, const struct reload *r, struct error *err)
{
	int result = 0;

	for (size_t n = 0; result == 0 && n < r->n_fresh; n++)
		result = privileges_check(s, r->fresh[n]->model, err);
	return result;
}

/* Changes nothing on the machine. On failure all is as before. */
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
	for (size_t n = 0; n < r->n_fresh; n++)
		if (r->fresh[n]->worker)
			r->fresh[n]->worker->spawn.bounded = s->bounded;
	reload_compare(r, &base);
	return 0;
}

static int prepare(struct supervisor *s, struct reload *r, const char *path, bool renamed,
		   struct error *err)
{
	int result = bus_check(s, err);

	if (result == 0)
		/* A command that names a file has read it itself. */
		result = reload_read(r, &s->record, path, renamed, s->dirs, supervisor_trust(s),
				     path ? NULL : say_line, s, err);
	if (result == 0)
		result = features_require(s->paths, r->gadget, err);
	if (result == 0)
		result = compare(s, r, err);
	if (result == 0)
		result = check_holders(r, err);
	/* As wide as both: whoever finds it must remove all that may exist. */
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
		do_not(s, r);
		return result;
	}
	/* The same in another file is to come from there from now on. */
	if (r->difference.n == 0 && json_equal(s->record.document, r->form) &&
	    streq_null(s->record.file, r->gadget->file)) {
		supervisor_say(s, "the gadget file has not changed");
		do_not(s, r);
		return 0;
	}
	set_out(s, r, timeout);
	return 0;
}
