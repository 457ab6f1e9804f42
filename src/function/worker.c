/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

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
#include "base/trace.h"
#include "function/launch.h"
#include "supervisor/bus.h"
#include "supervisor/supervisor.h"

/* worker.md: a worker that served this long is taken for healthy, its next restart is immediate. */
#define HEALTHY_SECONDS 10
/* An IN endpoint whose data the host is just taking can be halted a moment later. */
#define HALT_RETRY_SECONDS 0.005
/*
 * What could not even be started is not tried again sooner, whatever the file says: a start that
 * fails at once would leave no time for anything else.
 */
#define START_RETRY_SECONDS 1
#define EXIT_DO_NOT_RESTART 125

const char *const unit_state_words[UNIT_STATE_COUNT] = {
	[UNIT_STOPPED] = "stopped", [UNIT_PENDING] = "pending", [UNIT_STARTING] = "starting",
	[UNIT_READY] = "ready",	    [UNIT_ENDING] = "stopped",	[UNIT_STOPPING] = "stopped",
	[UNIT_WAITING] = "waiting", [UNIT_FAILED] = "failed",	[UNIT_DONE] = "done",
};

static struct supervisor *supervisor_of(const struct unit *unit)
{
	return unit->instance->supervisor;
}

static const char *label_of(const struct unit *unit)
{
	return unit->instance->function->label;
}

static void halt_later(struct unit *unit)
{
	if (unit->n_halting > 0)
		timer_start(&unit->timer, HALT_RETRY_SECONDS);
}

/* --- what happens ------------------------------------------------------------------------------
 */

static void ended(struct unit *unit, double least_delay);

static void do_start(struct unit *unit)
{
	unit_halt_end(unit);
	unit_stats_forget(unit);
	error_clear(&unit->error);
	unit->served = unit->start_timed_out = unit->restart_wanted = false;
	if (launch_start(unit, &unit->error) < 0) {
		supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_ERR, "%s",
				  unit->error.text);
		free(steal_ptr(unit->last_exit)); /* that was another one's */
		ended(unit, START_RETRY_SECONDS);
		return;
	}
	unit->state = UNIT_STARTING;
	supervisor_changed(supervisor_of(unit));
	unit->started = now_monotonic();
	timer_start(&unit->timer, unit->worker->start_timeout);
	if (unit->worker->ready == READY_STARTED)
		unit_handle(unit, UNIT_EV_READY);
}

static void do_pend(struct unit *unit)
{
	timer_stop(&unit->timer);
	unit->state = UNIT_PENDING;
	unit->restart_wanted = false;
	supervisor_changed(supervisor_of(unit));
}

static void do_start_if_there(struct unit *unit)
{
	if (instance_is_there(unit->instance))
		do_start(unit);
	else
		do_pend(unit);
}

/* Two questions in the time in which it must answer one. */
static void ask_again(struct unit *unit)
{
	if (unit->worker->watchdog <= 0)
		return;
	instance_send(unit->instance, FFSCTL_MSG_PING, 0);
	timer_start(&unit->timer, unit->worker->watchdog / 2);
}

void unit_begin_to_watch(struct unit *unit)
{
	timer_stop(&unit->timer);
	unit_is_alive(unit);
	ask_again(unit);
}

void unit_is_alive(struct unit *unit)
{
	unit->alive = now_monotonic();
}

static void do_watchdog(struct unit *unit)
{
	double silent = now_monotonic() - unit->alive, limit = unit->worker->watchdog;

	if (limit <= 0)
		return;
	if (silent < limit) {
		/* Perhaps it is its keeper that a host lets wait. */
		if (silent >= limit / 2)
			keeper_interrupt(&unit->instance->keeper);
		ask_again(unit);
		return;
	}
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_WARNING,
			  "the worker was not heard of for %g s: killed", limit);
	unit_kill(unit, SIGKILL, true);
}

static void note_ready(struct unit *unit)
{
	unit->served = true;
	unit->ready_since = now_monotonic();
	unit->ready_at = time(NULL);
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_INFO, "worker ready (pid %d)",
			  (int)unit->pid);
	supervisor_changed(supervisor_of(unit));
}

