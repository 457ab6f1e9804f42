/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state table of a worker (src/function/worker.c), cell by cell. Doubles of the rooms around it
 * count the calls, so no process is started.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <ffsctl/control.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "function/function.h"
#include "function/launch.h"
#include "functionfs/endpoint.h"

/* Larger than every pid of Linux: a signal that does not go to the double hits no process. */
#define FAKE_PID 0x7ffffff0

static struct {
	int launches, terms, kills, stops, pings, interrupts, ended, failures, halts,
		descriptors_may_have_changed;
	int changes;
	bool unavailable;	/* the kernel device of the worker does not exist */
	bool leaves_processes;	/* remaining processes exist when the worker ends */
	bool lacks_descriptors; /* the daemon has not written descriptors */
	int launch_error;	/* errno of the next starts; 0: they succeed */
	int halt_result;	/* result of every halt */
	char log[4096];
} saw;

static struct loop loop;
static struct functions all;
static struct live_function live;
static struct function function;
static struct worker model;
static struct live_worker the_worker, *worker = &the_worker;
static struct endpoint ep_in = { .direction = EP_IN };

/* --- doubles --- */

int kill(pid_t pid, int sig)
{
	if (pid != FAKE_PID && pid != -FAKE_PID)
		return (int)syscall(SYS_kill, pid, sig);
	saw.terms += pid > 0 && sig == SIGTERM;
	saw.kills += pid < 0 && sig == SIGKILL;
	return 0;
}

int launch_prepare(struct live_worker *u _unused_, struct error *err _unused_)
{
	return 0;
}

int launch_start(struct live_worker *u, struct error *err)
{
	saw.launches++;
	cr_assert_lt(saw.launches, 100, "it starts without end");
	if (saw.launch_error)
		return error_errno(err, EX_UNAVAILABLE, saw.launch_error, NULL, "cannot start it");
	u->pid = FAKE_PID;
	return 0;
}

void function_swap_workers_with_replacement(struct live_function *f _unused_)
{
}

bool function_blocks_bind(const struct live_function *f _unused_)
{
	return true;
}

bool function_can_start_worker(struct live_function *f _unused_)
{
	return !saw.unavailable;
}

bool function_lacks_descriptors(const struct live_function *f _unused_)
{
	return saw.lacks_descriptors;
}

bool function_descriptors_are_unknown(const struct live_function *f _unused_)
{
	return saw.lacks_descriptors;
}

int function_watch_descriptors(struct live_function *f _unused_)
{
	return 0;
}

void function_take_device_from_worker(const struct live_function *f _unused_)
{
}

void worker_begin_cleanup(struct live_worker *u)
{
	saw.ended++;
	if (!saw.leaves_processes)
		worker_finish_cleanup(u);
}

void spawn_free(struct spawn_settings *spawn _unused_)
{
}

void function_send_to_worker(struct live_function *f _unused_, uint16_t type, uint32_t id _unused_)
{
	saw.stops += type == FFSCTL_MSG_STOP;
	saw.pings += type == FFSCTL_MSG_PING;
}

void keeper_interrupt_control_request(const struct keeper *keeper _unused_)
{
	saw.interrupts++;
}

ssize_t log_file_move_worker_output(struct log_file *o _unused_, const void *who _unused_,
				    const char *label _unused_, int pipe_fd _unused_)
{
	return 0;
}

int ffs_each_endpoint(const struct ffs *ffs _unused_,
		      int (*fn)(void *data, const struct endpoint *ep), void *data)
{
	return fn(data, &ep_in);
}

int ffs_endpoint_open(const struct ffs *ffs _unused_, const struct endpoint *ep _unused_,
		      enum ep_blocking blocking _unused_, struct error *err _unused_)
{
	return dup(STDERR_FILENO);
}

int ffs_endpoint_halt(int fd _unused_, const struct endpoint *ep _unused_)
{
	saw.halts++;
	return saw.halt_result;
}

/* --- the owner of the functions --- */

static void on_function_state_changed(void *data _unused_)
{
	saw.changes++;
}

static void on_log_about_function(void *data _unused_, const char *label _unused_,
				  int priority _unused_, const char *text)
{
	size_t n = strlen(saw.log);

	snprintf(saw.log + n, sizeof(saw.log) - n, "%s\n", text);
}

static void on_worker_failed(void *data _unused_, struct live_worker *u _unused_)
{
	saw.changes++;
	saw.failures++;
}

static void on_descriptors_may_have_changed(void *data _unused_)
{
	saw.descriptors_may_have_changed++;
}

