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
#include <unistd.h>

#include "function/launch.h"
#include "functionfs/endpoint.h"
#include "supervisor/bus.h"
#include "supervisor/supervisor.h"
#include "supervisor/switch.h"

/* Above every pid that Linux gives out: what escapes the double hits nobody. */
#define FAKE_PID 0x7ffffff0

static struct {
	int launches, terms, kills, stops, pings, interrupts, drops, said_failed, halts, lost;
	bool nowhere;	  /* what it serves is not there */
	bool leaves_some; /* processes, when it ends */
	int launch_error; /* errno of the next starts; 0: they succeed */
	int halt_result;  /* of every halt */
	char words[4096];
} saw;

static struct supervisor sup;
static struct instance inst;
static struct function function;
static struct worker worker;
static struct unit the_unit, *unit = &the_unit;
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

int launch_prepare(struct unit *u _unused_, struct error *err _unused_)
{
	return 0;
}

int launch_start(struct unit *u, struct error *err)
{
	saw.launches++;
	cr_assert_lt(saw.launches, 100, "it starts without end");
	if (saw.launch_error)
		return error_errno(err, EX_UNAVAILABLE, saw.launch_error, NULL, "cannot start it");
	u->pid = FAKE_PID;
	return 0;
}

void instance_succeed(struct instance *i _unused_)
{
}

bool instance_gates(const struct instance *i _unused_)
{
	return true;
}

bool instance_is_there(struct instance *i _unused_)
{
	return !saw.nowhere;
}

bool instance_is_active(const struct instance *i _unused_)
{
	return true;
}

void bus_ep0_closed(struct supervisor *s _unused_)
{
	saw.lost++;
}

void switch_asked(struct unit *u _unused_, const char *body _unused_, size_t size _unused_)
{
}

void unit_rest_begin(struct unit *u)
{
	saw.drops++;
	if (!saw.leaves_some)
		unit_gone(u);
}

void spawn_free(struct spawn *spawn _unused_)
{
}

void unit_stats_take(struct unit *u _unused_, const void *body _unused_, size_t size _unused_)
{
}

void unit_stats_take_traffic(struct unit *u _unused_, const void *body _unused_,
			     size_t size _unused_)
{
}

void unit_stats_forget(struct unit *u _unused_)
{
}

void unit_stats_free(struct unit *u _unused_)
{
}

void supervisor_say_of(struct supervisor *s _unused_, const char *label _unused_,
		       int priority _unused_, const char *fmt, ...)
{
	size_t n = strlen(saw.words);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(saw.words + n, sizeof(saw.words) - n, fmt, ap);
	va_end(ap);
	n = strlen(saw.words);
	snprintf(saw.words + n, sizeof(saw.words) - n, "\n");
}

void supervisor_changed(struct supervisor *s)
{
	s->changed = true;
}

void supervisor_worker_failed(struct supervisor *s, struct unit *u _unused_)
{
	s->changed = true;
	saw.said_failed++;
}

void instance_send(struct instance *i _unused_, uint16_t type, uint32_t id _unused_)
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

/* --- a unit in some state --- */

static void open_unit(void)
{
	_cleanup_error_ struct error err = { 0 };

	memset(&saw, 0, sizeof(saw));
	memset(&inst, 0, sizeof(inst));
	sup = (struct supervisor){ .phase = PHASE_UP };
	function = (struct function){ .label = (char *)"echo" };
	worker = (struct worker){ .start_timeout = 10,
				  .stop_timeout = 5,
				  .restart_delay = 1,
				  .restart_max_delay = 30,
				  .restart_limit = 5,
				  .restart_window = 60 };
	inst.supervisor = &sup;
	inst.function = &function;
	inst.unit = unit;
	cr_assert_eq(loop_open(&sup.loop), 0);
	cr_assert_eq(unit_init(unit, &inst, &worker, &err), 0);
}

static void close_unit(void)
{
	unit_free(unit);
	loop_close(&sup.loop);
}

static void leave(int status)
{
	unit_exited(unit, status);
}

#define EXITED(code) ((code) << 8)
#define KILLED 9

