/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gadget while its supervisor runs. All components of the supervisor use this struct. Each
 * component also has a struct for the data that only this component changes. That struct points at
 * struct live_gadget and at the structs of the components that are called. Only supervisor.c knows
 * all components.
 */
#pragma once

#include <syslog.h>
#include <time.h>

#include "base/loop.h"
#include "base/trust.h"
#include "configfs/configfs.h"
#include "function/function.h"
#include "gadgetfile/gadgetfile.h"
#include "plan/plan.h"
#include "rundir/log_file.h"
#include "rundir/record.h"
#include "rundir/rundir.h"
#include "supervisor/gadget_state.h"

struct live_gadget {
	const struct paths *paths;
	const struct gadget *model; /* NULL: this process only undoes the recorded plan */
	const char *name;
	const char *const *gadget_file_dirs; /* directories in which gadget files are searched by
						name; ends with NULL */
	struct record record;		     /* owned */

	enum gadget_state state; /* state of the gadget, which only gadget_handle_event changes */
	time_t came_up_at;	 /* time when the gadget came up, wall clock */
	bool up_is_awaited;	 /* a command still waits until the gadget is up */
	bool bounding_set_is_empty; /* the capability bounding set of the supervisor is empty */
	struct error failure;	    /* reason why the gadget failed or goes down */
	bool undo_failed;	    /* some steps could not be undone */
	bool needs_plan_and_status_update; /* plan and status must be updated */
	bool retry_undo_soon; /* the undo must be tried again soon (PLAN_SOON_MS), even without an
				 event */

	struct loop loop;
	struct fd_watch up_or_reload_timer; /* timer of the timeout of `up`, of a reload, or of the
					   wait for a UDC */
	struct rundir rundir;		    /* owned */
	struct log_file log_file;	    /* log of the workers' output */
	struct configfs configfs;
	struct plan plan;
	struct functions functions;

	/*
	 * Callback that writes the status file, which needs data of most components; `data` is
	 * write_status_data.
	 */
	void (*write_status)(void *data);
	void *write_status_data;
};

/*
 * Initializes everything except the callbacks of the functions. `model` NULL: the gadget is only
 * undone, from its record.
 */
void live_gadget_init(struct live_gadget *live, const struct paths *paths,
		      const struct gadget *model, const char *name,
		      void (*write_status)(void *data), void *write_status_data);
/* Frees the functions and everything that the struct owns. */
void live_gadget_free(struct live_gadget *live);

/* Records that something changed which may affect the plan or the status. */
static inline void live_gadget_request_plan_and_status_update(struct live_gadget *live)
{
	live->needs_plan_and_status_update = true;
}

/* Logs one line about the gadget: to stderr in the foreground, else to the log. */
#define gadget_log(live, ...) functions_log_about(&(live)->functions, NULL, LOG_INFO, __VA_ARGS__)
/*
 * Logs one line about the function `label`; NULL: about the gadget. `priority` is one of syslog(3).
 */
#define gadget_log_about(live, label, priority, ...)                                               \
	functions_log_about(&(live)->functions, label, priority, __VA_ARGS__)
/* Logs an error in one line, which begins with "WHAT: "; `what` NULL: without this prefix. */
void gadget_log_error(struct live_gadget *live, const char *what, const struct error *err);
/* Logs the line `text` about the function `label`; NULL: about the gadget. */
void gadget_log_line(struct live_gadget *live, const char *label, int priority, const char *text);

/*
 * Logs why the gadget was unbound after a worker failed: the kernel unbinds it when a daemon closes
 * ep0, and ffsctl because of on_failed.
 */
void gadget_log_unbind_after_failure(struct live_gadget *live);

/*
 * Begins to take the gadget down. Moves the error `why` to live->failure; if live->failure is set
 * already, keeps it and clears `why`. `why` may be NULL.
 */
void gadget_begin_down(struct live_gadget *live, struct error *why);

/* Returns which gadget files the supervisor agrees to read; see enum gadgetfile_trust. */
enum gadgetfile_trust required_gadget_file_trust(const struct live_gadget *live);
/*
 * Returns which owners of programs and plugins are trusted. `dir` is the directory of the gadget
 * file.
 */
enum trusted_users live_gadget_trusted_owners_of_programs(const struct live_gadget *live,
							  const char *dir);

/* Writes RUN/NAME/record: before the first step, and before a change of the plan takes effect. */
int gadget_write_record(struct live_gadget *live, struct error *err);
/* Writes RUN/NAME/status. */
void gadget_write_status(struct live_gadget *live);
