/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "function/reap.h"

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
	for (size_t i = 0; i < all->n_inherited; i++)
		if (all->inherited[i] == pid)
			return true;
	return false;
}

static bool other_workers_run(const struct live_worker *worker)
{
	const struct functions *all = worker->function->functions;

	for (size_t i = 0; i < all->n; i++) {
		const struct live_worker *other = all->list[i]->worker;

		if (other && other != worker && (other->pid > 0 || other->leftovers))
			return true;
	}
	return false;
}

static bool has_id_of_worker(const struct live_worker *worker, pid_t pid)
{
	return worker->worker_uid && process_has_id(pid, worker->worker_uid);
}

static bool has_id_of_another_worker(const struct live_worker *worker, pid_t pid)
{
	const struct functions *all = worker->function->functions;

	for (size_t i = 0; i < all->n; i++)
		if (all->list[i]->worker && all->list[i]->worker != worker &&
		    has_id_of_worker(all->list[i]->worker, pid))
			return true;
	return false;
}

/*
 * Returns whether a worker has started an orphan. Every orphan was started by some worker, unless a
 * script has started it and then executed ffsctl. A worker with privileges can change everything
 * that identifies its processes. Then an open endpoint file shows which worker has started an
 * orphan. An orphan without such a file may belong to any worker, and is killed after the end of
 * the last worker.
 */
static bool is_orphan_of(const struct live_worker *worker, pid_t pid)
{
	const struct function *f = worker->function->model;

	if (getsid(pid) == worker->session || has_id_of_worker(worker, pid))
		return true;
	if (has_id_of_another_worker(worker, pid))
		return false;
	return (worker->function->functions->n_inherited == 0 && !other_workers_run(worker)) ||
	       (f->ffs && process_uses_mount(pid, f->ffs->mount.path));
}

/* Returns the next pid of *list; 0 at the end. */
static pid_t next_child(const char **list)
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
static char *our_children(void)
{
	char *list;

	return file_read(AT_FDCWD, "/proc/thread-self/children", CHILDREN_MAX, &list, NULL) < 0
		       ? NULL
		       : list;
}

void reap_note_inherited(struct functions *all)
{
	_cleanup_free_ char *list = our_children();
	const char *p = list;
	pid_t pid;

	while (p && (pid = next_child(&p)) > 0)
		if (!is_known_child(all, pid))
			*array_add(all->inherited, all->n_inherited) = pid;
}

void reap_forget_inherited(struct functions *all, pid_t pid)
{
	/*
	 * n_inherited stays the same: orphans of such a child may still become children of the
	 * supervisor.
	 */
	for (size_t i = 0; i < all->n_inherited; i++)
		if (all->inherited[i] == pid)
			all->inherited[i] = 0;
}

/*
 * Kills the orphans of a worker. Returns the pid of an orphan that was not reaped yet; 0: there is
 * none.
 */
static pid_t kill_orphans(const struct live_worker *worker)
{
	_cleanup_free_ char *list = our_children();
	const char *p = list;
	pid_t pid, left = 0;

	while (p && (pid = next_child(&p)) > 0) {
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
	return (struct worker_processes){ .worker_uid = worker->worker_uid,
					  .session = worker->session,
					  .latest_start = worker->session_start };
}

pid_t reap_leftovers(const struct live_worker *worker, bool first)
{
	const struct worker_processes processes = processes_of(worker);
	pid_t left = 0, orphan;

	/*
	 * The processes of a worker that was taken over never become children of this supervisor.
	 */
	if (worker->taken_over || !first)
		left = worker_processes_kill(&processes, NULL);
	if (worker->taken_over)
		return left;
	/* The pid cannot have been reused since the worker was reaped. */
	if (first && kill(-worker->session, SIGKILL) == 0)
		left = worker->session;
	orphan = kill_orphans(worker);
	return orphan ? orphan : left;
}

/* --- without a supervisor --- */

int reap_worker_processes(const struct worker_processes *processes, const char *label,
			  struct error *err)
{
	double deadline = now_monotonic() + REAP_SECONDS, left = REAP_SECONDS;
	_cleanup_free_ char *name = NULL;
	pid_t pid = 0;

	while (left > 0) {
		_cleanup_close_ int fd = -1;

		pid = worker_processes_kill(processes, &fd);
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

static void end_worker(void *data, const char *label, const struct worker_processes *processes)
{
	struct error *first = data;
	_cleanup_error_ struct error err = { 0 };

	if (reap_worker_processes(processes, label, &err) < 0 && !first->exit)
		error_move(first, &err);
}

int reap_all_leftovers(const struct rundir *rundir, struct error *err)
{
	rundir_each_worker(rundir, end_worker, err);
	return err->exit ? -err->err : 0;
}