static const struct function_callbacks callbacks = { .function_state_changed =
							     on_function_state_changed,
						     .log_about_function = on_log_about_function,
						     .worker_failed = on_worker_failed,
						     .descriptors_may_have_changed =
							     on_descriptors_may_have_changed };

/* --- a worker in some state --- */

static void open_worker(void)
{
	_cleanup_error_ struct error err = { 0 };

	memset(&saw, 0, sizeof(saw));
	memset(&live, 0, sizeof(live));
	all = (struct functions){ .callbacks = &callbacks,
				  .loop = &loop,
				  .up_down_phase = PHASE_UP };
	function = (struct function){ .label = (char *)"echo" };
	model = (struct worker){ .start_timeout = 10,
				 .stop_timeout = 5,
				 .restart_delay = 1,
				 .restart_max_delay = 30,
				 .restart_limit = 5,
				 .restart_window = 60 };
	live.functions = &all;
	live.model = &function;
	live.worker = worker;
	cr_assert_eq(loop_open(&loop), 0);
	cr_assert_eq(worker_init(worker, &live, &model, &err), 0);
}

static void close_worker(void)
{
	worker_free(worker);
	loop_close(&loop);
}

static void process_ended(int status)
{
	worker_handle_process_end(worker, status);
}

#define EXITED(code) ((code) << 8)
#define KILLED 9

static void enter(enum worker_state state)
{
	switch (state) {
	case WORKER_STOPPED:
		break;
	case WORKER_PENDING:
		saw.unavailable = true;
		worker_handle_event(worker, WORKER_EV_START);
		break;
	case WORKER_STARTING:
		worker_handle_event(worker, WORKER_EV_START);
		break;
	case WORKER_READY:
		enter(WORKER_STARTING);
		worker_handle_event(worker, WORKER_EV_READY);
		break;
	case WORKER_ENDING:
		saw.leaves_processes = true;
		enter(WORKER_READY);
		process_ended(KILLED);
		break;
	case WORKER_STOPPING:
		enter(WORKER_READY);
		worker_handle_event(worker, WORKER_EV_STOP);
		break;
	case WORKER_WAITING:
		enter(WORKER_READY);
		process_ended(KILLED);
		break;
	case WORKER_FAILED:
		enter(WORKER_READY);
		process_ended(EXITED(125));
		break;
	case WORKER_DONE:
		model.restart_when = RESTART_NEVER;
		enter(WORKER_READY);
		process_ended(EXITED(0));
		break;
	case WORKER_STATE_COUNT:
		break;
	}
	cr_assert_eq(worker->state, state);
}

/* The state after each event in each state. */
static const enum worker_state leads_to[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
	/* START, READY, DIED, EXIT, TIMER, STOP, RESTART, APPEARED, REMOVED */
	[WORKER_STOPPED] = { WORKER_STARTING, WORKER_STOPPED, WORKER_STOPPED, WORKER_STOPPED,
			     WORKER_STOPPED, WORKER_STOPPED, WORKER_STARTING, WORKER_STOPPED,
			     WORKER_STOPPED },
	/* RESTART: the device still does not exist. */
	[WORKER_PENDING] = { WORKER_PENDING, WORKER_PENDING, WORKER_PENDING, WORKER_PENDING,
			     WORKER_PENDING, WORKER_STOPPED, WORKER_PENDING, WORKER_STARTING,
			     WORKER_PENDING },
	[WORKER_STARTING] = { WORKER_STARTING, WORKER_READY, WORKER_ENDING, WORKER_WAITING,
			      WORKER_STARTING, WORKER_STOPPING, WORKER_STOPPING, WORKER_STARTING,
			      WORKER_STOPPING },
	[WORKER_READY] = { WORKER_READY, WORKER_READY, WORKER_ENDING, WORKER_WAITING, WORKER_READY,
			   WORKER_STOPPING, WORKER_STOPPING, WORKER_READY, WORKER_STOPPING },
	[WORKER_ENDING] = { WORKER_ENDING, WORKER_ENDING, WORKER_ENDING, WORKER_WAITING,
			    WORKER_ENDING, WORKER_STOPPING, WORKER_STOPPING, WORKER_ENDING,
			    WORKER_STOPPING },
	[WORKER_STOPPING] = { WORKER_STOPPING, WORKER_STOPPING, WORKER_STOPPING, WORKER_STOPPED,
			      WORKER_STOPPING, WORKER_STOPPING, WORKER_STOPPING, WORKER_STOPPING,
			      WORKER_STOPPING },
	[WORKER_WAITING] = { WORKER_WAITING, WORKER_WAITING, WORKER_WAITING, WORKER_WAITING,
			     WORKER_STARTING, WORKER_STOPPED, WORKER_STARTING, WORKER_WAITING,
			     WORKER_WAITING },
	[WORKER_FAILED] = { WORKER_FAILED, WORKER_FAILED, WORKER_FAILED, WORKER_FAILED,
			    WORKER_FAILED, WORKER_STOPPED, WORKER_STARTING, WORKER_FAILED,
			    WORKER_FAILED },
	[WORKER_DONE] = { WORKER_DONE, WORKER_DONE, WORKER_DONE, WORKER_DONE, WORKER_DONE,
			  WORKER_STOPPED, WORKER_STARTING, WORKER_DONE, WORKER_PENDING },
};

