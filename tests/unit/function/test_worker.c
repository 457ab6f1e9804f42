/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state table of a worker's life (src/function/worker.c), walked cell by cell. The rooms around
 * it are doubles that write down what they were asked for, so no process is ever started.
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

/* Above every pid that Linux gives out: what escapes the double hits nobody. */
#define FAKE_PID 0x7ffffff0

static struct {
	int launches, terms, kills, stops, pings, interrupts, drops, said_failed, halts, lost;
	int changes;
	bool nowhere;	  /* what it serves is not there */
	bool leaves_some; /* processes, when it ends */
	int launch_error; /* errno of the next starts; 0: they succeed */
	int halt_result;  /* of every halt */
	char words[4096];
} saw;

static struct loop loop;
static struct functions all;
static struct live_function inst;
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

void function_succeed(struct live_function *i _unused_)
{
}

bool function_blocks_bind(const struct live_function *i _unused_)
{
	return true;
}

bool function_is_there(struct live_function *i _unused_)
{
	return !saw.nowhere;
}

bool function_is_active(const struct live_function *i _unused_)
{
	return true;
}

void worker_rest_begin(struct live_worker *u)
{
	saw.drops++;
	if (!saw.leaves_some)
		worker_gone(u);
}

void spawn_free(struct spawn *spawn _unused_)
{
}

void worker_stats_take(struct live_worker *u _unused_, const void *body _unused_,
		       size_t size _unused_)
{
}

void worker_stats_take_traffic(struct live_worker *u _unused_, const void *body _unused_,
			       size_t size _unused_)
{
}

void worker_stats_forget(struct live_worker *u _unused_)
{
}

void worker_stats_free(struct live_worker *u _unused_)
{
}

void function_send(struct live_function *i _unused_, uint16_t type, uint32_t id _unused_)
{
	saw.stops += type == FFSCTL_MSG_STOP;
	saw.pings += type == FFSCTL_MSG_PING;
}

void keeper_interrupt(const struct keeper *keeper _unused_)
{
	saw.interrupts++;
}

void output_worker(struct output *o _unused_, const void *who _unused_, const char *label _unused_,
		   const char *data _unused_, size_t size _unused_)
{
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

/* --- their owner --- */

static void on_changed(void *owner _unused_)
{
	saw.changes++;
}

static void on_say(void *owner _unused_, const char *label _unused_, int priority _unused_,
		   const char *text)
{
	size_t n = strlen(saw.words);

	snprintf(saw.words + n, sizeof(saw.words) - n, "%s\n", text);
}

static void on_worker_failed(void *owner _unused_, struct live_worker *u _unused_)
{
	saw.changes++;
	saw.said_failed++;
}

static void on_ep0_closed(void *owner _unused_)
{
	saw.lost++;
}

static const struct function_events events = { .changed = on_changed,
					       .say = on_say,
					       .worker_failed = on_worker_failed,
					       .ep0_closed = on_ep0_closed };

/* --- a worker in some state --- */

static void open_unit(void)
{
	_cleanup_error_ struct error err = { 0 };

	memset(&saw, 0, sizeof(saw));
	memset(&inst, 0, sizeof(inst));
	all = (struct functions){ .events = &events, .loop = &loop, .phase = PHASE_UP };
	function = (struct function){ .label = (char *)"echo" };
	model = (struct worker){ .start_timeout = 10,
				 .stop_timeout = 5,
				 .restart_delay = 1,
				 .restart_max_delay = 30,
				 .restart_limit = 5,
				 .restart_window = 60 };
	inst.all = &all;
	inst.model = &function;
	inst.worker = worker;
	cr_assert_eq(loop_open(&loop), 0);
	cr_assert_eq(worker_init(worker, &inst, &model, &err), 0);
}

static void close_unit(void)
{
	worker_free(worker);
	loop_close(&loop);
}

static void leave(int status)
{
	worker_exited(worker, status);
}

#define EXITED(code) ((code) << 8)
#define KILLED 9

static void enter(enum worker_state state)
{
	switch (state) {
	case WORKER_STOPPED:
		break;
	case WORKER_PENDING:
		saw.nowhere = true;
		worker_handle(worker, WORKER_EV_START);
		break;
	case WORKER_STARTING:
		worker_handle(worker, WORKER_EV_START);
		break;
	case WORKER_READY:
		enter(WORKER_STARTING);
		worker_handle(worker, WORKER_EV_READY);
		break;
	case WORKER_ENDING:
		saw.leaves_some = true;
		enter(WORKER_READY);
		leave(KILLED);
		break;
	case WORKER_STOPPING:
		enter(WORKER_READY);
		worker_handle(worker, WORKER_EV_STOP);
		break;
	case WORKER_WAITING:
		enter(WORKER_READY);
		leave(KILLED);
		break;
	case WORKER_FAILED:
		enter(WORKER_READY);
		leave(EXITED(125));
		break;
	case WORKER_DONE:
		model.restart = RESTART_NEVER;
		enter(WORKER_READY);
		leave(EXITED(0));
		break;
	case WORKER_STATE_COUNT:
		break;
	}
	cr_assert_eq(worker->state, state);
}

/* Where every event leads from every state. */
static const enum worker_state leads_to[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
	/* START, READY, DIED, EXIT, TIMER, STOP, RESTART, THERE, GONE */
	[WORKER_STOPPED] = { WORKER_STARTING, WORKER_STOPPED, WORKER_STOPPED, WORKER_STOPPED,
			     WORKER_STOPPED, WORKER_STOPPED, WORKER_STARTING, WORKER_STOPPED,
			     WORKER_STOPPED },
	/* RESTART: it is not there even so. */
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
			open_unit();
			enter((enum worker_state)s);
			worker->start_due = 0; /* the time is over */
			saw.changes = 0;
			saw.leaves_some = e == WORKER_EV_DIED;
			if ((e == WORKER_EV_EXIT || e == WORKER_EV_DIED) && worker->pid)
				leave(KILLED);
			else
				worker_handle(worker, (enum worker_event)e);
			cr_expect_eq(worker->state, leads_to[s][e],
				     "state %d, event %d: %d, not %d", s, e, worker->state,
				     leads_to[s][e]);
			cr_expect(saw.changes > 0 || worker->state == (enum worker_state)s,
				  "state %d, event %d: status would not show it", s, e);
			cr_expect_eq(worker->pid > 0,
				     has_process(worker->state) && s != WORKER_ENDING &&
					     e != WORKER_EV_DIED,
				     "state %d, event %d: pid %d", s, e, worker->pid);
			close_unit();
		}
	}
}

