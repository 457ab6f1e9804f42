/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise/reap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "supervise/supervisor.h"

/* A worker that forks as fast as we kill is not chased for ever. */
#define ROUNDS 1000
#define CHILDREN_MAX (1024 * 1024)

static bool is_known(const struct supervisor *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_instances; i++)
		if (s->instances[i]->keeper.pid == pid ||
		    (s->instances[i]->unit && s->instances[i]->unit->pid == pid))
			return true;
	for (size_t i = 0; i < s->n_inherited; i++)
		if (s->inherited[i] == pid)
			return true;
	return false;
}

static bool is_of_worker(pid_t pid, const char *gadget, const char *label)
{
	_cleanup_free_ char *of_gadget = strf("FFSCTL_GADGET=%s", gadget);
	_cleanup_free_ char *of_function = strf("FFSCTL_FUNCTION=%s", label);

	return process_env_has(pid, of_gadget) && process_env_has(pid, of_function);
}

static void kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Whether the environment names a worker that we look after: any of ours, whichever it is. */
static bool is_of_any(const struct supervisor *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_instances; i++)
		if (is_of_worker(pid, s->name, s->instances[i]->function->label))
			return true;
	return false;
}

static bool others_run(const struct unit *unit)
{
	const struct supervisor *s = unit->instance->supervisor;

	for (size_t i = 0; i < s->n_instances; i++)
		if (s->instances[i]->unit != unit && s->instances[i]->unit &&
		    s->instances[i]->unit->pid > 0)
			return true;
	return false;
}

/*
 * Whether a child of ours that we have not started comes from that worker. All such children come
 * from some worker, unless a script has left us some. One that has thrown its environment away is
 * told by the endpoints it holds; else it may be any worker's, and stays until there is no other.
 */
static bool comes_from(const struct unit *unit, pid_t pid)
{
	const struct supervisor *s = unit->instance->supervisor;
	const struct function *f = unit->instance->function;

	if (is_of_worker(pid, s->name, f->label))
		return true;
	if (is_of_any(s, pid))
		return false;
	return (s->n_inherited == 0 && !others_run(unit)) ||
	       (f->ffs && process_holds(pid, f->ffs->mount.path));
}

/* The next of our children in *list; 0: there is none. */
static pid_t next_child(const char **list)
{
	char *end;
	pid_t pid = (pid_t)strtol(*list, &end, 10);

	*list = end;
	return pid;
}

/* CONFIG_PROC_CHILDREN; without it, NULL, only the session is found. The caller frees it. */
static char *our_children(void)
{
	char *list;

	return file_read(AT_FDCWD, "/proc/thread-self/children", CHILDREN_MAX, &list, NULL) < 0
		       ? NULL
		       : list;
}

void reap_note_inherited(struct supervisor *s)
{
	_cleanup_free_ char *list = our_children();
	const char *p = list;
	pid_t pid;

	while (p && (pid = next_child(&p)) > 0)
		if (!is_known(s, pid))
			*array_add(s->inherited, s->n_inherited) = pid;
}

void reap_forget_inherited(struct supervisor *s, pid_t pid)
{
	/* The count stays: what such a child has left behind may still come to us. */
	for (size_t i = 0; i < s->n_inherited; i++)
		if (s->inherited[i] == pid)
			s->inherited[i] = 0;
}

/* One look at our children; whether an orphan of that worker was among them. */
static bool kill_orphans(const struct unit *unit)
{
	_cleanup_free_ char *list = our_children();
	const char *p = list;
	bool found = false;
	pid_t pid;

	while (p && (pid = next_child(&p)) > 0) {
		if (!is_known(unit->instance->supervisor, pid) && comes_from(unit, pid)) {
			kill_and_wait(pid);
			found = true;
		}
	}
	return found;
}

struct search {
	const char *gadget, *label;
	bool wait; /* until they have ended */
	int found;
};

static int kill_stranger(void *data, pid_t pid)
{
	struct search *search = data;

	_cleanup_close_ int fd = -1;

	if (pid == getpid() || !is_of_worker(pid, search->gadget, search->label) ||
	    !process_alive(pid))
		return 0;
	if (search->wait)
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
	kill(pid, SIGKILL);
	search->found++;
	if (fd >= 0)
		process_await_end(fd, -1);
	return 0;
}

/* Of a worker that was taken over: what it has started were never our children. */
static void reap_rest_of_others(const struct unit *unit)
{
	const struct instance *i = unit->instance;
	struct search search = { .gadget = i->supervisor->name,
				 .label = i->function->label,
				 .wait = true };

	for (int n = 0; n < ROUNDS; n++) {
		search.found = 0;
		process_each(kill_stranger, &search);
		if (search.found == 0)
			return;
	}
}

void reap_rest(const struct unit *unit)
{
	if (unit->end.fd >= 0) {
		reap_rest_of_others(unit);
		return;
	}
	if (kill(-unit->pid, SIGKILL) == 0)
		while (waitpid(-unit->pid, NULL, 0) > 0 || errno == EINTR)
			;
	for (int i = 0; i < ROUNDS && kill_orphans(unit); i++)
		;
}

int reap_strangers(const char *gadget, const char *label)
{
	struct search search = { .gadget = gadget, .label = label };

	process_each(kill_stranger, &search);
	return search.found;
}
