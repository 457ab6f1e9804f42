/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "configfs/udc.h"
#include "function/kill_processes.h"
#include "probe/features.h"
#include "supervisor/binding.h"
#include "supervisor/control.h"
#include "supervisor/function_callbacks.h"
#include "supervisor/function_failures.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"
#include "supervisor/optional_functions.h"
#include "supervisor/privileges.h"
#include "supervisor/reload.h"
#include "supervisor/service_notify.h"
#include "supervisor/signals.h"
#include "supervisor/switch.h"
#include "supervisor/take_over.h"
#include "supervisor/up_down.h"
#include "supervisor/usb_host.h"
#include "supervisor/write_status.h"

/* All components of a supervisor. Only this file knows all components. */
struct supervisor {
	struct live_gadget live;
	struct usb_host_state host;
	struct binding binding;
	struct reloader reloader;
	struct switcher switcher;
	struct takeover takeover;
	struct control_server control;
	struct service_notifier notify;
	struct signals signals;
	struct function_callback_data function_callback_data;
	struct status_sources status_sources;

	struct fd_watch up_command_watch; /* watch of the socket of the command that waits
					 until the gadget is up */
	void (*on_up_before_log)(void *data);
	void (*on_up_after_log)(void *data);
	void *on_up_data;
};

/* --- events --- */

static void on_up_or_reload_timeout(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error err = { 0 };

	timer_stop(&s->live.up_or_reload_timer);
	if (s->live.state == GADGET_WAITING)
		error_set(&err, EX_TEMPFAIL, ETIMEDOUT, UDC_CLASS_DIR,
			  "no UDC appeared within the time given");
	else if (s->live.state == GADGET_STARTING && !optional_end_wait_of_up(&s->binding))
		gadget_timeout_error(&s->live, &err);
	else if (gadget_is_reloading(&s->live))
		reload_on_timeout(&s->reloader);
	if (err.exit)
		gadget_begin_down(&s->live, &err);
}

static void on_up_command_end(void *data, uint32_t events _unused_)
{
	struct supervisor *s = data;
	_cleanup_error_ struct error err = { 0 };

	fd_watch_remove(&s->live.loop, &s->up_command_watch);
	if (s->live.functions.up_down_phase == PHASE_UP)
		return;
	error_set(&err, EX_TEMPFAIL, ECANCELED, NULL,
		  "the command that waited for the gadget has ended");
	gadget_begin_down(&s->live, &err);
}

int supervisor_watch_up_command(struct supervisor *s, int fd, struct error *err)
{
	int r = fd_watch_add(&s->live.loop, &s->up_command_watch, fd, EPOLLIN | EPOLLHUP,
			     on_up_command_end, s);

	return r < 0 ? error_errno(err, EX_OSERR, -r, NULL, "cannot watch the command's socket")
		     : 0;
}

static void on_reload_signal(void *data)
{
	struct supervisor *s = data;

	/*
	 * A service manager with Type=notify-reload waits for RELOADING=1 and READY=1 even if the
	 * reload changes nothing.
	 */
	service_notify_reloading(&s->notify);
	reload_request(&s->reloader);
}

static void on_stop_signal(void *data)
{
	struct supervisor *s = data;

	switch_cancel(&s->switcher);
	gadget_begin_down(&s->live, NULL);
}

static const struct signal_callbacks signal_callbacks = {
	.reload = on_reload_signal,
	.stop = on_stop_signal,
};

static void write_status(void *data)
{
	const struct supervisor *s = data;

	status_write(&s->status_sources);
}

/* --- the loop ------------------------------------------------------------------------------------
 */

static void finish_coming_up(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };

	gadget_handle_event(&s->live, GADGET_EV_MADE);
	/* Adds the previous values of attributes to the record; a takeover needs them. */
	if (gadget_write_record(&s->live, &err) < 0)
		gadget_log_error(&s->live, NULL, &err);
	s->live.came_up_at = time(NULL);
	binding_set_first_state(&s->binding);
	timer_stop(&s->live.up_or_reload_timer);
	configfs_close_backend(&s->live.configfs);
}