static bool has_process(enum worker_state state)
{
	return state == WORKER_STARTING || state == WORKER_READY || state == WORKER_STOPPING;
}

Test(worker, every_event_in_every_state)
{
	for (int s = 0; s < WORKER_STATE_COUNT; s++) {
		for (int e = 0; e < WORKER_EVENT_COUNT; e++) {
			open_worker();
			enter((enum worker_state)s);
			worker->restart_due_at = 0; /* due now */
			saw.changes = 0;
			saw.leaves_processes = e == WORKER_EV_DIED;
			if ((e == WORKER_EV_EXIT || e == WORKER_EV_DIED) && worker->pid)
				process_ended(KILLED);
			else
				worker_handle_event(worker, (enum worker_event)e);
			cr_expect_eq(worker->state, leads_to[s][e],
				     "state %d, event %d: %d, not %d", s, e, worker->state,
				     leads_to[s][e]);
			cr_expect(saw.changes > 0 || worker->state == (enum worker_state)s,
				  "state %d, event %d: no change is reported", s, e);
			cr_expect_eq(worker->pid > 0,
				     has_process(worker->state) && s != WORKER_ENDING &&
					     e != WORKER_EV_DIED,
				     "state %d, event %d: pid %d", s, e, worker->pid);
			close_worker();
		}
	}
}

Test(worker, stop_sends_SIGTERM_and_then_SIGKILL)
{
	open_worker();
	enter(WORKER_STOPPING);
	cr_expect_eq(saw.terms, 1);
	cr_expect_eq(saw.kills, 0);
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_STOPPED);
	cr_expect_eq(saw.launches, 1);
	close_worker();
}

Test(worker, a_worker_with_leftover_processes_starts_when_they_have_ended)
{
	open_worker();
	enter(WORKER_ENDING);
	worker_handle_event(worker, WORKER_EV_RESTART);
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.terms + saw.kills, 0, "it has ended");
	cr_expect_eq(saw.launches, 1);
	worker_finish_cleanup(worker);
	cr_expect_eq(worker->state, WORKER_STARTING);
	close_worker();
}

Test(worker, ready_counts_after_the_end_of_the_process)
{
	open_worker();
	saw.leaves_processes = true;
	enter(WORKER_STARTING);
	process_ended(KILLED);
	worker_handle_event(worker, WORKER_EV_READY);
	cr_expect(worker->was_ready);
	cr_expect_eq(worker->state, WORKER_ENDING);
	close_worker();
}

Test(worker, a_worker_that_is_never_ready_is_killed)
{
	open_worker();
	enter(WORKER_STARTING);
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_WAITING);
	cr_expect(worker->start_timed_out);
	close_worker();
}

Test(worker, a_worker_ends_and_starts_with_its_kernel_device)
{
	open_worker();
	enter(WORKER_READY);
	saw.unavailable = true;
	worker_handle_event(worker, WORKER_EV_REMOVED);
	process_ended(EXITED(0));
	cr_expect_eq(worker->state, WORKER_PENDING);
	saw.unavailable = false;
	worker_handle_event(worker, WORKER_EV_APPEARED);
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect_eq(saw.launches, 2);
	cr_expect_eq(worker->status.restarts, 0, "no command asked for it");
	close_worker();
}

Test(worker, ends_by_a_removed_device_do_not_count)
{
	open_worker();
	model.restart_limit = 1;
	for (int i = 0; i < 5; i++) {
		saw.unavailable = false;
		worker_handle_event(worker, i == 0 ? WORKER_EV_START : WORKER_EV_APPEARED);
		worker_handle_event(worker, WORKER_EV_READY);
		saw.unavailable = true;
		process_ended(KILLED);
		cr_expect_eq(worker->state, WORKER_PENDING);
	}
	close_worker();
}

