/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker whose supervisor has died goes on under the next one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/proc.h"
#include "process/family.h"
#include "process/reap.h"
#include "supervisor/supervisor.h"

static void on_end(void *data, uint32_t events _unused_)
{
	unit_exited(data, UNIT_STATUS_UNKNOWN);
}

int unit_take_process(struct unit *unit, pid_t pid, int *pidfd, int *output)
{
	struct loop *loop = &unit->instance->supervisor->loop;
	_cleanup_error_ struct error ignored = { 0 };
	int none = -1, r = 0;
	siginfo_t info;
	bool is_ours;

	if (pid <= 0)
		return 0;
	is_ours = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
	if (!is_ours && *pidfd < 0)
		return -ESRCH;
	unit->pid = unit->session = pid;
	unit->taken = !is_ours;
	process_start(pid, &unit->began);
	if (!is_ours)
		r = source_add(loop, &unit->end, *pidfd, EPOLLIN, on_end, unit);
	if (unit->end.fd >= 0)
		*pidfd = -1;
	return r < 0 ? r : unit_watch(unit, output, &none, &ignored);
}

static void recall(struct unit *unit, const json_t *status)
{
	const char *last_exit = json_text(status, "last_exit", NULL),
		   *engine = json_text(status, "engine", "");

	unit->restarts = (unsigned int)json_integer_value(json_object_get(status, "restarts"));
	unit->last_exit = last_exit ? xstrdup(last_exit) : NULL;
	snprintf(unit->engine, sizeof(unit->engine), "%s", engine);
}

static void go_on_ready(struct unit *unit, time_t since)
{
	time_t now = time(NULL);

	unit->state = UNIT_READY;
	unit->served = true;
	unit->ready_at = since;
	unit->ready_since = now_monotonic() - (since < now ? (double)(now - since) : 0);
	unit_begin_to_watch(unit);
}

/* It has ended with its supervisor, or a moment before. */
static void end_left_behind(struct unit *unit)
{
	const struct instance *i = unit->instance;
	struct family family = { 0 };

	rundir_worker(&i->supervisor->rundir, i->function->label, &family);
	unit->session = family.session;
	unit->began = family.latest;
	unit->taken = true;
	if (reap_rest(unit, true) == 0) {
		unit_handle(unit, UNIT_EV_RESTART);
		return;
	}
	unit->state = UNIT_STOPPING;
	unit->restart_wanted = true;
	unit_rest_begin(unit);
}

/* One that is not known to be ready, or to be the one that was, is nobody to rely on. */
void unit_adopt(struct unit *unit, const json_t *status)
{
	const char *state = json_text(status, "state", "");

	recall(unit, status);
	if (unit->pid > 0 && streq(state, unit_state_words[UNIT_READY]) &&
	    json_integer_value(json_object_get(status, "pid")) == unit->pid) {
		go_on_ready(unit,
			    (time_t)json_integer_value(json_object_get(status, "ready_since")));
	} else if (unit->pid > 0) {
		unit->state = UNIT_STOPPING;
		unit->restart_wanted = true;
		unit_kill(unit, SIGKILL, true);
	} else if (streq(state, unit_state_words[UNIT_DONE])) {
		unit->state = UNIT_DONE;
	} else if (streq(state, unit_state_words[UNIT_FAILED])) {
		unit->state = UNIT_FAILED;
	} else {
		end_left_behind(unit);
	}
}