static void continue_up(struct supervisor *s)
{
	_cleanup_error_ struct error err = { 0 };
	int r;

	/* Must be called before the bind, which is the last step of the plan. */
	host_watch_udc_state(&s->host, s->binding.udc);
	binding_store_descriptors(&s->binding);
	r = optional_apply_plan_of_up(&s->binding, &err);
	if (r == 0)
		finish_coming_up(s);
	else if (r < 0)
		gadget_begin_down(&s->live, &err);
}

static void continue_down(struct supervisor *s)
{
	gadget_continue_undo(&s->live);
}

static void handle_changes_while_up(struct supervisor *s)
{
	reload_begin_if_requested(&s->reloader);
	if (s->live.state != GADGET_UP)
		return;
	control_cancel_binds_of_closed_clients(&s->control);
	binding_handle_uevents_and_bind(&s->binding);
	functions_update_kernel_devices(&s->live.functions);
}

static void continue_reload(struct supervisor *s)
{
	reload_continue(&s->reloader);
}

static void revert_reload(struct supervisor *s)
{
	reload_revert(&s->reloader);
}

static void handle_changes_while_failed(struct supervisor *s)
{
	reloader_handle_keeper_death(&s->reloader);
	if (s->live.functions.foreground && gadget_all_workers_have_stopped(&s->live))
		gadget_handle_event(&s->live, GADGET_EV_DROPPED);
}

/* For each state: the function that is called after each event while this is the state. */
static void (*const updates[GADGET_STATE_COUNT])(struct supervisor *s) = {
	[GADGET_STARTING] = continue_up,
	[GADGET_UP] = handle_changes_while_up,
	[GADGET_RELOADING] = continue_reload,
	[GADGET_REVERTING] = revert_reload,
	[GADGET_FAILED] = handle_changes_while_failed,
	[GADGET_SWITCHING] = continue_down,
	[GADGET_STOPPING] = continue_down,
};

static void report_up(struct supervisor *s)
{
	const char *udc = supervisor_udc(s), *first = s->takeover.took_over ? "taken over; " : "";
	_cleanup_error_ struct error ignored = { 0 };

	supervisor_write_lock_owner(s, &ignored);
	if (s->up_command_watch.fd >= 0)
		fd_watch_remove(&s->live.loop, &s->up_command_watch);
	if (s->live.functions.up_awaits_first_starts)
		failures_warn_of_early_ends(&s->live);
	s->live.functions.up_awaits_first_starts = false;
	if (s->on_up_before_log)
		s->on_up_before_log(s->on_up_data);
	s->live.up_is_awaited = false;
	s->live.needs_plan_and_status_update =
		s->live.needs_plan_and_status_update || s->reloader.reload_requested;
	/*
	 * The status file must be written before this line of the log: a program that waits for the
	 * line may read the status file next. The line must be there when `up` ends.
	 */
	if (supervisor_awaits_udc(s))
		gadget_log(&s->live, "%sup; the gadget is bound when its UDC %s is back", first,
			   udc);
	else if (udc && supervisor_is_bound(s))
		gadget_log(&s->live, "%sup on %s", first, udc);
	else
		gadget_log(&s->live, "%sup, not bound%s%s", first, udc ? " to its UDC " : "",
			   udc ? udc : "");
	if (s->on_up_after_log)
		s->on_up_after_log(s->on_up_data);
}

