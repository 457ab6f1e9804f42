/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a worker's end to the end of all that it has left: the processes that it has started, then
 * the words that its keeper has still heard. The next worker comes after that, since it could not
 * open the endpoints before.
 */
#include <syslog.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "function/function.h"
#include "function/reap.h"

void worker_rest_begin(struct live_worker *worker)
{
	worker_close(worker, &worker->end);
	worker->rest = REST_PROCESSES;
	worker->rest_since = 0;
	functions_changed(worker->function->all);
	worker_rest_look(worker);
}

/* Whoever hangs in the kernel may keep an endpoint: then the next worker says so. */
static void say_left(const struct live_worker *worker, pid_t pid)
{
	_cleanup_free_ char *name = process_name(pid);

	functions_say(worker->function->all, worker->function->model->label, LOG_ERR,
		      "a process that the worker has started does not end: %s (pid %d)", name,
		      (int)pid);
}

static bool have_ended(struct live_worker *worker)
{
	bool first = worker->rest_since == 0;
	pid_t left = reap_rest(worker, first);

	if (first)
		worker->rest_since = now_monotonic();
	if (left && now_monotonic() - worker->rest_since < REAP_SECONDS)
		return false;
	if (left)
		say_left(worker, left);
	return true;
}

void worker_rest_look(struct live_worker *worker)
{
	if (worker->rest == REST_PROCESSES && have_ended(worker)) {
		worker->rest = REST_WORDS;
		function_drop_worker(worker->function);
	}
	if (worker->rest != REST_WORDS || function_is_draining(worker->function))
		return;
	worker->rest = REST_NONE;
	worker_gone(worker);
}
