/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends signals to a worker, reports its failure, handles the end of its last process, and decides
 * whether that end is final.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "function/function.h"

#define EXIT_DO_NOT_RESTART 125

void worker_send_signal(const struct live_worker *worker, int sig, bool group)
{
	int fd = worker->end_watch.fd;
	bool sent;

	/* The process has ended already; worker_cleanup.c kills the remaining processes
	   (worker.h). */
	if (worker->pid <= 0)
		return;
	/* A process that is not a child may have been reaped, and its pid reused. */
	sent = fd >= 0 && syscall(SYS_pidfd_send_signal, fd, group ? 0 : sig, NULL, 0) == 0;
	if (fd >= 0 && !sent && errno == ESRCH)
		return;
	/* valgrind does not implement pidfd_send_signal(2). */
	if (!sent || group)
		kill(group ? -worker->pid : worker->pid, sig);
}

int worker_failure_error(const struct live_worker *worker, struct error *err)
{
	return error_set(err, EX_PROTOCOL, ECHILD, NULL, "the worker of '%s' has failed: %s",
			 worker->function->model->label, worker_exit_reason(worker));
}

/* Adds the user of a program that has failed: a missing permission is a common reason. */
static int add_user_hint(const struct live_worker *worker, struct error *err)
{
	const char *user = worker->model->user.value;

	if (worker->model->kind != WORKER_EXEC || worker->spawn.uid == 0)
		return -err->errno_value;
	if (user)
		return error_add_hint(err, "it ran as the user '%s' ('user' in its group 'worker')",
				      user);
	return error_add_hint(err,
			      "it ran as the user id %u, which ffsctl reserves for it: if it needs "
			      "the permissions of another user or group, set 'user' or 'groups'",
			      (unsigned int)worker->spawn.uid);
}

/* Adds why a program that exits with 0 does not work as a worker. */
static int add_exit_0_hint(const struct live_worker *worker, struct error *err)
{
	if (worker->process_left_running) {
		error_add_detail(err, "%s, which it had started, still ran and was ended",
				 worker->process_left_running);
		return error_add_hint(err, "a worker must not go into the background: use the "
					   "program's option to stay in the foreground");
	}
	if (worker->model->ready_when == READY_STARTED)
		return error_add_hint(err, "a worker must keep running, unless it has restart = "
					   "\"on-failure\" and its work is done");
	return -err->errno_value;
}

int worker_early_end_error(const struct live_worker *worker, struct error *err)
{
	const char *label = worker->function->model->label, *path = worker->spawn.program_path;
	const char *reason = worker_exit_reason(worker);
	const struct worker_exit *exit = &worker->last_exit;

	if (worker->was_ready)
		error_set(err, EX_PROTOCOL, ECHILD, path,
			  "the worker of '%s' was ready, but ended before the gadget was up: %s",
			  label, reason);
	else if (worker->model->ready_when == READY_STARTED)
		error_set(err, EX_PROTOCOL, ECHILD, path,
			  "the worker of '%s' (%s) ended within %g s of its start: %s", label, path,
			  WORKER_STARTED_SECONDS, reason);
	else
		error_set(err, EX_PROTOCOL, ECHILD, path,
			  "the worker of '%s' (%s) ended before it was ready: %s", label, path,
			  reason);
	if (exit->exit_cause == ENDED_BY_EXIT && exit->status_or_signal == 0)
		return add_exit_0_hint(worker, err);
	if (exit->exit_cause == ENDED_BY_EXIT && exit->status_or_signal != EXIT_DO_NOT_RESTART)
		return add_user_hint(worker, err);
	return -err->errno_value;
}

static enum worker_end last_end_of(const struct live_worker *worker)
{
	switch (worker->last_exit.exit_cause) {
	case NEVER_ENDED:
		return END_FAILED_START;
	case ENDED_BY_EXIT:
		return worker->last_exit.status_or_signal == 0 ? END_EXIT_0 : END_EXIT_OTHER;
	case ENDED_BY_SIGNAL:
		return END_SIGNAL;
	case ENDED_UNKNOWN:
		break;
	}
	return END_UNKNOWN;
}

bool worker_end_forbids_restart(const struct live_worker *worker)
{
	return worker->last_exit.exit_cause == ENDED_BY_EXIT &&
	       worker->last_exit.status_or_signal == EXIT_DO_NOT_RESTART;
}

#define FINAL_ENDS(NAME, word, final_ends, description) [RESTART_##NAME] = (final_ends),

bool worker_end_is_final(const struct live_worker *worker)
{
	static const unsigned int final_ends[] = { WORKER_RESTARTS(FINAL_ENDS) };

	return final_ends[worker->model->restart_when] & last_end_of(worker);
}

bool worker_has_done_its_work(const struct live_worker *worker)
{
	return last_end_of(worker) == END_EXIT_0 && worker_end_is_final(worker);
}

bool worker_end_fails_up_or_reload(const struct live_worker *worker)
{
	const struct functions *all = worker->function->functions;

	if (worker->model->ready_when == READY_STARTED && worker_has_done_its_work(worker))
		return false;
	if (function_is_not_awaited_by_steps(worker->function))
		return false;
	if (function_blocks_bind(worker->function))
		return all->up_down_phase != PHASE_UP || worker->awaited_by_reload;
	return all->up_awaits_first_starts && !worker->was_ready &&
	       worker->model->ready_when == READY_STARTED &&
	       worker->model->on_failed == FAILED_UNBIND &&
	       function_can_start_worker(worker->function);
}

void worker_log_process_in_background(const struct live_worker *worker)
{
	if (worker->process_left_running && worker->last_exit.exit_cause == ENDED_BY_EXIT &&
	    worker->last_exit.status_or_signal == 0)
		functions_log_about(gadget_functions_of(worker), worker->function->model->label,
				    LOG_WARNING,
				    "%s, which the worker had started, still ran and was ended: a "
				    "worker must not go into the background",
				    worker->process_left_running);
}

bool worker_ended_too_often(struct live_worker *worker)
{
	unsigned int limit = worker->model->restart_limit, recent = 0;
	double now = now_monotonic();

	if (limit == 0)
		return false;
	worker_note_end(worker, now);
	for (size_t i = 0; i < worker->n_process_end_times; i++)
		recent += now - worker->process_end_times[i] <= worker->model->restart_window;
	return recent > limit;
}

void worker_finish_cleanup(struct live_worker *worker)
{
	worker_drain_fds(worker);
	function_take_device_from_worker(worker->function);
	if (worker_holds_ep0(worker->model))
		worker->function->functions->callbacks->descriptors_may_have_changed(
			worker->function->functions->callback_data);
	worker->handle_event(worker, WORKER_EV_EXIT);
}
