/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes over a worker whose supervisor has died. */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "base/proc.h"
#include "function/function.h"
#include "function/kill_processes.h"
#include "process/worker_processes.h"

static void on_process_end(void *data, uint32_t events _unused_)
{
	worker_handle_process_end(data, WORKER_STATUS_UNKNOWN);
}

int worker_take_over_process(struct live_worker *worker, pid_t pid, int *pidfd, int *output)
{
	struct loop *loop = worker->function->functions->loop;
	_cleanup_error_ struct error ignored = { 0 };
	int none = -1, r = 0;
	siginfo_t info;
	bool is_ours;

	if (pid <= 0)
		return 0;
	is_ours = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
	if (!is_ours && *pidfd < 0)
		return -ESRCH;
	worker->pid = worker->session_id = pid;
	worker->taken_over = !is_ours;
	process_start_time(pid, &worker->process_started_before_ticks);
	if (!is_ours)
		r = fd_watch_add(loop, &worker->end_watch, *pidfd, EPOLLIN, on_process_end, worker);
	if (worker->end_watch.fd >= 0)
		*pidfd = -1;
	return r < 0 ? r : worker_take_and_watch_fds(worker, output, &none, &ignored);
}

static void continue_ready_worker(struct live_worker *worker, time_t since)
{
	time_t now = time(NULL);

	worker->state = WORKER_READY;
	worker->was_ready = true;
	if (worker_holds_ep0(worker->model))
		function_watch_descriptors(worker->function);
	worker->ready_since = now_monotonic() - (since < now ? (double)(now - since) : 0);
	worker_start_watchdog(worker);
	if (!worker_holds_ep0(worker->model) || !function_descriptors_are_unknown(worker->function))
		return;
	functions_log_about(worker->function->functions, worker->function->model->label, LOG_INFO,
			    "this kernel does not show whether the daemon has written its "
			    "descriptors again: the daemon is restarted");
	worker_handle_event(worker, WORKER_EV_RESTART);
}

/* Kills the remaining processes of a worker that ended with its supervisor or shortly before, and
   restarts the worker. */
static void end_remaining_processes(struct live_worker *worker)
{
	const struct live_function *function = worker->function;
	struct worker_processes processes = { 0 };

	rundir_read_worker_processes(function->functions->rundir, function->model->label,
				     &processes);
	worker->session_id = processes.session_id;
	worker->process_started_before_ticks = processes.worker_started_before_ticks;
	worker->taken_over = true;
	if (kill_remaining_processes(worker, true) == 0) {
		worker_handle_event(worker, WORKER_EV_RESTART);
		return;
	}
	worker->state = WORKER_STOPPING;
	worker->restart_wanted = true;
	worker_begin_cleanup(worker);
}

/*
 * If the worker's process still runs, and the status says that this process is ready, keeps the
 * process. If the worker has no process, and the status says that the worker is done or has failed,
 * the worker stays in this state. If the worker waited for a restart, it waits until the same time.
 * In all other cases kills the processes of the worker and restarts the worker.
 */
void worker_take_over(struct live_worker *worker, const struct worker_status *status,
		      const json_t *restart_history)
{
	double due;

	worker_status_copy(&worker->status, status);
	worker_restore_restart_history(worker, restart_history);
	if (worker->pid > 0 && status->state == STATUS_WORKER_READY && status->pid == worker->pid) {
		continue_ready_worker(worker, status->ready_since);
	} else if (worker->pid > 0) {
		worker->state = WORKER_STOPPING;
		worker->restart_wanted = true;
		worker_send_signal(worker, SIGKILL, true);
	} else if (status->state == STATUS_WORKER_DONE) {
		worker->state = WORKER_DONE;
	} else if (status->state == STATUS_WORKER_FAILED) {
		worker->state = WORKER_FAILED;
	} else if (status->state == STATUS_WORKER_WAITING &&
		   worker_restart_was_pending(restart_history, &due)) {
		worker_await_restart_at(worker, due);
	} else {
		end_remaining_processes(worker);
		/* A restart by command begins a new history. */
		worker_restore_restart_history(worker, restart_history);
	}
}