static void do_ready(struct unit *unit)
{
	unit_begin_to_watch(unit);
	unit->state = UNIT_READY;
	note_ready(unit);
}

static void do_die(struct unit *unit)
{
	timer_stop(&unit->timer);
	unit->state = UNIT_ENDING;
	supervisor_changed(supervisor_of(unit));
}

static void do_wait_no_longer(struct unit *unit)
{
	timer_stop(&unit->timer);
}

/* It has ended: only what it has left is waited for. */
static void do_let_end(struct unit *unit)
{
	unit->state = UNIT_STOPPING;
	supervisor_changed(supervisor_of(unit));
}

static void do_let_end_for_restart(struct unit *unit)
{
	unit->restart_wanted = true;
	do_let_end(unit);
}

static void do_stop(struct unit *unit)
{
	unit->state = UNIT_STOPPING;
	supervisor_changed(supervisor_of(unit));
	instance_send(unit->instance, FFSCTL_MSG_STOP, 0);
	unit_kill(unit, SIGTERM, false);
	timer_start(&unit->timer, unit->worker->stop_timeout);
}

static void do_stop_for_restart(struct unit *unit)
{
	unit->restart_wanted = true;
	do_stop(unit);
}

static void do_kill(struct unit *unit)
{
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_WARNING,
			  "the worker did not stop within %g s: killed",
			  unit->worker->stop_timeout);
	unit_kill(unit, SIGKILL, true);
}

static void do_start_timed_out(struct unit *unit)
{
	unit->start_timed_out = true;
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_WARNING,
			  "the worker was not ready within %g s: killed",
			  unit->worker->start_timeout);
	unit_kill(unit, SIGKILL, true);
}

static void go_waiting(struct unit *unit, double delay)
{
	unit->state = UNIT_WAITING;
	unit->start_due = now_monotonic() + delay;
	/* Not a moment later than needed: with no delay and nothing to halt it starts right here.
	 */
	unit_handle(unit, UNIT_EV_TIMER);
}

/* It has stopped for good, and what it served is halted. */
static void give_way(struct unit *unit)
{
	struct unit *successor = steal_ptr(unit->successor);

	timer_stop(&unit->timer);
	unit->state = UNIT_STOPPED;
	instance_succeed(unit->instance);
	unit_handle(successor, UNIT_EV_START);
	supervisor_changed(supervisor_of(unit));
}

static void do_waiting_timer(struct unit *unit)
{
	double left;

	if (unit->n_halting > 0)
		unit_halt_go_on(unit);
	left = unit->start_due - now_monotonic();
	if (unit->n_halting > 0) {
		halt_later(unit);
	} else if (left > 0) {
		timer_start(&unit->timer, left);
	} else if (unit->successor) {
		give_way(unit);
	} else if (!instance_is_there(unit->instance)) {
		do_pend(unit);
	} else {
		unit->restarts++;
		do_start(unit);
	}
}

/* How many of the remembered deaths, this one included, lie in the window. */
static bool died_too_often(struct unit *unit)
{
	unsigned int limit = unit->worker->restart_limit, recent = 0;
	double now = now_monotonic();

	if (limit == 0)
		return false;
	unit->deaths[unit->next_death] = now;
	unit->next_death = (unit->next_death + 1) % (limit + 1);
	if (unit->n_deaths < limit + 1)
		unit->n_deaths++;
	for (size_t i = 0; i < unit->n_deaths; i++)
		recent += now - unit->deaths[i] <= unit->worker->restart_window;
	return recent > limit;
}

static double next_delay(struct unit *unit)
{
	const struct worker *w = unit->worker;
	double delay = unit->delay;

	if (unit->served && now_monotonic() - unit->ready_since >= HEALTHY_SECONDS) {
		unit->delay = w->restart_delay;
		return 0;
	}
	unit->delay = delay > 0 ? delay * 2 : w->restart_delay;
	if (unit->delay > w->restart_max_delay)
		unit->delay = w->restart_max_delay;
	return delay;
}