Test(worker, a_restart_waits_for_the_kernel_device)
{
	open_worker();
	model.restart_delay = 0;
	worker_set_model(worker, &model);
	enter(WORKER_READY);
	process_ended(EXITED(125));
	saw.unavailable = true;
	worker_handle_event(worker, WORKER_EV_RESTART);
	cr_expect_eq(worker->state, WORKER_PENDING);
	cr_expect_eq(saw.launches, 1);
	close_worker();
}

Test(worker, the_end_of_a_daemon_may_close_ep0)
{
	open_worker();
	model.opens_ep0 = true;
	enter(WORKER_READY);
	process_ended(KILLED);
	cr_expect_eq(saw.descriptors_may_have_changed, 1);
	close_worker();
}

Test(worker, a_daemon_without_descriptors_is_not_ready)
{
	open_worker();
	model.opens_ep0 = true;
	saw.lacks_descriptors = true;
	enter(WORKER_STARTING);
	worker_report_ready(worker);
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect(worker->ready_awaits_descriptors);
	saw.lacks_descriptors = false;
	worker_report_ready(worker);
	cr_expect_eq(worker->state, WORKER_READY);
	cr_expect(worker_need_not_be_awaited(worker));
	saw.lacks_descriptors = true;
	cr_expect_not(worker_need_not_be_awaited(worker));
	close_worker();
}

Test(worker, restart_stops_and_starts)
{
	open_worker();
	enter(WORKER_READY);
	worker_handle_event(worker, WORKER_EV_RESTART);
	process_ended(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect_eq(worker->status.restarts, 1U);
	close_worker();
}

Test(worker, the_last_of_stop_and_restart_counts)
{
	open_worker();
	enter(WORKER_STOPPING);
	worker_handle_event(worker, WORKER_EV_RESTART);
	worker_handle_event(worker, WORKER_EV_STOP);
	process_ended(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STOPPED);
	close_worker();

	open_worker();
	enter(WORKER_STOPPING);
	worker_handle_event(worker, WORKER_EV_STOP);
	worker_handle_event(worker, WORKER_EV_RESTART);
	process_ended(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STARTING);
	close_worker();
}

Test(worker, no_worker_restarts_while_the_gadget_goes_down)
{
	open_worker();
	enter(WORKER_STOPPING);
	worker_handle_event(worker, WORKER_EV_RESTART);
	all.up_down_phase = PHASE_GOING_DOWN;
	process_ended(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STOPPED);
	close_worker();
}

Test(worker, an_end_while_the_gadget_goes_down_is_no_failure)
{
	open_worker();
	enter(WORKER_READY);
	all.up_down_phase = PHASE_GOING_DOWN;
	process_ended(15);
	cr_expect_eq(worker->state, WORKER_STOPPED);
	cr_expect_eq(saw.failures, 0);
	cr_expect_null(strstr(saw.log, "failed"), "%s", saw.log);
	close_worker();
}

Test(worker, exit_status_and_policy)
{
	static const struct {
		enum worker_restart policy;
		int status;
		enum worker_state then;
	} cases[] = {
		{ RESTART_ALWAYS, EXITED(0), WORKER_WAITING },
		{ RESTART_ALWAYS, EXITED(1), WORKER_WAITING },
		{ RESTART_ALWAYS, EXITED(125), WORKER_FAILED },
		{ RESTART_ALWAYS, KILLED, WORKER_WAITING },
		{ RESTART_ALWAYS, WORKER_STATUS_UNKNOWN, WORKER_WAITING },
		{ RESTART_ON_FAILURE, EXITED(0), WORKER_DONE },
		{ RESTART_ON_FAILURE, EXITED(1), WORKER_WAITING },
		{ RESTART_ON_FAILURE, EXITED(125), WORKER_FAILED },
		{ RESTART_ON_FAILURE, KILLED, WORKER_WAITING },
		{ RESTART_ON_FAILURE, WORKER_STATUS_UNKNOWN, WORKER_WAITING },
		{ RESTART_NEVER, EXITED(0), WORKER_DONE },
		{ RESTART_NEVER, EXITED(1), WORKER_DONE },
		{ RESTART_NEVER, EXITED(125), WORKER_FAILED },
		{ RESTART_NEVER, KILLED, WORKER_DONE },
		{ RESTART_NEVER, WORKER_STATUS_UNKNOWN, WORKER_DONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_worker();
		model.restart_when = cases[i].policy;
		enter(WORKER_READY);
		process_ended(cases[i].status);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_worker();
	}
}

Test(worker, failed_start_and_policy)
{
	static const struct {
		enum worker_restart policy;
		enum worker_state then;
	} cases[] = {
		{ RESTART_ALWAYS, WORKER_WAITING },
		{ RESTART_ON_FAILURE, WORKER_WAITING },
		{ RESTART_NEVER, WORKER_DONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_worker();
		model.restart_when = cases[i].policy;
		saw.launch_error = ENOEXEC;
		worker_handle_event(worker, WORKER_EV_START);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_worker();
	}
}

/* Makes the restart due now. */
static void due(void)
{
	worker->restart_due_at = 0;
	worker_handle_event(worker, WORKER_EV_TIMER);
}

Test(worker, more_ends_than_restart_limit_are_a_failure)
{
	open_worker();
	model.restart_delay = worker->next_restart_delay = 0;
	worker_handle_event(worker, WORKER_EV_START);
	for (int i = 0; i < 5; i++) {
		worker_handle_event(worker, WORKER_EV_READY);
		process_ended(KILLED);
		cr_assert_eq(worker->state, WORKER_STARTING, "death %d", i);
	}
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_FAILED);
	cr_expect_eq(saw.failures, 1);
	/* A restart by command forgets earlier ends. */
	worker_handle_event(worker, WORKER_EV_RESTART);
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_STARTING);
	close_worker();
}

Test(worker, another_limit_resets_the_count_of_ends)
{
	struct worker other;

	open_worker();
	model.restart_delay = worker->next_restart_delay = 0;
	model.restart_limit = 2;
	other = model;
	other.restart_limit = 1;
	worker_handle_event(worker, WORKER_EV_START);
	for (int i = 0; i < 2; i++) {
		process_ended(KILLED);
		cr_assert_eq(worker->state, WORKER_STARTING, "death %d", i);
	}
	worker_set_model(worker, &other);
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_STARTING);
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_FAILED);
	close_worker();
}

