/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/worker.h"

#include <errno.h>
#include <ffsctl/control.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/test_environment.h"
#include "function/function.h"
#include "function/launch.h"

/* If a worker was ready for at least this time before it ended, it is restarted without delay
   (ffsctl-worker(7)). */
#define HEALTHY_SECONDS 10
/*
 * Interval of the attempts to halt a busy endpoint. An IN endpoint is busy until the host has read
 * its data.
 */
#define HALT_RETRY_SECONDS 0.005
/*
 * Minimum delay after a failed start, whatever the gadget file sets: the loop must handle other
 * events in between.
 */
#define START_RETRY_SECONDS 1

static const char *function_label_of(const struct live_worker *worker)
{
	return worker->function->model->label;
}

/* Starts the timer after which busy IN endpoints are halted. */
static void retry_halting_endpoints_later(struct live_worker *worker)
{
	if (worker->n_endpoints_to_halt > 0)
		timer_start(&worker->state_timer, HALT_RETRY_SECONDS);
}

/* --- actions of the state table --- */

static void handle_unrequested_end(struct live_worker *worker, double least_delay);

/*
 * Starts the timer of a process that is not ready yet: it becomes ready when it has run for a short
 * time (ready = "started"), or must report in time that it is ready.
 */
static void start_timer_until_ready(struct live_worker *worker)
{
	timer_start(&worker->state_timer, worker->model->ready_when == READY_STARTED
						  ? WORKER_STARTED_SECONDS
						  : worker->model->start_timeout);
}

static void do_start(struct live_worker *worker)
{
	worker->started_with_device = worker->state == WORKER_PENDING;
	worker_close_endpoints_to_halt(worker);
	worker_stats_forget(worker);
	error_clear(&worker->start_error);
	worker->was_ready = worker->start_timed_out = worker->restart_wanted = false;
	worker->ready_awaits_descriptors = false;
	worker->stop_sent = worker->kill_sent = false;
	worker->cut_endpoints = 0;
	if (launch_start(worker, &worker->start_error) < 0) {
		_cleanup_free_ char *text = error_text(&worker->start_error);

		functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_ERR,
				    "%s", text);
		/* replaces the exit status of an earlier process */
		worker_store_failed_start(worker);
		handle_unrequested_end(worker, START_RETRY_SECONDS);
		return;
	}
	worker->state = WORKER_STARTING;
	functions_report_state_change(gadget_functions_of(worker));
	worker->started_at = now_monotonic();
	start_timer_until_ready(worker);
}

static void do_wait_for_device(struct live_worker *worker)
{
	timer_stop(&worker->state_timer);
	worker->state = WORKER_PENDING;
	worker->restart_wanted = false;
	functions_report_state_change(gadget_functions_of(worker));
}

static void do_start_or_wait_for_device(struct live_worker *worker)
{
	if (function_can_start_worker(worker->function))
		do_start(worker);
	else
		do_wait_for_device(worker);
}

/* Sends a PING to the worker. Called twice per watchdog interval. */
static void send_ping(struct live_worker *worker)
{
	if (worker->model->watchdog <= 0)
		return;
	function_send_to_worker(worker->function, FFSCTL_MSG_PING, 0);
	timer_start(&worker->state_timer, worker->model->watchdog / 2);
}

void worker_start_watchdog(struct live_worker *worker)
{
	timer_stop(&worker->state_timer);
	worker_note_watchdog_answer(worker);
	send_ping(worker);
}

static void do_check_watchdog(struct live_worker *worker)
{
	double silent = now_monotonic() - worker->last_answer_at, limit = worker->model->watchdog;

	if (limit <= 0)
		return;
	if (silent < limit) {
		/*
		 * The worker's answer may be late because a control request of the host delays the
		 * keeper.
		 */
		if (silent >= limit / 2)
			keeper_interrupt_control_request(&worker->function->keeper);
		send_ping(worker);
		return;
	}
	functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_WARNING,
			    "the worker did not answer for %g s (watchdog): killed", limit);
	worker_send_signal(worker, SIGKILL, true);
}

static void note_worker_ready(struct live_worker *worker)
{
	worker->was_ready = true;
	worker->ready_since = now_monotonic();
	worker->status.ready_since = time(NULL);
	functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_INFO,
			    "worker ready (pid %d)", (int)worker->pid);
	functions_report_state_change(gadget_functions_of(worker));
}

