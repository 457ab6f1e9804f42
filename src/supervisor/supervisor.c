/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "configfs/udc.h"
#include "function/reap.h"
#include "probe/features.h"
#include "supervisor/bus.h"
#include "supervisor/host.h"
#include "supervisor/notify.h"
#include "supervisor/plan.h"
#include "supervisor/privileges.h"
#include "supervisor/reload.h"
#include "supervisor/switch.h"
#include "supervisor/take_over.h"

/* Logs a step; shown only with -v and in the foreground. */
static void say_step(const struct step *step, bool undone)
{
	const char *what = undone ? step->op->undo_name : step->op->name;

	if (what)
		log_debug("%s %s", what, step->path);
}

/* --- the plan ----------------------------------------------------------------------------------
 */

static int make_plan(struct supervisor *s, const char *udc, struct error *err)
{
	int r = gadget_plan_functions(&s->live, s->gadget, &s->live.v, &s->live.n, err);

	if (r == 0)
		gadget_plan_steps(&s->configfs, s->gadget, s->live.v, s->live.n, udc, NULL,
				  &s->plan);
	return r;
}

/* --- what happens -------------------------------------------------------------------------------
 */

static int too_late(const struct supervisor *s, struct error *err)
{
	error_set(err, EX_TEMPFAIL, ETIMEDOUT, NULL,
		  "'%s' did not come up within the time given (--timeout)", s->name);
	for (size_t n = 0; n < s->live.n; n++)
		if (s->live.v[n]->worker && s->live.v[n]->worker->state == WORKER_STARTING)
			return error_hint(err, "the worker of '%s' is not ready",
					  s->live.v[n]->model->label);
	return -err->err;
}

static void on_deadline(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error err = { 0 };

	timer_stop(&s->deadline);
	if (s->state == GADGET_WAITING)
		error_set(&err, EX_TEMPFAIL, ETIMEDOUT, UDC_CLASS_DIR,
			  "no UDC appeared within the time given");
	else if (s->state == GADGET_STARTING)
		too_late(s, &err);
	else if (gadget_is_reloading(s))
		reload_too_late(s);
	if (err.exit)
		supervisor_go_down(s, &err);
}

static void on_caller(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error err = { 0 };

	fd_watch_remove(&s->loop, &s->caller);
	if (s->live.phase == PHASE_UP)
		return;
	error_set(&err, EX_TEMPFAIL, ECANCELED, NULL,
		  "the command that waited for the gadget has ended");
	supervisor_go_down(s, &err);
}

int supervisor_watch_caller(struct supervisor *s, int fd, struct error *err)
{
	int r = fd_watch_add(&s->loop, &s->caller, fd, EPOLLIN | EPOLLHUP, on_caller, s);

	return r < 0 ? error_errno(err, EX_OSERR, -r, NULL, "cannot watch the command's socket")
		     : 0;
}

/* --- the loop ------------------------------------------------------------------------------------
 */

static void finish_up(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	gadget_handle(s, GADGET_EV_MADE);
	/* The record now also has the previous values, which a takeover needs. */
	if (supervisor_write_record(s, &err) < 0)
		supervisor_say_of(s, NULL, LOG_ERR, "%s", err.text);
	s->since = time(NULL);
	bus_begin(s);
	timer_stop(&s->deadline);
	configfs_close(&s->configfs);
}

static void continue_up(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };
	int r;

	host_watch(s, s->udc); /* the bind is the last step */
	r = plan_apply(&s->plan, &err);
	if (r == 0)
		finish_up(s);
	else if (r < 0)
		supervisor_go_down(s, &err);
}

static bool all_stopped(const struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++)
		if (s->live.v[n]->worker && s->live.v[n]->worker->state != WORKER_STOPPED)
			return false;
	return true;
}

static void continue_down(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };
	int r = plan_undo(&s->plan, &err);

	s->undo_soon = r == PLAN_SOON;
	if (r > 0)
		return;
	gadget_handle(s, GADGET_EV_UNDONE);
	for (size_t n = 0; n < s->live.n; n++)
		rundir_release_user(&s->rundir, s->live.v[n]->model->label);
	/* A gadget that switches keeps its name, to switch back. */
	if (r == 0 && s->state != GADGET_SWITCHED)
		r = rundir_remove(&s->rundir, &err);
	if (r == 0)
		return;
	s->undo_failed = true;
	/* The record is kept for the next `down`. */
	error_hint(&err, "'ffsctl down %s' removes what is left", s->name);
	if (s->failure.text)
		error_hint(&s->failure, "and undoing it failed: %s", err.text);
	else
		error_move(&s->failure, &err);
}