static void advance_state_and_write_status(struct supervisor *s)
{
	struct live_gadget *live = &s->live;
	enum gadget_state before;

	take_over_send_wait_seconds_to_keepers(&s->takeover);
	gadget_continue_cleanup_of_workers(live);
	do {
		before = live->state;
		live->needs_plan_and_status_update = live->retry_undo_soon = false;
		if (updates[before])
			updates[before](s);
	} while (live->state != before && !gadget_is_down(live));
	live->retry_undo_soon =
		live->retry_undo_soon || gadget_has_remaining_worker_processes(live);
	host_update_kernel_log_watch(&s->host, host_evidence(&s->host));
	gadget_write_status(live);
	take_over_send_wait_seconds_to_keepers(&s->takeover);
	control_answer_finished_commands(&s->control);
	if (live->functions.up_down_phase == PHASE_UP && live->up_is_awaited &&
	    gadget_keepers_accept_takeover(live) && !gadget_has_worker_in_first_start(live))
		report_up(s);
	host_log_changes(&s->host, &s->binding);
	service_notify_state(&s->notify);
}

static int loop_until_down(struct supervisor *s, struct error *err)
{
	struct live_gadget *live = &s->live;

	while (!gadget_is_down(live)) {
		int r;

		if (live->needs_plan_and_status_update || live->retry_undo_soon)
			advance_state_and_write_status(s);
		if (gadget_is_down(live))
			break;
		if (live->needs_plan_and_status_update) /* advance_state_and_write_status() may have
							   set live->needs_plan_and_status_update */
			continue;
		r = loop_once(&live->loop, live->retry_undo_soon ? PLAN_SOON_MS : -1);
		if (r < 0)
			return error_errno(err, EX_OSERR, -r, NULL, "cannot wait for events");
	}
	return 0;
}

/* --- start and end --- */

/* Ends before a step was applied: only removes the run directory. */
static int end_before_first_step(struct live_gadget *live, struct error *err)
{
	_cleanup_error_ struct error ignored = { 0 };

	rundir_remove(&live->rundir, &ignored);
	gadget_handle_event(live, GADGET_EV_DOWN);
	gadget_handle_event(live, GADGET_EV_UNDONE);
	return -err->errno_value;
}

static int prepare_up(struct supervisor *s, double wait_udc, struct error *err)
{
	struct live_gadget *live = &s->live;
	int r = control_listen(&s->control, &live->rundir, err);

	if (r == 0)
		r = features_require_for_gadget(live->paths, live->model, err);
	if (r == 0 && !s->binding.must_stay_unbound)
		r = binding_await_udc(&s->binding, wait_udc, err);
	if (r == 0 && live->state != GADGET_STOPPING)
		r = gadget_make_plan(live, s->binding.udc, err);
	if (r == 0 && live->state != GADGET_STOPPING)
		r = gadget_write_record(live, err);
	/*
	 * Does not give up privileges after a switch: if the switch fails, the process needs them
	 * to bring the previous gadget up again. client/switch.c gives them up later.
	 */
	if (r == 0 && !live->functions.switch_json_for_workers)
		privileges_give_up(live);
	return r;
}

/*
 * Called when the gadget is down. If the gadget has failed, moves its failure to `err` and returns
 * the negative errno; else returns 0.
 */
static int move_gadget_failure(struct live_gadget *live, struct error *err)
{
	if (!live->failure.exit)
		return 0;
	error_move(err, &live->failure);
	return -err->errno_value;
}

int supervisor_run(struct supervisor *s, double timeout, double wait_udc, struct error *err)
{
	int r = service_notify_start_watchdog(&s->notify, err);

	if (r < 0)
		return r;
	s->live.functions.up_awaits_first_starts = !s->takeover.took_over;
	if (s->takeover.took_over)
		privileges_give_up(&s->live);
	else
		r = prepare_up(s, wait_udc, err);
	if (r < 0)
		return end_before_first_step(&s->live, err);
	if (s->live.state == GADGET_WAITING) /* with --no-bind no UDC is chosen */
		gadget_handle_event(&s->live, GADGET_EV_BEGIN);
	if (s->live.state == GADGET_STARTING)
		timer_start(&s->live.up_or_reload_timer, timeout);
	s->live.needs_plan_and_status_update = true;
	r = loop_until_down(s, err);
	if (r < 0)
		return r;
	/* `down` fails only if the undo failed, not if the gadget had failed before. */
	control_answer_down(&s->control, s->live.undo_failed ? &s->live.failure : NULL);
	return move_gadget_failure(&s->live, err);
}