static void enter(enum unit_state state)
{
	switch (state) {
	case UNIT_STOPPED:
		break;
	case UNIT_PENDING:
		saw.nowhere = true;
		unit_handle(unit, UNIT_EV_START);
		break;
	case UNIT_STARTING:
		unit_handle(unit, UNIT_EV_START);
		break;
	case UNIT_READY:
		enter(UNIT_STARTING);
		unit_handle(unit, UNIT_EV_READY);
		break;
	case UNIT_ENDING:
		saw.leaves_some = true;
		enter(UNIT_READY);
		leave(KILLED);
		break;
	case UNIT_STOPPING:
		enter(UNIT_READY);
		unit_handle(unit, UNIT_EV_STOP);
		break;
	case UNIT_WAITING:
		enter(UNIT_READY);
		leave(KILLED);
		break;
	case UNIT_FAILED:
		enter(UNIT_READY);
		leave(EXITED(125));
		break;
	case UNIT_DONE:
		worker.restart = RESTART_NEVER;
		enter(UNIT_READY);
		leave(EXITED(0));
		break;
	case UNIT_STATE_COUNT:
		break;
	}
	cr_assert_eq(unit->state, state);
}

/* Where every event leads from every state. */
static const enum unit_state leads_to[UNIT_STATE_COUNT][UNIT_EVENT_COUNT] = {
	/* START, READY, DIED, EXIT, TIMER, STOP, RESTART, THERE, GONE */
	[UNIT_STOPPED] = { UNIT_STARTING, UNIT_STOPPED, UNIT_STOPPED, UNIT_STOPPED, UNIT_STOPPED,
			   UNIT_STOPPED, UNIT_STARTING, UNIT_STOPPED, UNIT_STOPPED },
	/* RESTART: it is not there even so. */
	[UNIT_PENDING] = { UNIT_PENDING, UNIT_PENDING, UNIT_PENDING, UNIT_PENDING, UNIT_PENDING,
			   UNIT_STOPPED, UNIT_PENDING, UNIT_STARTING, UNIT_PENDING },
	[UNIT_STARTING] = { UNIT_STARTING, UNIT_READY, UNIT_ENDING, UNIT_WAITING, UNIT_STARTING,
			    UNIT_STOPPING, UNIT_STOPPING, UNIT_STARTING, UNIT_STOPPING },
	[UNIT_READY] = { UNIT_READY, UNIT_READY, UNIT_ENDING, UNIT_WAITING, UNIT_READY,
			 UNIT_STOPPING, UNIT_STOPPING, UNIT_READY, UNIT_STOPPING },
	[UNIT_ENDING] = { UNIT_ENDING, UNIT_ENDING, UNIT_ENDING, UNIT_WAITING, UNIT_ENDING,
			  UNIT_STOPPING, UNIT_STOPPING, UNIT_ENDING, UNIT_STOPPING },
	[UNIT_STOPPING] = { UNIT_STOPPING, UNIT_STOPPING, UNIT_STOPPING, UNIT_STOPPED,
			    UNIT_STOPPING, UNIT_STOPPING, UNIT_STOPPING, UNIT_STOPPING,
			    UNIT_STOPPING },
	[UNIT_WAITING] = { UNIT_WAITING, UNIT_WAITING, UNIT_WAITING, UNIT_WAITING, UNIT_STARTING,
			   UNIT_STOPPED, UNIT_STARTING, UNIT_WAITING, UNIT_WAITING },
	[UNIT_FAILED] = { UNIT_FAILED, UNIT_FAILED, UNIT_FAILED, UNIT_FAILED, UNIT_FAILED,
			  UNIT_STOPPED, UNIT_STARTING, UNIT_FAILED, UNIT_FAILED },
	[UNIT_DONE] = { UNIT_DONE, UNIT_DONE, UNIT_DONE, UNIT_DONE, UNIT_DONE, UNIT_STOPPED,
			UNIT_STARTING, UNIT_DONE, UNIT_PENDING },
};

static bool has_process(enum unit_state state)
{
	return state == UNIT_STARTING || state == UNIT_READY || state == UNIT_STOPPING;
}

Test(unit, every_event_in_every_state)
{
	for (int s = 0; s < UNIT_STATE_COUNT; s++) {
		for (int e = 0; e < UNIT_EVENT_COUNT; e++) {
			open_unit();
			enter((enum unit_state)s);
			unit->start_due = 0; /* the time has come */
			sup.changed = false;
			saw.leaves_some = e == UNIT_EV_DIED;
			if ((e == UNIT_EV_EXIT || e == UNIT_EV_DIED) && unit->pid)
				leave(KILLED);
			else
				unit_handle(unit, (enum unit_event)e);
			cr_expect_eq(unit->state, leads_to[s][e], "state %d, event %d: %d, not %d",
				     s, e, unit->state, leads_to[s][e]);
			cr_expect(sup.changed || unit->state == (enum unit_state)s,
				  "state %d, event %d: status would not show it", s, e);
			cr_expect_eq(unit->pid > 0,
				     has_process(unit->state) && s != UNIT_ENDING &&
					     e != UNIT_EV_DIED,
				     "state %d, event %d: pid %d", s, e, unit->pid);
			close_unit();
		}
	}
}