static void do_handle_ready(struct live_worker *worker)
{
	worker_start_watchdog(worker);
	worker->state = WORKER_READY;
	note_worker_ready(worker);
}

/* The worker's process has ended: waits until its remaining processes (worker.h) have ended, too.
 */
static void do_await_worker_cleanup(struct live_worker *worker)
{
	timer_stop(&worker->state_timer);
	worker->state = WORKER_ENDING;
	functions_report_state_change(gadget_functions_of(worker));
}

static void do_cancel_stop_timeout(struct live_worker *worker)
{
	timer_stop(&worker->state_timer);
}

/*
 * Handles a request to stop a worker whose process has already ended: the worker is stopped when
 * its remaining processes (worker.h) have ended, too.
 */
static void do_stop_after_worker_cleanup(struct live_worker *worker)
{
	worker->state = WORKER_STOPPING;
	functions_report_state_change(gadget_functions_of(worker));
}

static void do_restart_after_worker_cleanup(struct live_worker *worker)
{
	worker->restart_wanted = true;
	do_stop_after_worker_cleanup(worker);
}

static void do_stop(struct live_worker *worker)
{
	worker->state = WORKER_STOPPING;
	worker->stop_sent = true;
	functions_report_state_change(gadget_functions_of(worker));
	function_send_to_worker(worker->function, FFSCTL_MSG_STOP, 0);
	worker_send_signal(worker, SIGTERM, false);
	timer_start(&worker->state_timer, worker->model->stop_timeout);
}

static void do_stop_for_restart(struct live_worker *worker)
{
	worker->restart_wanted = true;
	do_stop(worker);
}

static void do_kill_after_stop_timeout(struct live_worker *worker)
{
	functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_WARNING,
			    "the worker did not stop within %g s: killed",
			    worker->model->stop_timeout);
	worker->kill_sent = true;
	worker_send_signal(worker, SIGKILL, true);
}

static void do_kill_after_start_timeout(struct live_worker *worker)
{
	worker->start_timed_out = true;
	functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_WARNING,
			    "the worker was not ready within %g s: killed",
			    worker->model->start_timeout);
	worker_send_signal(worker, SIGKILL, true);
}

/* The time until a starting process must be ready is over. */
static void do_handle_start_time(struct live_worker *worker)
{
	if (worker->model->ready_when != READY_STARTED || worker->ready_awaits_descriptors) {
		do_kill_after_start_timeout(worker);
		return;
	}
	worker_report_ready(worker);
	if (worker->ready_awaits_descriptors)
		timer_start(&worker->state_timer, worker->model->start_timeout);
}

void worker_await_restart_at(struct live_worker *worker, double due)
{
	worker->state = WORKER_WAITING;
	worker->restart_due_at = due;
	/*
	 * If there is no delay and no endpoint is busy, this event starts the next process at once.
	 */
	worker_handle_event(worker, WORKER_EV_TIMER);
}

static void await_restart(struct live_worker *worker, double delay)
{
	worker_await_restart_at(worker, now_monotonic() + delay);
}

/* Starts the worker that replaces `worker` in a reload. `worker` has stopped, and its endpoints are
   halted. */
static void start_reloaded_worker(struct live_worker *worker)
{
	struct live_worker *replacement = steal_ptr(worker->replacement);

	timer_stop(&worker->state_timer);
	worker->state = WORKER_STOPPED;
	function_swap_workers_with_replacement(worker->function);
	worker_handle_event(replacement, WORKER_EV_START);
	functions_report_state_change(gadget_functions_of(worker));
}

static void do_continue_restart(struct live_worker *worker)
{
	double left;

	if (worker->n_endpoints_to_halt > 0)
		worker_retry_halting_endpoints(worker);
	left = worker->restart_due_at - now_monotonic();
	if (worker->n_endpoints_to_halt > 0) {
		retry_halting_endpoints_later(worker);
	} else if (left > 0) {
		timer_start(&worker->state_timer, left);
	} else if (worker->replacement) {
		start_reloaded_worker(worker);
	} else if (!function_can_start_worker(worker->function)) {
		do_wait_for_device(worker);
	} else {
		worker->status.restarts++;
		do_start(worker);
	}
}

