/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All live functions of one gadget, and the data that they share. Their owner is the supervisor or
 * a unit test. With the callbacks of struct function_callbacks, they report events to the owner and
 * read its state.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/paths.h"
#include "base/trust.h"
#include "rundir/log_file.h"
#include "rundir/rundir.h"

struct live_function;
struct live_worker;

/* Phases of a gadget, from the wait for a UDC until the gadget is down. */
enum up_down_phase {
	PHASE_WAITING_UDC, /* no step is applied yet */
	PHASE_COMING_UP,
	PHASE_UP,
	PHASE_GOING_DOWN,
	PHASE_GONE,
};

/*
 * Callbacks of the owner; their argument `data` is functions.callback_data. They are called from
 * the event loop, and must not free a live function.
 */
struct function_callbacks {
	/* The state of a function changed; this may affect the plan or the status. */
	void (*function_state_changed)(void *data);
	/* The statistics of a worker changed. */
	void (*statistics_changed)(void *data);
	/* Adds ffsctl's own line about a function to the log; `priority` as in syslog(3). */
	void (*log_about_function)(void *data, const char *label, int priority, const char *text);
	/* A worker failed for good. */
	void (*worker_failed)(void *data, struct live_worker *worker);
	/* The keeper of a function died. */
	void (*keeper_died)(void *data, struct live_function *function);
	/*
	 * A daemon, a worker that opens ep0 itself, has opened or closed it, or has ended. If it
	 * has closed its last file, the kernel has unbound the gadget.
	 */
	void (*descriptors_may_have_changed)(void *data);
	/*
	 * A worker of the function has ended in the middle of a transfer, and on_crash is
	 * "reconnect": unbinds the gadget, and binds it again when its workers are ready. Returns
	 * false if that cannot be done now.
	 */
	bool (*reconnect_host)(void *data, const struct live_function *function);
	/* A worker requests another gadget in place of this one: SWITCH of ffsctl/control.h. */
	void (*switch_requested)(void *data, struct live_worker *worker, const char *body,
				 size_t size);
	/* A worker requests that the UDC wakes the host: WAKEUP of ffsctl/control.h. */
	void (*wakeup_requested)(void *data, struct live_worker *worker);
	/*
	 * The `value` of a worker's steps changed from `old` to `new`, because its program or
	 * plugin is another file than at its last start.
	 */
	void (*launch_fingerprint_changed)(void *data, const char *old, const char *new);
	/* Returns whether the kernel has bound the gadget. */
	bool (*is_bound)(void *data);
	/* Returns whether a host has configured the gadget. */
	bool (*is_configured)(void *data);
	/*
	 * Returns whether a reload is being applied. A reload waits for the workers that it starts.
	 */
	bool (*is_reloading)(void *data);
	/*
	 * Returns which owners are trusted for the programs that a gadget file in
	 * `gadget_file_dir` names.
	 */
	enum trusted_users (*trusted_program_owners)(void *data, const char *gadget_file_dir);
};

/* The live functions of a gadget, and what they share. */
struct functions {
	const struct function_callbacks *callbacks;
	void *callback_data; /* argument of the callbacks */

	const char *gadget_name; /* name of the gadget */
	const struct paths *paths;
	struct loop *loop;
	struct rundir *rundir;
	struct log_file *log_file; /* the log of the workers' output */

	/* The supervisor changes the following members; the functions only read them. */
	enum up_down_phase up_down_phase;
	bool up_awaits_first_starts;	       /* the gadget comes up, which is not reported yet */
	bool foreground;		       /* the workers' output goes to stderr, too */
	const json_t *switch_json_for_workers; /* value of "switch" in the configuration of each
				   worker; NULL: the gadget was not started by a switch */
	char *last_bound_udc; /* the UDC that the gadget is or was bound to; NULL: none; owned */

	struct live_function **list; /* one live function for each function with a `ffs` group or a
					worker; owned */
	size_t n;
	/* pids of the child processes that neither ffsctl nor a worker has started
	   (kill_processes.h); owned */
	pid_t *foreign_child_pids;
	size_t n_foreign_child_pids;
};

/* Calls the callback `function_state_changed`. */
void functions_report_state_change(const struct functions *all);
/* Logs one line about a function (NULL: the gadget); `priority` as in syslog(3). */
void functions_log_about(const struct functions *all, const char *label, int priority,
			 const char *fmt, ...) _printf_(4, 5);