static void fail(struct unit *unit, const char *why)
{
	unit->state = UNIT_FAILED;
	halt_later(unit);
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_ERR, "worker failed: %s", why);
	supervisor_worker_failed(supervisor_of(unit), unit);
}

static bool exited_with(const struct unit *unit, int code)
{
	_cleanup_free_ char *words = strf("exit %d", code);

	return unit->last_exit && streq(unit->last_exit, words);
}

/* A worker that was wanted is no more: halt, then what the policy says. */
static void ended(struct unit *unit, double least_delay)
{
	struct supervisor *s = supervisor_of(unit);
	const struct worker *w = unit->worker;
	double delay;

	timer_stop(&unit->timer);
	unit_halt_begin(unit);
	if (s->phase == PHASE_GOING_DOWN) { /* a service manager's TERM came to it first */
		unit->state = UNIT_STOPPED;
		supervisor_changed(s);
		return;
	}
	if (instance_gates(unit->instance) && (s->phase != PHASE_UP || unit->awaited)) {
		fail(unit, "it ended while the gadget was coming up");
		return;
	}
	if (exited_with(unit, EXIT_DO_NOT_RESTART)) {
		fail(unit, "it asked not to be restarted (exit 125)");
		return;
	}
	if (w->restart == RESTART_NEVER ||
	    (w->restart == RESTART_ON_FAILURE && exited_with(unit, 0))) {
		unit->state = UNIT_DONE;
		halt_later(unit);
		supervisor_say_of(s, label_of(unit), LOG_INFO, "worker done");
		supervisor_changed(s);
		return;
	}
	/* It was in the middle of it: no fault of its own. */
	if (least_delay == 0 && !instance_is_there(unit->instance)) {
		do_pend(unit);
		return;
	}
	if (died_too_often(unit)) {
		fail(unit, "it ended too often (restart_limit, restart_window)");
		return;
	}
	delay = next_delay(unit);
	if (delay < least_delay)
		delay = least_delay;
	if (delay > 0)
		supervisor_say_of(s, label_of(unit), LOG_INFO, "worker restarts in %g s", delay);
	go_waiting(unit, delay);
	supervisor_changed(s);
}

static void do_ended(struct unit *unit)
{
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_WARNING, "worker ended: %s%s",
			  unit->last_exit, unit->start_timed_out ? " (never ready)" : "");
	ended(unit, 0);
}

static void do_stopped(struct unit *unit)
{
	timer_stop(&unit->timer);
	unit->state = UNIT_STOPPED;
	if (unit->restart_wanted && supervisor_of(unit)->phase == PHASE_UP) {
		unit_halt_begin(unit);
		go_waiting(unit, 0);
	}
	supervisor_changed(supervisor_of(unit));
}

static void do_halting_timer(struct unit *unit)
{
	unit_halt_go_on(unit);
	halt_later(unit);
}

static void do_cancel_restart(struct unit *unit)
{
	unit->restart_wanted = false;
	unit->successor = NULL;
}

static void do_leave(struct unit *unit)
{
	supervisor_say_of(supervisor_of(unit), label_of(unit), LOG_WARNING,
			  "what the worker serves is not there any more");
	do_stop_for_restart(unit);
}

static void do_restart_after_stop(struct unit *unit)
{
	unit->restart_wanted = true;
}

static void do_rest(struct unit *unit)
{
	timer_stop(&unit->timer);
	unit_halt_end(unit);
	unit->state = UNIT_STOPPED;
	unit->successor = NULL;
	supervisor_changed(supervisor_of(unit));
}

/* By hand: what happened before does not count any more. */
static void do_start_anew(struct unit *unit)
{
	unit->n_deaths = unit->next_death = 0;
	unit->delay = unit->worker->restart_delay;
	go_waiting(unit, 0);
	supervisor_changed(supervisor_of(unit));
}

typedef void (*action)(struct unit *unit);