static double update_restart_delay(struct live_worker *worker)
{
	const struct worker *w = worker->model;
	double delay = worker->next_restart_delay;

	if (worker->was_ready && now_monotonic() - worker->ready_since >= HEALTHY_SECONDS) {
		worker->next_restart_delay = w->restart_delay;
		return 0;
	}
	worker->next_restart_delay = delay > 0 ? delay * 2 : w->restart_delay;
	if (worker->next_restart_delay > w->restart_max_delay)
		worker->next_restart_delay = w->restart_max_delay;
	return delay;
}

static void fail_for_good(struct live_worker *worker, const char *why)
{
	worker_handle_cut_transfers(worker, false);
	worker->state = WORKER_FAILED;
	retry_halting_endpoints_later(worker);
	functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_ERR,
			    "worker failed: %s", why);
	gadget_functions_of(worker)->callbacks->worker_failed(
		gadget_functions_of(worker)->callback_data, worker);
}

/*
 * Handles the end of a process that was not asked to end: follows the restart policy, and does what
 * on_crash says. `least_delay` is the minimum delay of the restart in seconds.
 */
static void handle_unrequested_end(struct live_worker *worker, double least_delay)
{
	struct functions *all = gadget_functions_of(worker);
	double delay;

	timer_stop(&worker->state_timer);
	if (all->up_down_phase ==
	    PHASE_GOING_DOWN) { /* a service manager may have sent SIGTERM to all processes */
		worker->state = WORKER_STOPPED;
		functions_report_state_change(all);
		return;
	}
	if (worker_end_fails_up_or_reload(worker)) {
		fail_for_good(worker, "it ended while the gadget was coming up");
		return;
	}
	if (worker_end_forbids_restart(worker)) {
		fail_for_good(worker, "it asked not to be restarted (exit 125)");
		return;
	}
	if (worker_end_is_final(worker)) {
		worker_handle_cut_transfers(worker, false);
		worker->state = WORKER_DONE;
		retry_halting_endpoints_later(worker);
		functions_log_about(all, function_label_of(worker), LOG_INFO, "worker done");
		functions_report_state_change(all);
		return;
	}
	/* The worker has ended because its kernel device was removed: this is not its failure. */
	if (least_delay == 0 && !function_can_start_worker(worker->function)) {
		do_wait_for_device(worker);
		return;
	}
	if (worker_ended_too_often(worker)) {
		fail_for_good(worker, "it ended too often (restart_limit, restart_window)");
		return;
	}
	delay = update_restart_delay(worker);
	if (delay < least_delay)
		delay = least_delay;
	if (delay > 0)
		functions_log_about(all, function_label_of(worker), LOG_INFO,
				    "worker restarts in %g s", delay);
	worker_handle_cut_transfers(worker, true);
	await_restart(worker, delay);
	functions_report_state_change(all);
}

static void do_handle_unrequested_end(struct live_worker *worker)
{
	functions_log_about(gadget_functions_of(worker), function_label_of(worker), LOG_WARNING,
			    "worker ended: %s%s", worker_exit_reason(worker),
			    worker->start_timed_out ? " (never ready)" : "");
	worker_log_process_in_background(worker);
	handle_unrequested_end(worker, 0);
}

static void do_finish_stop(struct live_worker *worker)
{
	timer_stop(&worker->state_timer);
	worker->state = WORKER_STOPPED;
	if (worker->restart_wanted && gadget_functions_of(worker)->up_down_phase == PHASE_UP) {
		worker_handle_cut_transfers(worker, true);
		await_restart(worker, 0);
	}
	functions_report_state_change(gadget_functions_of(worker));
}

static void do_retry_halting_endpoints(struct live_worker *worker)
{
	worker_retry_halting_endpoints(worker);
	retry_halting_endpoints_later(worker);
}

static void do_cancel_restart(struct live_worker *worker)
{
	worker->restart_wanted = false;
	worker->replacement = NULL;
}

static void do_stop_after_kernel_device_removal(struct live_worker *worker)
{
	functions_log_about(
		gadget_functions_of(worker), function_label_of(worker), LOG_WARNING,
		"the kernel device of the function was unbound or removed: its worker stops");
	do_stop_for_restart(worker);
}