Test(worker, the_delay_doubles_up_to_its_maximum)
{
	static const double delays[] = { 1, 2, 4, 5, 5 };

	open_worker();
	model.restart_limit = 0;
	model.restart_max_delay = 5;
	worker_handle_event(worker, WORKER_EV_START);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		double delay;

		process_ended(KILLED);
		delay = worker->restart_due_at - now_monotonic();
		cr_expect(delay <= delays[i] && delay > delays[i] - 0.5, "restart %zu: %g", i,
			  delay);
		due();
		cr_assert_eq(worker->state, WORKER_STARTING);
	}
	close_worker();
}

/* Takes over a worker that was ready in the status of a dead supervisor. */
static void take_over(time_t ready_since)
{
	struct worker_status status = { .state = STATUS_WORKER_READY,
					.pid = FAKE_PID,
					.ready_since = ready_since };

	worker->pid = FAKE_PID;
	worker_take_over(worker, &status, NULL);
	cr_assert_eq(worker->state, WORKER_READY);
}

Test(worker, a_healthy_worker_restarts_without_delay_also_after_a_takeover)
{
	static const struct {
		time_t served;
		enum worker_state then;
	} cases[] = { { 1000, WORKER_STARTING }, { 0, WORKER_WAITING } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_worker();
		take_over(time(NULL) - cases[i].served);
		process_ended(KILLED);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_worker();

		open_worker();
		enter(WORKER_READY);
		worker->ready_since -= (double)cases[i].served;
		process_ended(KILLED);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_worker();
	}
}

Test(worker, a_takeover_keeps_what_status_shows)
{
	struct worker_status status = { .state = STATUS_WORKER_DONE,
					.engine = (char *)"mmap",
					.restarts = 7,
					.last_exit = (char *)"exit 0" };
	const struct worker_status *shown;

	open_worker();
	worker_take_over(worker, &status, NULL);
	shown = worker_update_status(worker);
	cr_expect_eq(shown->state, STATUS_WORKER_DONE);
	cr_expect_eq(shown->restarts, 7U);
	cr_expect_str_eq(shown->engine, "mmap");
	cr_expect_str_eq(shown->last_exit, "exit 0");
	close_worker();
}