Test(unit, stop_asks_and_then_kills)
{
	open_unit();
	enter(UNIT_STOPPING);
	cr_expect_eq(saw.terms, 1);
	cr_expect_eq(saw.kills, 0);
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_STOPPED);
	cr_expect_eq(saw.launches, 1);
	close_unit();
}

Test(unit, one_that_has_left_processes_is_not_killed_again_and_starts_when_they_have_ended)
{
	open_unit();
	enter(UNIT_ENDING);
	unit_handle(unit, UNIT_EV_RESTART);
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.terms + saw.kills, 0, "it has ended");
	cr_expect_eq(saw.launches, 1);
	unit_gone(unit);
	cr_expect_eq(unit->state, UNIT_STARTING);
	close_unit();
}

Test(unit, ready_is_heard_of_one_that_has_ended)
{
	open_unit();
	saw.leaves_some = true;
	enter(UNIT_STARTING);
	leave(KILLED);
	unit_handle(unit, UNIT_EV_READY);
	cr_expect(unit->served);
	cr_expect_eq(unit->state, UNIT_ENDING);
	close_unit();
}

Test(unit, a_worker_that_is_never_ready_is_killed)
{
	open_unit();
	enter(UNIT_STARTING);
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_WAITING);
	cr_expect(unit->start_timed_out);
	close_unit();
}

Test(unit, what_it_serves_goes_and_comes)
{
	open_unit();
	enter(UNIT_READY);
	saw.nowhere = true;
	unit_handle(unit, UNIT_EV_GONE);
	leave(EXITED(0));
	cr_expect_eq(unit->state, UNIT_PENDING);
	saw.nowhere = false;
	unit_handle(unit, UNIT_EV_THERE);
	cr_expect_eq(unit->state, UNIT_STARTING);
	cr_expect_eq(saw.launches, 2);
	cr_expect_eq(unit->restarts, 0, "it was nobody's restart");
	close_unit();
}

Test(unit, an_end_because_of_that_counts_for_nothing)
{
	open_unit();
	worker.restart_limit = 1;
	for (int i = 0; i < 5; i++) {
		saw.nowhere = false;
		unit_handle(unit, i == 0 ? UNIT_EV_START : UNIT_EV_THERE);
		unit_handle(unit, UNIT_EV_READY);
		saw.nowhere = true;
		leave(KILLED);
		cr_expect_eq(unit->state, UNIT_PENDING);
	}
	close_unit();
}

Test(unit, a_restart_that_is_due_waits_for_it)
{
	open_unit();
	worker.restart_delay = 0;
	unit_set_worker(unit, &worker);
	enter(UNIT_READY);
	leave(EXITED(125));
	saw.nowhere = true;
	unit_handle(unit, UNIT_EV_RESTART);
	cr_expect_eq(unit->state, UNIT_PENDING);
	cr_expect_eq(saw.launches, 1);
	close_unit();
}

Test(unit, with_a_daemon_the_bus_is_lost)
{
	open_unit();
	worker.opens_ep0 = true;
	enter(UNIT_READY);
	leave(KILLED);
	cr_expect_eq(saw.lost, 1);
	close_unit();
}

Test(unit, restart_is_stop_and_start)
{
	open_unit();
	enter(UNIT_READY);
	unit_handle(unit, UNIT_EV_RESTART);
	leave(EXITED(0));
	cr_expect_eq(unit->state, UNIT_STARTING);
	cr_expect_eq(unit->restarts, 1U);
	close_unit();
}

Test(unit, the_last_word_of_stop_and_restart_counts)
{
	open_unit();
	enter(UNIT_STOPPING);
	unit_handle(unit, UNIT_EV_RESTART);
	unit_handle(unit, UNIT_EV_STOP);
	leave(EXITED(0));
	cr_expect_eq(unit->state, UNIT_STOPPED);
	close_unit();

	open_unit();
	enter(UNIT_STOPPING);
	unit_handle(unit, UNIT_EV_STOP);
	unit_handle(unit, UNIT_EV_RESTART);
	leave(EXITED(0));
	cr_expect_eq(unit->state, UNIT_STARTING);
	close_unit();
}

Test(unit, nothing_restarts_while_the_gadget_goes_down)
{
	open_unit();
	enter(UNIT_STOPPING);
	unit_handle(unit, UNIT_EV_RESTART);
	sup.phase = PHASE_GOING_DOWN;
	leave(EXITED(0));
	cr_expect_eq(unit->state, UNIT_STOPPED);
	close_unit();
}