static int undo_recorded_plan(struct supervisor *s, struct error *err)
{
	_cleanup_free_ const struct step_op **ops = gadget_step_ops();
	int r = record_read_plan(s->live.paths, s->live.name, ops, &s->live.plan, err);

	if (r < 0)
		return r;
	/* Must precede the undo, because processes of workers could prevent it. */
	kill_rundir_workers_and_wait(&s->live.rundir, &s->live.failure);
	gadget_activate_noted_udcs(&s->live);
	gadget_handle_event(&s->live, GADGET_EV_DOWN);
	r = loop_until_down(s, err);
	return r < 0 ? r : move_gadget_failure(&s->live, err);
}

int supervisor_take_over_if_plan_matches_record(struct supervisor *s)
{
	return take_over_if_plan_matches_record(&s->takeover);
}

int supervisor_take_over_without_comparing_plans(struct supervisor *s)
{
	return take_over_without_comparing_plans(&s->takeover);
}

/* Initializes all components. `gadget` NULL: the supervisor only undoes a record. */
static int init_components(struct supervisor *s, const struct paths *paths,
			   const struct gadget *gadget, const char *name, struct error *err)
{
	struct live_gadget *live = &s->live;
	int r;

	live_gadget_init(live, paths, gadget, name, write_status, s);
	host_init(&s->host, live);
	binding_init(&s->binding, live, &s->host);
	reload_init(&s->reloader, live, &s->binding);
	switch_init(&s->switcher, live, &s->binding);
	take_over_init(&s->takeover, live, &s->binding, &s->control);
	control_init(&s->control, live, &s->binding, &s->reloader, &s->switcher, &s->takeover);
	service_notify_init(&s->notify, live, &s->binding);
	s->signals = (struct signals){ .callbacks = &signal_callbacks,
				       .callback_data = s,
				       .functions = &live->functions,
				       .signalfd_watch = FD_WATCH_NONE };
	s->function_callback_data = (struct function_callback_data){ .live = live,
								     .binding = &s->binding,
								     .switcher = &s->switcher };
	live->functions.callbacks = &supervisor_function_callbacks;
	live->functions.callback_data = &s->function_callback_data;
	s->status_sources = (struct status_sources){ .live = live,
						     .binding = &s->binding,
						     .host = &s->host,
						     .reloader = &s->reloader,
						     .takeover = &s->takeover };
	s->up_command_watch = FD_WATCH_NONE;
	r = loop_open(&live->loop);
	if (r == 0)
		r = timer_open(&live->loop, &live->up_or_reload_timer, on_up_or_reload_timeout, s);
	if (r == 0)
		r = binding_open_timer(&s->binding);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make the event loop");
	/*
	 * When a worker ends, its child processes become children of this process, so that they can
	 * be found and ended.
	 */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return signals_watch(&s->signals, &live->loop, err);
}

static void take_ownership_of_rundir(struct live_gadget *live, struct rundir *rundir)
{
	free(live->rundir.path);
	live->rundir = rundir_steal(rundir);
	live->log_file.dir_fd = live->rundir.dir_fd;
}

int supervisor_new(struct supervisor **out, const struct supervisor_options *options,
		   struct rundir *rundir, struct error *err)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	struct live_gadget *live = &s->live;
	int r = init_components(s, options->paths, options->gadget, options->gadget->name, err);

	*out = NULL;
	if (r < 0) {
		supervisor_free(s);
		return r;
	}
	live->gadget_file_dirs = options->gadget_file_dirs;
	live->record = options->first_record;
	live->functions.foreground = options->foreground;
	live->functions.switch_json_for_workers = options->switch_json_for_workers;
	live->functions.foreign_child_pids = options->foreign_children.pids;
	live->functions.n_foreign_child_pids = options->foreign_children.n_pids;
	s->binding.udc_from_command_line = options->udc;
	s->binding.udc_may_be_missing = options->udc_may_be_missing;
	s->binding.must_stay_unbound = options->no_bind;
	s->takeover.keeper_takeover_wait_seconds = options->keeper_takeover_wait_seconds;
	s->control.gid_allowed_to_control = options->gid_allowed_to_control;
	take_ownership_of_rundir(live, rundir);
	*out = s;
	return 0;
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	service_notify_close(&s->notify);
	host_handle_unbind(&s->host);
	host_log_close(&s->host);
	host_wakeup_close(&s->host);
	reload_cancel(&s->reloader);
	switch_cancel(&s->switcher);
	control_close(&s->control);
	binding_free(&s->binding);
	signals_close(&s->signals);
	live_gadget_free(&s->live);
	reload_free(&s->reloader);
	free(s);
}

