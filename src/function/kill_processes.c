/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/kill_processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "function/function.h"
#include "process/worker_processes.h"

#define CHILDREN_MAX (1024 * 1024)

static bool is_known_child(const struct functions *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i]->keeper.pid == pid ||
		    (all->list[i]->worker && all->list[i]->worker->pid == pid))
			return true;
	for (size_t i = 0; i < all->n_foreign_child_pids; i++)
		if (all->foreign_child_pids[i] == pid)
			return true;
	return false;
}

static bool any_other_worker_runs(const struct live_worker *worker)
{
	const struct functions *all = worker->function->functions;

	for (size_t i = 0; i < all->n; i++) {
		const struct live_worker *other = all->list[i]->worker;

		if (other && other != worker && (other->pid > 0 || other->cleanup_stage))
			return true;
	}
	return false;
}

static bool process_has_reserved_id_of(const struct live_worker *worker, pid_t pid)
{
	return worker->reserved_uid && process_has_uid_or_gid(pid, worker->reserved_uid);
}

static bool process_has_reserved_id_of_another_worker(const struct live_worker *worker, pid_t pid)
{
	const struct functions *all = worker->function->functions;

	for (size_t i = 0; i < all->n; i++)
		if (all->list[i]->worker && all->list[i]->worker != worker &&
		    process_has_reserved_id_of(all->list[i]->worker, pid))
			return true;
	return false;
}

/*
 * Returns whether `worker` has probably started the orphan `pid`: this process is in the process
 * session of the worker, or has the user id that is reserved for the worker. A process with
 * privileges can change both. Such a process still counts as an orphan of `worker` if it has a file
 * of the function's mount open, or if no other worker of this supervisor runs. The latter does not
 * count if the supervisor has inherited child processes from a script (kill_processes.h), because
 * processes that these have started can be orphans, too.
 */
static bool is_orphan_of(const struct live_worker *worker, pid_t pid)
{
	const struct function *f = worker->function->model;

	if (getsid(pid) == worker->session_id || process_has_reserved_id_of(worker, pid))
		return true;
	if (process_has_reserved_id_of_another_worker(worker, pid))
		return false;
	return (worker->function->functions->n_foreign_child_pids == 0 &&
		!any_other_worker_runs(worker)) ||
	       (f->ffs && process_uses_mount(pid, f->ffs->mount.path));
}

/* Returns the next pid of *list; 0 at the end. */
static pid_t next_pid(const char **list)
{
	char *end;
	pid_t pid = (pid_t)strtol(*list, &end, 10);

	*list = end;
	return pid;
}

/*
 * Returns the pids of the children of this process; NULL if the kernel does not list them
 * (CONFIG_PROC_CHILDREN): then only the processes of known sessions are found. The caller frees the
 * text.
 */
static char *own_child_pids(void)
{
	char *list;

	return file_read(AT_FDCWD, "/proc/thread-self/children", CHILDREN_MAX, &list, NULL) < 0
		       ? NULL
		       : list;
}

void functions_list_foreign_children(struct functions *all)
{
	_cleanup_free_ char *list = own_child_pids();
	const char *p = list;
	pid_t pid;

	while (p && (pid = next_pid(&p)) > 0)
		if (!is_known_child(all, pid))
			*array_add(all->foreign_child_pids, all->n_foreign_child_pids) = pid;
}

void functions_forget_foreign_child(struct functions *all, pid_t pid)
{
	/*
	 * n_foreign_child_pids is not decreased: processes that this child has started may still
	 * become children of the supervisor. Therefore is_orphan_of() must still know that there
	 * were inherited children.
	 */
	for (size_t i = 0; i < all->n_foreign_child_pids; i++)
		if (all->foreign_child_pids[i] == pid)
			all->foreign_child_pids[i] = 0;
}

/*
 * Kills the orphans of a worker. Returns the pid of an orphan that was not reaped yet; 0: there is
 * none.
 */
static pid_t kill_orphans(const struct live_worker *worker)
{
	_cleanup_free_ char *list = own_child_pids();
	const char *p = list;
	pid_t pid, left = 0;

	while (p && (pid = next_pid(&p)) > 0) {
		if (!is_known_child(worker->function->functions, pid) &&
		    is_orphan_of(worker, pid)) {
			kill(pid, SIGKILL);
			left = pid;
		}
	}
	return left;
}

static struct worker_processes processes_of(const struct live_worker *worker)
{
	return (struct worker_processes){ .reserved_uid = worker->reserved_uid,
					  .session_id = worker->session_id,
					  .worker_started_before_ticks =
						  worker->process_started_before_ticks };
}

pid_t kill_remaining_processes(const struct live_worker *worker, bool first)
{
	const struct worker_processes processes = processes_of(worker);
	pid_t left = 0, orphan;

	/*
	 * The processes of a worker that was taken over never become children of this supervisor.
	 */
	if (worker->taken_over || !first)
		left = worker_processes_kill_and_find_remaining(&processes, NULL);
	if (worker->taken_over)
		return left;
	/*
	 * Only the first call sends a signal to the process group by its id, which is the worker's
	 * pid. The worker's process has just been reaped, and the kernel assigns pids in ascending
	 * order. So no other process has got this pid yet.
	 */
	if (first && kill(-worker->session_id, SIGKILL) == 0)
		left = worker->session_id;
	orphan = kill_orphans(worker);
	return orphan ? orphan : left;
}

/* --- without a supervisor --- */

int kill_worker_processes_and_wait(const struct worker_processes *processes, const char *label,
				   struct error *err)
{
	double deadline = now_monotonic() + KILL_TIMEOUT_SECONDS, left = KILL_TIMEOUT_SECONDS;
	_cleanup_free_ char *name = NULL;
	pid_t pid = 0;

	while (left > 0) {
		_cleanup_close_ int fd = -1;

		pid = worker_processes_kill_and_find_remaining(processes, &fd);
		if (pid == 0)
			return 0;
		process_await_end(fd, fd < 0 ? PLAN_SOON_MS : (int)(left * 1e3) + 1);
		left = deadline - now_monotonic();
	}
	name = process_name(pid);
	return error_set(err, EX_OSERR, EBUSY, NULL,
			 "a process that the worker of '%s' has started does not end: %s (pid %d)",
			 label, name, (int)pid);
}

static void kill_rundir_worker(void *data, const char *label,
			       const struct worker_processes *processes)
{
	struct error *first = data;
	_cleanup_error_ struct error err = { 0 };

	if (kill_worker_processes_and_wait(processes, label, &err) < 0 && !first->exit)
		error_move(first, &err);
}

int kill_rundir_workers_and_wait(const struct rundir *rundir, struct error *err)
{
	rundir_each_worker(rundir, kill_rundir_worker, err);
	return err->exit ? -err->errno_value : 0;
}