/*
 * Returns whether all keepers accept a takeover: a program may kill the supervisor as soon as `up`
 * returns.
 */
static bool all_keepers_listen(const struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++)
		if (!s->live.v[n]->listens && s->live.v[n]->keeper.pid > 0)
			return false;
	return true;
}

/* Checks whether leftover processes have ended, which no event reports. */
static void update_leftovers(struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++)
		if (s->live.v[n]->worker)
			worker_leftovers_update(s->live.v[n]->worker);
}

static bool has_leftovers(const struct supervisor *s)
{
	for (size_t n = 0; n < s->live.n; n++)
		if (s->live.v[n]->worker && s->live.v[n]->worker->leftovers)
			return true;
	return false;
}

static void update_up(struct supervisor *s)
{
	reload_begin_requested(s);
	if (s->state != GADGET_UP)
		return;
	bus_update(s);
	functions_update_kernel_devices(&s->live);
}

static void update_failed(struct supervisor *s)
{
	reload_failed(s);
	if (s->live.foreground && all_stopped(s))
		gadget_handle(s, GADGET_EV_DROPPED);
}

/* What each state does after an event. */
static void (*const updates[GADGET_STATE_COUNT])(struct supervisor *s) = {
	[GADGET_STARTING] = continue_up,      [GADGET_UP] = update_up,
	[GADGET_RELOADING] = reload_continue, [GADGET_REVERTING] = reload_revert,
	[GADGET_FAILED] = update_failed,      [GADGET_SWITCHING] = continue_down,
	[GADGET_STOPPING] = continue_down,
};

static void update(struct supervisor *s)
{
	enum gadget_state before;

	take_over_allow(s);
	update_leftovers(s);
	do {
		before = s->state;
		s->changed = s->undo_soon = false;
		if (updates[before])
			updates[before](s);
	} while (s->state != before && !gadget_is_gone(s));
	s->undo_soon = s->undo_soon || has_leftovers(s);
	supervisor_write_status(s);
	take_over_allow(s);
	control_update(&s->control);
	if (s->live.phase == PHASE_UP && s->on_up && all_keepers_listen(s)) {
		s->on_up(s->on_up_data);
		s->on_up = NULL;
		s->changed = s->changed || s->reload_request;
		/* After the status is written: the reader of this line may ask for it at once. */
		supervisor_say(s, "%sup%s%s", s->taken_over ? "taken over; " : "",
			       s->udc ? " on " : ", not bound", s->udc ? s->udc : "");
	}
	notify_update(s);
}