Test(unit, who_ends_by_itself_while_the_gadget_goes_down_has_stopped)
{
	open_unit();
	enter(UNIT_READY);
	sup.phase = PHASE_GOING_DOWN;
	leave(15);
	cr_expect_eq(unit->state, UNIT_STOPPED);
	cr_expect_eq(saw.said_failed, 0);
	cr_expect_null(strstr(saw.words, "failed"), "%s", saw.words);
	close_unit();
}

Test(unit, exit_status_and_policy)
{
	static const struct {
		enum worker_restart policy;
		int status;
		enum unit_state then;
	} cases[] = {
		{ RESTART_ALWAYS, EXITED(0), UNIT_WAITING },
		{ RESTART_ALWAYS, EXITED(1), UNIT_WAITING },
		{ RESTART_ALWAYS, EXITED(125), UNIT_FAILED },
		{ RESTART_ALWAYS, KILLED, UNIT_WAITING },
		{ RESTART_ON_FAILURE, EXITED(0), UNIT_DONE },
		{ RESTART_ON_FAILURE, EXITED(1), UNIT_WAITING },
		{ RESTART_ON_FAILURE, EXITED(125), UNIT_FAILED },
		{ RESTART_ON_FAILURE, KILLED, UNIT_WAITING },
		{ RESTART_NEVER, EXITED(0), UNIT_DONE },
		{ RESTART_NEVER, EXITED(1), UNIT_DONE },
		{ RESTART_NEVER, EXITED(125), UNIT_FAILED },
		{ RESTART_NEVER, KILLED, UNIT_DONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_unit();
		worker.restart = cases[i].policy;
		enter(UNIT_READY);
		leave(cases[i].status);
		cr_expect_eq(unit->state, cases[i].then, "case %zu: %d", i, unit->state);
		close_unit();
	}
}

/* Lets its restart fall due now. */
static void due(void)
{
	unit->start_due = 0;
	unit_handle(unit, UNIT_EV_TIMER);
}

Test(unit, more_deaths_than_the_limit_are_failure)
{
	open_unit();
	worker.restart_delay = unit->delay = 0;
	unit_handle(unit, UNIT_EV_START);
	for (int i = 0; i < 5; i++) {
		unit_handle(unit, UNIT_EV_READY);
		leave(KILLED);
		cr_assert_eq(unit->state, UNIT_STARTING, "death %d", i);
	}
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_FAILED);
	cr_expect_eq(saw.said_failed, 1);
	/* By hand it begins anew, with all its chances. */
	unit_handle(unit, UNIT_EV_RESTART);
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_STARTING);
	close_unit();
}

Test(unit, another_limit_counts_deaths_anew)
{
	struct worker other;

	open_unit();
	worker.restart_delay = unit->delay = 0;
	worker.restart_limit = 2;
	other = worker;
	other.restart_limit = 1;
	unit_handle(unit, UNIT_EV_START);
	for (int i = 0; i < 2; i++) {
		leave(KILLED);
		cr_assert_eq(unit->state, UNIT_STARTING, "death %d", i);
	}
	unit_set_worker(unit, &other);
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_STARTING);
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_FAILED);
	close_unit();
}

Test(unit, the_delay_doubles_up_to_its_maximum)
{
	static const double delays[] = { 1, 2, 4, 5, 5 };

	open_unit();
	worker.restart_limit = 0;
	worker.restart_max_delay = 5;
	unit_handle(unit, UNIT_EV_START);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		double delay;

		leave(KILLED);
		delay = unit->start_due - now_monotonic();
		cr_expect(delay <= delays[i] && delay > delays[i] - 0.5, "restart %zu: %g", i,
			  delay);
		due();
		cr_assert_eq(unit->state, UNIT_STARTING);
	}
	close_unit();
}

/* What `status` has said of a worker whose supervisor has died. */
static void adopt(time_t ready_since)
{
	json_t *status = json_pack("{s:s, s:i, s:I}", "state", "ready", "pid", FAKE_PID,
				   "ready_since", (json_int_t)ready_since);

	unit->pid = FAKE_PID;
	unit_adopt(unit, status);
	json_decref(status);
	cr_assert_eq(unit->state, UNIT_READY);
}