/* Handles a request to restart a worker that is still stopping. */
static void do_request_restart_after_stop(struct live_worker *worker)
{
	worker->restart_wanted = true;
}

static void do_stop_without_process(struct live_worker *worker)
{
	timer_stop(&worker->state_timer);
	worker_close_endpoints_to_halt(worker);
	worker->state = WORKER_STOPPED;
	worker->replacement = NULL;
	functions_report_state_change(gadget_functions_of(worker));
}

/* Restarts the worker. Earlier ends of its process no longer count for the restart limit. */
static void do_restart_by_command(struct live_worker *worker)
{
	worker->n_process_end_times = worker->next_end_time_index = 0;
	worker->next_restart_delay = worker->model->restart_delay;
	await_restart(worker, 0);
	functions_report_state_change(gadget_functions_of(worker));
}

typedef void (*action)(struct live_worker *worker);

/*
 * The state table: the action for each state and event. An event without an action is ignored, for
 * example a late READY.
 */
static const action actions[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
	[WORKER_STOPPED] = {
		[WORKER_EV_START] = do_start_or_wait_for_device,
		[WORKER_EV_RESTART] = do_restart_by_command,
	},
	[WORKER_PENDING] = {
		[WORKER_EV_APPEARED] = do_start,
		[WORKER_EV_STOP] = do_stop_without_process,
		[WORKER_EV_RESTART] = do_restart_by_command,
	},
	[WORKER_STARTING] = {
		[WORKER_EV_READY] = do_handle_ready,
		[WORKER_EV_DIED] = do_await_worker_cleanup,
		[WORKER_EV_TIMER] = do_handle_start_time,
		[WORKER_EV_STOP] = do_stop,
		[WORKER_EV_RESTART] = do_stop_for_restart,
		[WORKER_EV_REMOVED] = do_stop_after_kernel_device_removal,
	},
	[WORKER_READY] = {
		[WORKER_EV_DIED] = do_await_worker_cleanup,
		[WORKER_EV_TIMER] = do_check_watchdog,
		[WORKER_EV_STOP] = do_stop,
		[WORKER_EV_RESTART] = do_stop_for_restart,
		[WORKER_EV_REMOVED] = do_stop_after_kernel_device_removal,
	},
	[WORKER_ENDING] = {
		[WORKER_EV_READY] = note_worker_ready, /* the process sent READY before it ended */
		[WORKER_EV_EXIT] = do_handle_unrequested_end,
		[WORKER_EV_STOP] = do_stop_after_worker_cleanup,
		[WORKER_EV_RESTART] = do_restart_after_worker_cleanup,
		[WORKER_EV_REMOVED] = do_restart_after_worker_cleanup,
	},
	[WORKER_STOPPING] = {
		[WORKER_EV_DIED] = do_cancel_stop_timeout,
		[WORKER_EV_EXIT] = do_finish_stop,
		[WORKER_EV_TIMER] = do_kill_after_stop_timeout,
		[WORKER_EV_STOP] = do_cancel_restart,
		[WORKER_EV_RESTART] = do_request_restart_after_stop,
	},
	[WORKER_WAITING] = {
		[WORKER_EV_TIMER] = do_continue_restart,
		[WORKER_EV_STOP] = do_stop_without_process,
		[WORKER_EV_RESTART] = do_restart_by_command,
	},
	[WORKER_FAILED] = {
		[WORKER_EV_TIMER] = do_retry_halting_endpoints,
		[WORKER_EV_STOP] = do_stop_without_process,
		[WORKER_EV_RESTART] = do_restart_by_command,
	},
	[WORKER_DONE] = {
		[WORKER_EV_TIMER] = do_retry_halting_endpoints,
		[WORKER_EV_STOP] = do_stop_without_process,
		[WORKER_EV_RESTART] = do_restart_by_command,
		[WORKER_EV_REMOVED] = do_wait_for_device,
	},
};