Test(worker, stop_asks_and_then_kills)
{
	open_unit();
	enter(WORKER_STOPPING);
	cr_expect_eq(saw.terms, 1);
	cr_expect_eq(saw.kills, 0);
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_STOPPED);
	cr_expect_eq(saw.launches, 1);
	close_unit();
}

Test(worker, one_that_has_left_processes_is_not_killed_again_and_starts_when_they_have_ended)
{
	open_unit();
	enter(WORKER_ENDING);
	worker_handle(worker, WORKER_EV_RESTART);
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.terms + saw.kills, 0, "it has ended");
	cr_expect_eq(saw.launches, 1);
	worker_gone(worker);
	cr_expect_eq(worker->state, WORKER_STARTING);
	close_unit();
}

Test(worker, ready_is_heard_of_one_that_has_ended)
{
	open_unit();
	saw.leaves_some = true;
	enter(WORKER_STARTING);
	leave(KILLED);
	worker_handle(worker, WORKER_EV_READY);
	cr_expect(worker->served);
	cr_expect_eq(worker->state, WORKER_ENDING);
	close_unit();
}

Test(worker, a_worker_that_is_never_ready_is_killed)
{
	open_unit();
	enter(WORKER_STARTING);
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_WAITING);
	cr_expect(worker->start_timed_out);
	close_unit();
}

Test(worker, what_it_serves_goes_and_comes)
{
	open_unit();
	enter(WORKER_READY);
	saw.nowhere = true;
	worker_handle(worker, WORKER_EV_GONE);
	leave(EXITED(0));
	cr_expect_eq(worker->state, WORKER_PENDING);
	saw.nowhere = false;
	worker_handle(worker, WORKER_EV_THERE);
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect_eq(saw.launches, 2);
	cr_expect_eq(worker->restarts, 0, "no command asked for it");
	close_unit();
}

Test(worker, an_end_because_of_that_counts_for_nothing)
{
	open_unit();
	model.restart_limit = 1;
	for (int i = 0; i < 5; i++) {
		saw.nowhere = false;
		worker_handle(worker, i == 0 ? WORKER_EV_START : WORKER_EV_THERE);
		worker_handle(worker, WORKER_EV_READY);
		saw.nowhere = true;
		leave(KILLED);
		cr_expect_eq(worker->state, WORKER_PENDING);
	}
	close_unit();
}

Test(worker, a_restart_that_is_due_waits_for_it)
{
	open_unit();
	model.restart_delay = 0;
	worker_set_worker(worker, &model);
	enter(WORKER_READY);
	leave(EXITED(125));
	saw.nowhere = true;
	worker_handle(worker, WORKER_EV_RESTART);
	cr_expect_eq(worker->state, WORKER_PENDING);
	cr_expect_eq(saw.launches, 1);
	close_unit();
}

