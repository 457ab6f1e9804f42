/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gadget while its supervisor runs: what all components of the supervisor use. Each component has
 * a struct with what only it changes, and points at this struct and at the components that it uses.
 * Only supervisor.c knows all of them.
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
#include "rundir/output.h"
#include "rundir/record.h"
#include "rundir/rundir.h"
#include "supervisor/state.h"

struct live_gadget {
	const struct paths *paths;
	const struct gadget *model; /* NULL: the supervisor only undoes a record */
	const char *name;
	const char *const
		*dirs; /* directories in which names of gadget files are searched; ends with NULL */
	struct record record; /* owned */

	enum gadget_state state; /* changed by gadget_handle only */
	time_t since;		 /* time when it came up, wall clock */
	bool awaited;		 /* a command waits until it is up, and was not notified yet */
	bool bounded;		 /* the capability bounding set is empty */
	struct error failure;	 /* reason of a failure, or of going down */
	bool undo_failed;	 /* not all steps could be undone */
	bool changed;		 /* plan and status must be updated */
	bool undo_soon;		 /* an undo step must be called again without an event */

	struct loop loop;
	struct fd_watch deadline; /* timer: the end of the time to come up, or to reload */
	struct rundir rundir;	  /* owned */
	struct output output;	  /* log of the workers' output */
	struct configfs configfs;
	struct plan plan;
	struct functions functions;

	/* Called with `owner`: writes the status, of which most components have a part. */
	void (*write_status)(void *owner);
	void *owner;
};

/* Initializes all but the events of the functions. `model` NULL: to undo a record. */
void gadget_init(struct live_gadget *live, const struct paths *paths, const struct gadget *model,
		 const char *name, void (*write_status)(void *owner), void *owner);
/* Frees the functions and everything that is owned. */
void gadget_close(struct live_gadget *live);

/* Notes a change that the plan or the status may depend on. */
static inline void gadget_changed(struct live_gadget *live)
{
	live->changed = true;
}

/* Logs one line about the gadget: to stderr in the foreground, else to the log. */
#define gadget_log(live, ...) functions_log(&(live)->functions, NULL, LOG_INFO, __VA_ARGS__)
/* Logs one line about a function (NULL: the gadget); `priority` as in syslog(3). */
#define gadget_log_of(live, label, priority, ...)                                                  \
	functions_log(&(live)->functions, label, priority, __VA_ARGS__)
/* Logs an error in one line, "WHAT: " before it; `what`: NULL: nothing. */
void gadget_log_error(struct live_gadget *live, const char *what, const struct error *err);
void gadget_say_line(struct live_gadget *live, const char *label, int priority, const char *text);

/*
 * Begins to take the gadget down; `why` (taken over) becomes the failure unless there is one
 * already.
 */
void gadget_go_down(struct live_gadget *live, struct error *why);

/* Returns which gadget files are trusted; see enum gadgetfile_trust. */
enum gadgetfile_trust gadget_file_trust(const struct live_gadget *live);
/* Returns which owners of programs and plugins are trusted; `dir` is that of the gadget file. */
enum trust gadget_program_trust(const struct live_gadget *live, const char *dir);

/* Writes RUN/NAME/record: before the first step, and before a change of the plan takes effect. */
int gadget_write_record(struct live_gadget *live, struct error *err);
/* Writes RUN/NAME/status. */
void gadget_write_status(struct live_gadget *live);