/* What is not in the table is nothing to do: a late READY, a timer that lost its race. */
static const action actions[UNIT_STATE_COUNT][UNIT_EVENT_COUNT] = {
	[UNIT_STOPPED] = {
		[UNIT_EV_START] = do_start_if_there,
		[UNIT_EV_RESTART] = do_start_anew,
	},
	[UNIT_PENDING] = {
		[UNIT_EV_THERE] = do_start,
		[UNIT_EV_STOP] = do_rest,
		[UNIT_EV_RESTART] = do_start_anew,
	},
	[UNIT_STARTING] = {
		[UNIT_EV_READY] = do_ready,
		[UNIT_EV_DIED] = do_die,
		[UNIT_EV_TIMER] = do_start_timed_out,
		[UNIT_EV_STOP] = do_stop,
		[UNIT_EV_RESTART] = do_stop_for_restart,
		[UNIT_EV_GONE] = do_leave,
	},
	[UNIT_READY] = {
		[UNIT_EV_DIED] = do_die,
		[UNIT_EV_TIMER] = do_watchdog,
		[UNIT_EV_STOP] = do_stop,
		[UNIT_EV_RESTART] = do_stop_for_restart,
		[UNIT_EV_GONE] = do_leave,
	},
	[UNIT_ENDING] = {
		[UNIT_EV_READY] = note_ready, /* it was, before it ended */
		[UNIT_EV_EXIT] = do_ended,
		[UNIT_EV_STOP] = do_let_end,
		[UNIT_EV_RESTART] = do_let_end_for_restart,
		[UNIT_EV_GONE] = do_let_end_for_restart,
	},
	[UNIT_STOPPING] = {
		[UNIT_EV_DIED] = do_wait_no_longer,
		[UNIT_EV_EXIT] = do_stopped,
		[UNIT_EV_TIMER] = do_kill,
		[UNIT_EV_STOP] = do_cancel_restart,
		[UNIT_EV_RESTART] = do_restart_after_stop,
	},
	[UNIT_WAITING] = {
		[UNIT_EV_TIMER] = do_waiting_timer,
		[UNIT_EV_STOP] = do_rest,
		[UNIT_EV_RESTART] = do_start_anew,
	},
	[UNIT_FAILED] = {
		[UNIT_EV_TIMER] = do_halting_timer,
		[UNIT_EV_STOP] = do_rest,
		[UNIT_EV_RESTART] = do_start_anew,
	},
	[UNIT_DONE] = {
		[UNIT_EV_TIMER] = do_halting_timer,
		[UNIT_EV_STOP] = do_rest,
		[UNIT_EV_RESTART] = do_start_anew,
		[UNIT_EV_GONE] = do_pend,
	},
};

void unit_handle(struct unit *unit, enum unit_event event)
{
	static const char *const states[UNIT_STATE_COUNT] = {
		[UNIT_STOPPED] = "STOPPED",   [UNIT_PENDING] = "PENDING",
		[UNIT_STARTING] = "STARTING", [UNIT_READY] = "READY",
		[UNIT_ENDING] = "ENDING",     [UNIT_STOPPING] = "STOPPING",
		[UNIT_WAITING] = "WAITING",   [UNIT_FAILED] = "FAILED",
		[UNIT_DONE] = "DONE",
	};
	static const char *const events[UNIT_EVENT_COUNT] = {
		[UNIT_EV_START] = "START",     [UNIT_EV_READY] = "READY", [UNIT_EV_DIED] = "DIED",
		[UNIT_EV_EXIT] = "EXIT",       [UNIT_EV_TIMER] = "TIMER", [UNIT_EV_STOP] = "STOP",
		[UNIT_EV_RESTART] = "RESTART", [UNIT_EV_THERE] = "THERE", [UNIT_EV_GONE] = "GONE",
	};
	action act = actions[unit->state][event];

	trace("worker", states[unit->state], events[event]);

	if (act)
		act(unit);
}

void unit_replace(struct unit *unit, struct unit *by)
{
	unit->successor = by;
	unit_handle(unit, UNIT_EV_RESTART);
}