Test(worker, with_a_daemon_the_bus_is_lost)
{
	open_unit();
	model.opens_ep0 = true;
	enter(WORKER_READY);
	leave(KILLED);
	cr_expect_eq(saw.lost, 1);
	close_unit();
}

Test(worker, restart_is_stop_and_start)
{
	open_unit();
	enter(WORKER_READY);
	worker_handle(worker, WORKER_EV_RESTART);
	leave(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect_eq(worker->restarts, 1U);
	close_unit();
}

Test(worker, the_last_word_of_stop_and_restart_counts)
{
	open_unit();
	enter(WORKER_STOPPING);
	worker_handle(worker, WORKER_EV_RESTART);
	worker_handle(worker, WORKER_EV_STOP);
	leave(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STOPPED);
	close_unit();

	open_unit();
	enter(WORKER_STOPPING);
	worker_handle(worker, WORKER_EV_STOP);
	worker_handle(worker, WORKER_EV_RESTART);
	leave(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STARTING);
	close_unit();
}

Test(worker, nothing_restarts_while_the_gadget_goes_down)
{
	open_unit();
	enter(WORKER_STOPPING);
	worker_handle(worker, WORKER_EV_RESTART);
	all.phase = PHASE_GOING_DOWN;
	leave(EXITED(0));
	cr_expect_eq(worker->state, WORKER_STOPPED);
	close_unit();
}

Test(worker, who_ends_by_itself_while_the_gadget_goes_down_has_stopped)
{
	open_unit();
	enter(WORKER_READY);
	all.phase = PHASE_GOING_DOWN;
	leave(15);
	cr_expect_eq(worker->state, WORKER_STOPPED);
	cr_expect_eq(saw.said_failed, 0);
	cr_expect_null(strstr(saw.words, "failed"), "%s", saw.words);
	close_unit();
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
		{ RESTART_ON_FAILURE, EXITED(0), WORKER_DONE },
		{ RESTART_ON_FAILURE, EXITED(1), WORKER_WAITING },
		{ RESTART_ON_FAILURE, EXITED(125), WORKER_FAILED },
		{ RESTART_ON_FAILURE, KILLED, WORKER_WAITING },
		{ RESTART_NEVER, EXITED(0), WORKER_DONE },
		{ RESTART_NEVER, EXITED(1), WORKER_DONE },
		{ RESTART_NEVER, EXITED(125), WORKER_FAILED },
		{ RESTART_NEVER, KILLED, WORKER_DONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_unit();
		model.restart = cases[i].policy;
		enter(WORKER_READY);
		leave(cases[i].status);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_unit();
	}
}

/* Lets its restart fall due now. */
static void due(void)
{
	worker->start_due = 0;
	worker_handle(worker, WORKER_EV_TIMER);
}

Test(worker, more_deaths_than_the_limit_are_failure)
{
	open_unit();
	model.restart_delay = worker->delay = 0;
	worker_handle(worker, WORKER_EV_START);
	for (int i = 0; i < 5; i++) {
		worker_handle(worker, WORKER_EV_READY);
		leave(KILLED);
		cr_assert_eq(worker->state, WORKER_STARTING, "death %d", i);
	}
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_FAILED);
	cr_expect_eq(saw.said_failed, 1);
	/* By hand it begins anew, with all its chances. */
	worker_handle(worker, WORKER_EV_RESTART);
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_STARTING);
	close_unit();
}

Test(worker, another_limit_counts_deaths_anew)
{
	struct worker other;

	open_unit();
	model.restart_delay = worker->delay = 0;
	model.restart_limit = 2;
	other = model;
	other.restart_limit = 1;
	worker_handle(worker, WORKER_EV_START);
	for (int i = 0; i < 2; i++) {
		leave(KILLED);
		cr_assert_eq(worker->state, WORKER_STARTING, "death %d", i);
	}
	worker_set_worker(worker, &other);
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_STARTING);
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_FAILED);
	close_unit();
}

Test(worker, the_delay_doubles_up_to_its_maximum)
{
	static const double delays[] = { 1, 2, 4, 5, 5 };

	open_unit();
	model.restart_limit = 0;
	model.restart_max_delay = 5;
	worker_handle(worker, WORKER_EV_START);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		double delay;

		leave(KILLED);
		delay = worker->start_due - now_monotonic();
		cr_expect(delay <= delays[i] && delay > delays[i] - 0.5, "restart %zu: %g", i,
			  delay);
		due();
		cr_assert_eq(worker->state, WORKER_STARTING);
	}
	close_unit();
}

/* What `status` has said of a worker whose supervisor has died. */
static void adopt(time_t ready_since)
{
	json_t *status = json_pack("{s:s, s:i, s:I}", "state", "ready", "pid", FAKE_PID,
				   "ready_since", (json_int_t)ready_since);

	worker->pid = FAKE_PID;
	worker_take_over(worker, status);
	json_decref(status);
	cr_assert_eq(worker->state, WORKER_READY);
}