static int loop_until_gone(struct supervisor *s)
{
	while (!gadget_is_gone(s)) {
		int r;

		if (s->changed || s->undo_soon)
			update(s);
		if (gadget_is_gone(s))
			break;
		if (s->changed) /* update() may have set s->changed */
			continue;
		r = loop_once(&s->loop, s->undo_soon ? PLAN_SOON_MS : -1);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- life --- */

/* Ends before a step was applied: only the run directory is removed. */
static int give_up(struct supervisor *s, struct error *err)
{
	_cleanup_error_ struct error ignored = { 0 };

	rundir_remove(&s->rundir, &ignored);
	gadget_handle(s, GADGET_EV_DOWN);
	gadget_handle(s, GADGET_EV_UNDONE);
	return -err->err;
}

static int prepare(struct supervisor *s, double wait_udc, struct error *err)
{
	int r = control_listen(&s->control, &s->rundir, err);

	if (r == 0)
		r = features_require(s->paths, s->gadget, err);
	if (r == 0 && !s->no_bind)
		r = supervisor_await_udc(s, wait_udc, err);
	if (r == 0 && s->state != GADGET_STOPPING)
		r = make_plan(s, s->udc, err);
	if (r == 0 && s->state != GADGET_STOPPING)
		r = supervisor_write_record(s, err);
	/*
	 * After a switch the previous gadget may be needed again: client/switch.c gives up
	 * privileges later.
	 */
	if (r == 0 && !s->live.switched)
		privileges_give_up(s);
	return r;
}

int supervisor_run(struct supervisor *s, double timeout, double wait_udc, struct error *err)
{
	int r = notify_begin(s, err);

	if (r < 0)
		return r;
	if (s->taken_over)
		privileges_give_up(s);
	else
		r = prepare(s, wait_udc, err);
	if (r < 0)
		return give_up(s, err);
	if (s->state == GADGET_WAITING) /* ----no-bind: no UDC is chosen */
		gadget_handle(s, GADGET_EV_BEGIN);
	if (s->state == GADGET_STARTING)
		timer_start(&s->deadline, timeout);
	s->changed = true;
	r = loop_until_gone(s);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	/* An earlier failure of the gadget is not a failure of `down`. */
	control_answer_down(&s->control, s->undo_failed ? &s->failure : NULL);
	if (!s->failure.exit)
		return 0;
	error_move(err, &s->failure);
	return -err->err;
}

int supervisor_undo_record(struct supervisor *s, struct error *err)
{
	_cleanup_free_ const struct step_op **ops = gadget_plan_ops();
	int r = record_read_plan(s->paths, s->name, ops, &s->plan, err);

	if (r < 0)
		return r;
	/* Before the steps are undone: processes of workers would block them. */
	reap_left_behind(&s->rundir, &s->failure);
	gadget_handle(s, GADGET_EV_DOWN);
	r = loop_until_gone(s);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	if (!s->failure.exit)
		return 0;
	error_move(err, &s->failure);
	return -err->err;
}

int supervisor_init(struct supervisor *s, const struct paths *paths, const struct gadget *gadget,
		    const char *name, struct error *err)
{
	int r;

	*s = (struct supervisor){
		.paths = paths,
		.gadget = gadget,
		.name = name,
		.rundir = RUNDIR_NONE,
		.loop.epoll_fd = -1,
		.signals = FD_WATCH_NONE,
		.deadline = FD_WATCH_NONE,
		.udc_watch = FD_WATCH_NONE,
		.uevents = FD_WATCH_NONE,
		.caller = FD_WATCH_NONE,
		.udc_state = FD_WATCH_NONE,
		.notify = { .watchdog = FD_WATCH_NONE, .fd = -1 },
		.plan.on_step = say_step,
		.configfs = { .paths = paths, .gadget = gadget },
		.live = { .events = &supervisor_function_events,
			  .owner = s,
			  .gadget = name,
			  .paths = paths,
			  .loop = &s->loop,
			  .rundir = &s->rundir,
			  .output = &s->output },
	};
	s->rundir.path = strf("%s/%s", paths->run_dir, name);
	control_init(&s->control, s);
	output_init(&s->output, -1);
	r = loop_open(&s->loop);
	if (r == 0)
		r = timer_open(&s->loop, &s->deadline, on_deadline, s);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make the event loop");
	/*
	 * Files get exactly the mode that they are created with, and workers start with the usual
	 * umask.
	 */
	umask(022);
	/*
	 * Orphans of workers become children of this process, so that they can be found and ended.
	 */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return supervisor_watch_signals(s, err);
}

void supervisor_free(struct supervisor *s)
{
	notify_end(s);
	host_forget(s);
	reload_free(s);
	switch_cancel(s);
	for (size_t n = 0; n < s->live.n; n++)
		function_free(s->live.v[n]);
	free(s->live.v);
	error_clear(&s->reloaded.error);
	control_close(&s->control);
	output_close(&s->output);
	configfs_free(&s->configfs);
	plan_free(&s->plan);
	fd_watch_close(&s->loop, &s->deadline);
	cleanup_close(&s->uevents.fd);
	free(s->uevents_of);
	cleanup_close(&s->signals.fd);
	loop_close(&s->loop);
	rundir_close(&s->rundir);
	record_free(&s->record);
	error_clear(&s->failure);
	error_clear(&s->bind_error);
	free(s->live.inherited);
	free(s->udc);
	free(s->last_udc);
	free(s->bind_udc);
	free(s->live.host_udc);
	gadget_free(s->own_gadget);
}