void unit_set_worker(struct unit *unit, const struct worker *worker)
{
	if (worker->restart_limit != unit->worker->restart_limit) {
		free(unit->deaths);
		unit->deaths = xcalloc(worker->restart_limit + 1, sizeof(*unit->deaths));
		unit->n_deaths = unit->next_death = 0;
	}
	unit_halt_end(unit); /* its endpoints are the old gadget file's */
	unit->delay = worker->restart_delay;
	unit->worker = worker;
	if (unit->state == UNIT_READY)
		unit_begin_to_watch(unit);
}

static void on_timer(void *data, uint32_t events _unused_)
{
	struct unit *unit = data;

	timer_stop(&unit->timer);
	unit_handle(unit, UNIT_EV_TIMER);
}

void unit_kill(const struct unit *unit, int sig, bool group)
{
	int fd = unit->end.fd;
	bool sent;

	/* It has ended, and what it has left is being ended. */
	if (unit->pid <= 0)
		return;
	/* A child of somebody else's may have been reaped, and its number be another's. */
	sent = fd >= 0 && syscall(SYS_pidfd_send_signal, fd, group ? 0 : sig, NULL, 0) == 0;
	if (fd >= 0 && !sent && errno == ESRCH)
		return;
	/* valgrind does not know the call. */
	if (!sent || group)
		kill(group ? -unit->pid : unit->pid, sig);
}

static char *exit_words(int status)
{
	if (status == UNIT_STATUS_UNKNOWN)
		return xstrdup(UNIT_END_UNKNOWN);
	if (WIFEXITED(status))
		return strf("exit %d", WEXITSTATUS(status));
	return strf("signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

void unit_exited(struct unit *unit, int status)
{
	free(unit->last_exit);
	unit->last_exit = exit_words(status);
	unit->pid = 0;
	unit_handle(unit, UNIT_EV_DIED);
	unit_rest_begin(unit);
}

void unit_gone(struct unit *unit)
{
	unit_drain(unit);
	if (unit->worker->opens_ep0)
		bus_ep0_closed(supervisor_of(unit));
	unit_handle(unit, UNIT_EV_EXIT);
}

int unit_failure(const struct unit *unit, struct error *err)
{
	return error_set(err, EX_PROTOCOL, ECHILD, NULL, "the worker of '%s' has failed: %s",
			 unit->instance->function->label,
			 unit->last_exit ? unit->last_exit : "it could not be started");
}

int unit_init(struct unit *unit, struct instance *instance, const struct worker *worker,
	      struct error *err)
{
	int r;

	*unit = (struct unit){ .instance = instance,
			       .worker = worker,
			       .config_fd = -1,
			       .end = SOURCE_NONE,
			       .output = SOURCE_NONE,
			       .notify = SOURCE_NONE,
			       .timer = SOURCE_NONE,
			       .delay = worker->restart_delay };
	unit->deaths = xcalloc(worker->restart_limit + 1, sizeof(*unit->deaths));
	r = timer_open(&instance->supervisor->loop, &unit->timer, on_timer, unit);
	if (r < 0)
		return error_errno(err, EX_OSERR, -r, NULL, "cannot make a timer");
	return launch_prepare(unit, err);
}

void unit_free(struct unit *unit)
{
	/*
	 * It could not be stopped in its turn: its keeper, who would do this, may be gone. One that
	 * we have only tried to take over waits for somebody else.
	 */
	if (unit->pid > 0 && unit->state != UNIT_STOPPED)
		unit_kill(unit, SIGKILL, true);
	unit_halt_end(unit);
	unit_stats_free(unit);
	unit_close(unit, &unit->end);
	unit_close(unit, &unit->output);
	unit_close(unit, &unit->notify);
	source_close(&supervisor_of(unit)->loop, &unit->timer);
	cleanup_close(&unit->config_fd);
	spawn_free(&unit->spawn);
	error_clear(&unit->error);
	free(unit->deaths);
	free(unit->identity);
	free(unit->last_exit);
}