Test(worker, status_shows_how_a_process_ended)
{
	static const struct {
		int status;
		const char *words;
	} cases[] = {
		{ EXITED(0), "exit 0" },
		{ EXITED(125), "exit 125" },
		{ KILLED, "signal 9 (Killed)" },
		{ WORKER_STATUS_UNKNOWN, "unknown" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_worker();
		enter(WORKER_READY);
		cr_expect_neq(worker_update_status(worker)->ready_since, 0);
		process_ended(cases[i].status);
		cr_expect_str_eq(worker_update_status(worker)->last_exit, cases[i].words);
		cr_expect_eq(worker_update_status(worker)->ready_since, 0);
		close_worker();
	}
}

/* The loop must handle other events between two starts, whatever the file says. */
Test(worker, a_failed_start_is_not_retried_at_once)
{
	open_worker();
	model.restart_delay = model.restart_limit = 0;
	worker->next_restart_delay = 0;
	enter(WORKER_READY);
	saw.launch_error = ENOENT;
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_WAITING);
	cr_expect_eq(saw.launches, 2);
	cr_expect_gt(worker->restart_due_at - now_monotonic(), 0.5);
	saw.launch_error = 0;
	saw.changes = 0;
	due();
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect(saw.changes > 0);
	close_worker();
}

Test(worker, a_busy_endpoint_is_halted_a_few_times)
{
	static const struct {
		int status;
		enum worker_state state;
	} ends[] = { { KILLED, WORKER_WAITING }, { EXITED(125), WORKER_FAILED } };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		open_worker();
		saw.halt_result = -EAGAIN;
		enter(WORKER_READY);
		process_ended(ends[i].status);
		cr_expect_eq(worker->n_endpoints_to_halt, 1U);
		for (int n = 0; n < 10 && worker->n_endpoints_to_halt > 0; n++)
			cr_assert_eq(loop_once(&loop, 1000), 1, "nothing would halt it again");
		cr_expect_eq(worker->n_endpoints_to_halt, 0U);
		cr_expect_eq(saw.halts, 5);
		cr_expect_eq(worker->state, ends[i].state);
		close_worker();
	}
}

Test(worker, a_halted_endpoint_is_not_halted_again)
{
	open_worker();
	enter(WORKER_READY);
	process_ended(KILLED);
	cr_expect_eq(saw.halts, 1);
	cr_expect_eq(worker->n_endpoints_to_halt, 0U);
	close_worker();
}

Test(worker, on_crash_hold_halts_nothing)
{
	open_worker();
	model.on_crash = CRASH_HOLD;
	enter(WORKER_READY);
	process_ended(KILLED);
	cr_expect_eq(saw.halts, 0);
	close_worker();
}

/* --- messages --- */

Test(worker, ready_by_a_message)
{
	open_worker();
	enter(WORKER_STARTING);
	worker_on_message(worker, FFSCTL_MSG_PONG, "", 0);
	worker_on_message(worker, 999, "", 0);
	cr_expect_eq(worker->state, WORKER_STARTING);
	worker_on_message(worker, FFSCTL_MSG_READY, "mmap", 4);
	cr_expect_eq(worker->state, WORKER_READY);
	cr_expect_str_eq(worker->status.engine, "mmap");
	worker_on_message(worker, FFSCTL_MSG_READY, "\x1b[2J", 4);
	cr_expect_null(worker->status.engine, "what is no word is not shown");
	close_worker();
}

Test(worker, stop_is_sent_and_leftovers_are_handled_after_the_end)
{
	open_worker();
	enter(WORKER_READY);
	worker_handle_event(worker, WORKER_EV_STOP);
	cr_expect_eq(saw.stops, 1);
	cr_expect_eq(saw.terms, 1);
	cr_expect_eq(saw.ended, 0);
	process_ended(EXITED(0));
	cr_expect_eq(saw.ended, 1);
	close_worker();
}

Test(worker, a_worker_that_does_not_answer_is_killed)
{
	open_worker();
	model.watchdog = 100;
	enter(WORKER_READY);
	cr_expect_eq(saw.pings, 1);
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.pings, 2);
	cr_expect_eq(saw.interrupts, 0, "it has not been silent for long");
	worker->last_answer_at -= 60;
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.pings, 3);
	cr_expect_eq(saw.interrupts, 1);
	worker_on_message(worker, FFSCTL_MSG_PONG, "", 0);
	worker->last_answer_at -= 99;
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 0);
	worker->last_answer_at -= 1;
	worker_handle_event(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	cr_expect_eq(worker->state, WORKER_READY, "until it has ended");
	process_ended(KILLED);
	cr_expect_eq(worker->state, WORKER_WAITING);
	close_worker();
}