Test(worker, one_that_has_served_for_long_is_restarted_at_once_also_when_it_was_taken_over)
{
	static const struct {
		time_t served;
		enum worker_state then;
	} cases[] = { { 1000, WORKER_STARTING }, { 0, WORKER_WAITING } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_unit();
		adopt(time(NULL) - cases[i].served);
		leave(KILLED);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_unit();

		open_unit();
		enter(WORKER_READY);
		worker->ready_since -= (double)cases[i].served;
		leave(KILLED);
		cr_expect_eq(worker->state, cases[i].then, "case %zu: %d", i, worker->state);
		close_unit();
	}
}

/* The loop must turn between two starts, whatever the file says, or nothing else would be heard. */
Test(worker, what_cannot_be_started_is_not_tried_without_pause)
{
	open_unit();
	model.restart_delay = model.restart_limit = 0;
	worker->delay = 0;
	enter(WORKER_READY);
	saw.launch_error = ENOENT;
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_WAITING);
	cr_expect_eq(saw.launches, 2);
	cr_expect_gt(worker->start_due - now_monotonic(), 0.5);
	saw.launch_error = 0;
	saw.changes = 0;
	due();
	cr_expect_eq(worker->state, WORKER_STARTING);
	cr_expect(saw.changes > 0);
	close_unit();
}

Test(worker, a_busy_endpoint_is_halted_a_few_times_and_then_let_go)
{
	static const struct {
		int status;
		enum worker_state state;
	} ends[] = { { KILLED, WORKER_WAITING }, { EXITED(125), WORKER_FAILED } };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		open_unit();
		saw.halt_result = -EAGAIN;
		enter(WORKER_READY);
		leave(ends[i].status);
		cr_expect_eq(worker->n_halting, 1U);
		for (int n = 0; n < 10 && worker->n_halting > 0; n++)
			cr_assert_eq(loop_once(&loop, 1000), 1, "nothing would halt it again");
		cr_expect_eq(worker->n_halting, 0U);
		cr_expect_eq(saw.halts, 5);
		cr_expect_eq(worker->state, ends[i].state);
		close_unit();
	}
}

Test(worker, a_halted_endpoint_is_not_halted_again)
{
	open_unit();
	enter(WORKER_READY);
	leave(KILLED);
	cr_expect_eq(saw.halts, 1);
	cr_expect_eq(worker->n_halting, 0U);
	close_unit();
}

Test(worker, on_crash_hold_halts_nothing)
{
	open_unit();
	model.on_crash = CRASH_HOLD;
	enter(WORKER_READY);
	leave(KILLED);
	cr_expect_eq(saw.halts, 0);
	close_unit();
}

/* --- messages --- */

Test(worker, ready_by_a_message)
{
	open_unit();
	enter(WORKER_STARTING);
	worker_on_message(worker, FFSCTL_MSG_PONG, "", 0);
	worker_on_message(worker, 999, "", 0);
	cr_expect_eq(worker->state, WORKER_STARTING);
	worker_on_message(worker, FFSCTL_MSG_READY, "mmap", 4);
	cr_expect_eq(worker->state, WORKER_READY);
	cr_expect_str_eq(worker->engine, "mmap");
	worker_on_message(worker, FFSCTL_MSG_READY, "\x1b[2J", 4);
	cr_expect_str_eq(worker->engine, "", "what is no word is not shown");
	close_unit();
}

Test(worker, it_is_told_to_stop_and_heard_out_when_it_has_ended)
{
	open_unit();
	enter(WORKER_READY);
	worker_handle(worker, WORKER_EV_STOP);
	cr_expect_eq(saw.stops, 1);
	cr_expect_eq(saw.terms, 1);
	cr_expect_eq(saw.drops, 0);
	leave(EXITED(0));
	cr_expect_eq(saw.drops, 1);
	close_unit();
}

Test(worker, a_worker_that_is_not_heard_of_is_killed)
{
	open_unit();
	model.watchdog = 100;
	enter(WORKER_READY);
	cr_expect_eq(saw.pings, 1);
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.pings, 2);
	cr_expect_eq(saw.interrupts, 0, "it has not been silent for long");
	worker->alive -= 60;
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.pings, 3);
	cr_expect_eq(saw.interrupts, 1);
	worker_on_message(worker, FFSCTL_MSG_PONG, "", 0);
	worker->alive -= 99;
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 0);
	worker->alive -= 1;
	worker_handle(worker, WORKER_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	cr_expect_eq(worker->state, WORKER_READY, "until it has ended");
	leave(KILLED);
	cr_expect_eq(worker->state, WORKER_WAITING);
	close_unit();
}