Test(unit, one_that_has_served_for_long_is_restarted_at_once_also_when_it_was_taken_over)
{
	static const struct {
		time_t served;
		enum unit_state then;
	} cases[] = { { 1000, UNIT_STARTING }, { 0, UNIT_WAITING } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		open_unit();
		adopt(time(NULL) - cases[i].served);
		leave(KILLED);
		cr_expect_eq(unit->state, cases[i].then, "case %zu: %d", i, unit->state);
		close_unit();

		open_unit();
		enter(UNIT_READY);
		unit->ready_since -= (double)cases[i].served;
		leave(KILLED);
		cr_expect_eq(unit->state, cases[i].then, "case %zu: %d", i, unit->state);
		close_unit();
	}
}

/* The loop must turn between two starts, whatever the file says, or nothing else would be heard. */
Test(unit, what_cannot_be_started_is_not_tried_without_pause)
{
	open_unit();
	worker.restart_delay = worker.restart_limit = 0;
	unit->delay = 0;
	enter(UNIT_READY);
	saw.launch_error = ENOENT;
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_WAITING);
	cr_expect_eq(saw.launches, 2);
	cr_expect_gt(unit->start_due - now_monotonic(), 0.5);
	saw.launch_error = 0;
	sup.changed = false;
	due();
	cr_expect_eq(unit->state, UNIT_STARTING);
	cr_expect(sup.changed);
	close_unit();
}

Test(unit, a_busy_endpoint_is_halted_a_few_times_and_then_let_go)
{
	static const struct {
		int status;
		enum unit_state state;
	} ends[] = { { KILLED, UNIT_WAITING }, { EXITED(125), UNIT_FAILED } };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		open_unit();
		saw.halt_result = -EAGAIN;
		enter(UNIT_READY);
		leave(ends[i].status);
		cr_expect_eq(unit->n_halting, 1U);
		for (int n = 0; n < 10 && unit->n_halting > 0; n++)
			cr_assert_eq(loop_once(&sup.loop, 1000), 1, "nothing would halt it again");
		cr_expect_eq(unit->n_halting, 0U);
		cr_expect_eq(saw.halts, 5);
		cr_expect_eq(unit->state, ends[i].state);
		close_unit();
	}
}

Test(unit, a_halted_endpoint_is_not_halted_again)
{
	open_unit();
	enter(UNIT_READY);
	leave(KILLED);
	cr_expect_eq(saw.halts, 1);
	cr_expect_eq(unit->n_halting, 0U);
	close_unit();
}

Test(unit, on_crash_hold_halts_nothing)
{
	open_unit();
	worker.on_crash = CRASH_HOLD;
	enter(UNIT_READY);
	leave(KILLED);
	cr_expect_eq(saw.halts, 0);
	close_unit();
}

/* --- messages --- */

Test(unit, ready_by_a_message)
{
	open_unit();
	enter(UNIT_STARTING);
	unit_hear(unit, FFSCTL_MSG_PONG, "", 0);
	unit_hear(unit, 999, "", 0);
	cr_expect_eq(unit->state, UNIT_STARTING);
	unit_hear(unit, FFSCTL_MSG_READY, "mmap", 4);
	cr_expect_eq(unit->state, UNIT_READY);
	cr_expect_str_eq(unit->engine, "mmap");
	unit_hear(unit, FFSCTL_MSG_READY, "\x1b[2J", 4);
	cr_expect_str_eq(unit->engine, "", "what is no word is not shown");
	close_unit();
}

Test(unit, it_is_told_to_stop_and_heard_out_when_it_has_ended)
{
	open_unit();
	enter(UNIT_READY);
	unit_handle(unit, UNIT_EV_STOP);
	cr_expect_eq(saw.stops, 1);
	cr_expect_eq(saw.terms, 1);
	cr_expect_eq(saw.drops, 0);
	leave(EXITED(0));
	cr_expect_eq(saw.drops, 1);
	close_unit();
}

Test(unit, a_worker_that_is_not_heard_of_is_killed)
{
	open_unit();
	worker.watchdog = 100;
	enter(UNIT_READY);
	cr_expect_eq(saw.pings, 1);
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.pings, 2);
	cr_expect_eq(saw.interrupts, 0, "it has not been silent for long");
	unit->alive -= 60;
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.pings, 3);
	cr_expect_eq(saw.interrupts, 1);
	unit_hear(unit, FFSCTL_MSG_PONG, "", 0);
	unit->alive -= 99;
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.kills, 0);
	unit->alive -= 1;
	unit_handle(unit, UNIT_EV_TIMER);
	cr_expect_eq(saw.kills, 1);
	cr_expect_eq(unit->state, UNIT_READY, "until it has ended");
	leave(KILLED);
	cr_expect_eq(unit->state, UNIT_WAITING);
	close_unit();
}