void worker_handle_event(struct live_worker *worker, enum worker_event event)
{
	static const char *const states[WORKER_STATE_COUNT] = {
		[WORKER_STOPPED] = "STOPPED",	[WORKER_PENDING] = "PENDING",
		[WORKER_STARTING] = "STARTING", [WORKER_READY] = "READY",
		[WORKER_ENDING] = "ENDING",	[WORKER_STOPPING] = "STOPPING",
		[WORKER_WAITING] = "WAITING",	[WORKER_FAILED] = "FAILED",
		[WORKER_DONE] = "DONE",
	};
	static const char *const events[WORKER_EVENT_COUNT] = {
		[WORKER_EV_START] = "START",	 [WORKER_EV_READY] = "READY",
		[WORKER_EV_DIED] = "DIED",	 [WORKER_EV_EXIT] = "EXIT",
		[WORKER_EV_TIMER] = "TIMER",	 [WORKER_EV_STOP] = "STOP",
		[WORKER_EV_RESTART] = "RESTART", [WORKER_EV_APPEARED] = "APPEARED",
		[WORKER_EV_REMOVED] = "REMOVED",
	};
	action act = actions[worker->state][event];

	trace_record_lookup("worker", states[worker->state], events[event]);

	if (act)
		act(worker);
}

void worker_replace(struct live_worker *worker, struct live_worker *replacement)
{
	worker->replacement = replacement;
	worker_handle_event(worker, WORKER_EV_RESTART);
}

void worker_set_model(struct live_worker *worker, const struct worker *model)
{
	if (model->restart_limit != worker->model->restart_limit) {
		free(worker->process_end_times);
		worker->process_end_times =
			xcalloc(model->restart_limit + 1, sizeof(*worker->process_end_times));
		worker->n_process_end_times = worker->next_end_time_index = 0;
	}
	/* The endpoints that are still to be halted belong to the old model. */
	worker_close_endpoints_to_halt(worker);
	worker->next_restart_delay = model->restart_delay;
	worker->model = model;
	if (worker->state == WORKER_READY)
		worker_start_watchdog(worker);
}

static void on_worker_timer(void *data, uint32_t events _unused_)
{
	struct live_worker *worker = data;

	timer_stop(&worker->state_timer);
	worker_handle_event(worker, WORKER_EV_TIMER);
}

void worker_handle_process_end(struct live_worker *worker, int status)
{
	worker_store_exit(worker, status);
	worker->pid = 0;
	worker_handle_event(worker, WORKER_EV_DIED);
	worker_begin_cleanup(worker);
}

int worker_init(struct live_worker *worker, struct live_function *function,
		const struct worker *model, struct error *err)
{
	int r;

	*worker = (struct live_worker){ .function = function,
					.model = model,
					.handle_event = worker_handle_event,
					.worker_config_fd = -1,
					.end_watch = FD_WATCH_NONE,
					.output_watch = FD_WATCH_NONE,
					.readiness_watch = FD_WATCH_NONE,
					.state_timer = FD_WATCH_NONE,
					.next_restart_delay = model->restart_delay };
	worker->process_end_times =
		xcalloc(model->restart_limit + 1, sizeof(*worker->process_end_times));
	r = timer_open(function->functions->loop, &worker->state_timer, on_worker_timer, worker);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make a timer");
	return launch_prepare(worker, err);
}

void worker_free(struct live_worker *worker)
{
	/*
	 * If the worker's process still runs here, an attempt to stop it has failed, perhaps
	 * because the keeper died. Then the process is killed. Exception: if this supervisor failed
	 * to take over the gadget, the worker's state is WORKER_STOPPED. Then the process keeps
	 * running, so that another supervisor can take over the gadget with this process.
	 */
	if (worker->pid > 0 && worker->state != WORKER_STOPPED)
		worker_send_signal(worker, SIGKILL, true);
	worker_close_endpoints_to_halt(worker);
	worker_stats_free(worker);
	worker_close_watch(worker, &worker->end_watch);
	worker_close_watch(worker, &worker->output_watch);
	worker_close_watch(worker, &worker->readiness_watch);
	fd_watch_close(gadget_functions_of(worker)->loop, &worker->state_timer);
	cleanup_close(&worker->worker_config_fd);
	spawn_free(&worker->spawn);
	error_clear(&worker->start_error);
	free(worker->process_end_times);
	free(worker->launch_fingerprint);
	free(worker->process_left_running);
	worker_status_free(&worker->status);
}