int supervisor_undo_recorded_plan(const struct paths *paths, const char *name,
				  struct rundir *rundir, struct error *err)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	int r = init_components(s, paths, NULL, name, err);

	if (r == 0)
		r = rundir_write_lock_owner(rundir, OWNER_CLEARING, err);
	if (r == 0) {
		take_ownership_of_rundir(&s->live, rundir);
		r = undo_recorded_plan(s, err);
	}
	supervisor_free(s);
	return r;
}

/* --- functions for commands --- */

void supervisor_set_on_up(struct supervisor *s, void (*before_log)(void *data),
			  void (*after_log)(void *data), void *data)
{
	s->on_up_before_log = before_log;
	s->on_up_after_log = after_log;
	s->on_up_data = data;
	s->live.up_is_awaited = true;
}

void supervisor_set_ready_notification_fd(struct supervisor *s, int fd)
{
	s->notify.ready_newline_fd = fd;
}

void supervisor_list_foreign_children(struct supervisor *s)
{
	functions_list_foreign_children(&s->live.functions);
}

void supervisor_give_up_privileges(struct supervisor *s)
{
	privileges_give_up(&s->live);
}

void supervisor_log(struct supervisor *s, int priority, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	gadget_log_line(&s->live, NULL, priority, text);
}

const char *supervisor_udc(const struct supervisor *s)
{
	/* The gadget came up without its UDC, which is back already but cannot be bound. */
	bool is_refused = !s->takeover.took_over && s->binding.state == BINDING_REBIND_DUE &&
			  !supervisor_awaits_udc(s);

	return is_refused ? NULL : s->binding.udc;
}

bool supervisor_is_bound(const struct supervisor *s)
{
	return binding_is_bound_in_kernel(&s->binding);
}

bool supervisor_awaits_udc(const struct supervisor *s)
{
	return binding_lacks_udc(&s->binding);
}

const struct log_file *supervisor_log_file(const struct supervisor *s)
{
	return &s->live.log_file;
}

int supervisor_write_lock_owner(struct supervisor *s, struct error *err)
{
	return rundir_write_lock_owner(&s->live.rundir, OWNER_SUPERVISOR, err);
}

struct rundir supervisor_hand_over_rundir(struct supervisor *s)
{
	return rundir_steal(&s->live.rundir);
}

bool supervisor_ended_for_switch(const struct supervisor *s)
{
	return s->switcher.requested_switch;
}

struct switch_handover supervisor_hand_over_for_switch(struct supervisor *s)
{
	return (struct switch_handover){
		.requested_switch = steal_ptr(s->switcher.requested_switch),
		.previous_model_from_reload = steal_ptr(s->reloader.model_from_reload),
		.previous_document = json_incref(s->live.record.document),
		.previous_udc = steal_ptr(s->binding.udc),
		.previous_no_bind = s->binding.must_stay_unbound,
		.previous_rundir = rundir_steal(&s->live.rundir),
	};
}

struct foreign_children supervisor_hand_over_foreign_children(struct supervisor *s)
{
	struct functions *functions = &s->live.functions;

	return (struct foreign_children){ .pids = steal_ptr(functions->foreign_child_pids),
					  .n_pids = functions->n_foreign_child_pids };
}
