/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor: one process and one poll loop per gadget. It runs the plan, then watches
 * keepers and workers and takes commands, then undoes the plan. The same code undoes the plan of
 * a supervisor that died, read from its record.
 */
#pragma once

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
#include "supervisor/bus.h"
#include "supervisor/control.h"
#include "supervisor/state.h"

struct supervisor {
	const struct paths *paths;
	const struct gadget *gadget; /* NULL: undoing from a record */
	const char *name;
	const char *udc_wanted;	 /* --udc; NULL */
	bool no_bind;		 /* --no-bind, or `unbind` */
	gid_t group;		 /* --group: whose commands are taken, too; 0: none */
	double hold;		 /* seconds that keepers and workers outlive us, for the next one */
	double held;		 /* take_over.c: what they were told last; 0: not at all */
	bool adopted;		 /* taken over from a supervisor that had died */
	const char *const *dirs; /* where gadget files are looked for by name; ends with NULL */
	struct record record;	 /* owned */

	enum gadget_state state; /* gadget_handle changes it */
	struct loop loop;
	struct rundir rundir; /* owned */
	struct configfs configfs;
	struct plan plan;
	struct functions live;
	char *udc;	/* chosen; NULL with no_bind */
	char *last_udc; /* before `unbind`; NULL */
	char *bind_udc; /* that `bind` names; NULL */

	bool changed;	/* plan and status have to be looked at */
	bool undo_soon; /* an undo wants to be called again without an event */
	struct fd_watch signals, deadline, udc_watch, caller;
	struct fd_watch uevents;   /* bus_watch.c; owned */
	bool watches_uevents;	   /* or has tried to */
	char *uevents_of;	   /* the UDC that they are of; NULL: of everything */
	bool uevent;		   /* one has arrived that was not handled yet */
	bool udc_is_new;	   /* so it said */
	struct fd_watch udc_state; /* host.c; owns its descriptor */
	bool configured;	   /* as the UDC says; only where FunctionFS does not */
	struct control control;
	struct output output;	 /* the workers' last words */
	struct error failure;	 /* why it goes or went down, or is failed */
	bool undo_failed;	 /* going down has left something */
	enum bus_state bus;	 /* while the gadget is made */
	bool bind_wanted;	 /* `bind` waits until the workers are ready */
	struct error bind_error; /* why the last `bind`, or the return to the bus, failed */
	struct reload *reload;	 /* while it is reloaded, and when that broke it; else NULL */
	bool reload_wanted;	 /* HUP came while it could not begin */
	struct reload_result {
		struct error error; /* why the last one failed */
		bool changed, rebound;
		bool awaits_udc; /* it is bound when its UDC is back */
	} reloaded;
	struct switching *switching; /* what it is about to become; NULL */
	double switch_refused;	     /* monotonic: when the last one was */
	struct gadget *own_gadget;   /* `gadget`, when it is a reload's; NULL: the caller's */
	bool bounded;		     /* the capability bounding set is empty */
	time_t since;		     /* wall clock: when it came up */
	struct {		     /* notify.c: the service manager */
		struct fd_watch watchdog;
		double interval; /* seconds; 0: it has none */
		char *last;	 /* what it was told */
		int fd;		 /* --notify-fd; -1: it has none, or has been told; owned */
	} notify;
	void (*on_up)(void *data); /* told once, when all is up */
	void *on_up_data;
};

/* `gadget` NULL: to undo a record. */
int supervisor_init(struct supervisor *s, const struct paths *paths, const struct gadget *gadget,
		    const char *name, struct error *err);
void supervisor_free(struct supervisor *s);

/*
 * Watches a socket whose other end is held by who asked for all this: if that goes away before the
 * gadget is up, nobody wants it any more and it is undone.
 */
int supervisor_watch_caller(struct supervisor *s, int fd, struct error *err);

/*
 * Comes up and stays until it is told to go (returns 0), cannot come up or fails (negative errno,
 * err filled). In both cases everything has been undone, except for what err names.
 * timeout: seconds to come up in; wait_udc: seconds to wait for a UDC, 0 not at all, HUGE_VAL for
 * ever.
 */
int supervisor_run(struct supervisor *s, double timeout, double wait_udc, struct error *err);

/* Undoes the plan that the record in the locked rundir holds, and removes the rundir. */
int supervisor_undo_record(struct supervisor *s, struct error *err);

/* What may be read of gadget files and programs; see enum gadgetfile_trust. */
enum gadgetfile_trust supervisor_trust(const struct supervisor *s);
/* Whose programs and plugins may be: `dir` is that of the gadget file. */
enum trust supervisor_program_trust(const struct supervisor *s, const char *dir);
/*
 * read_file.c: reads a gadget file; `name`: see struct gadgetfile_options, `dirs`:
 * gadgetfile_load_found. `say`, unless NULL, is told each diagnostic in one line. EX_DATAERR, and
 * what gadgetfile_load says.
 */
int supervisor_read_file(const char *path, const char *name, const char *const *dirs,
			 enum gadgetfile_trust trust, void (*say)(void *data, const char *line),
			 void *data, struct gadget **gadget, json_t **form, struct error *err);

/* Something has changed that the plan or status may depend on. */
void supervisor_changed(struct supervisor *s);
/* What live functions send a supervisor, which is their owner. */
extern const struct function_events supervisor_function_events;
/* A worker has failed for good. */
void supervisor_worker_failed(struct supervisor *s, struct live_worker *worker);
void supervisor_keeper_died(struct supervisor *s, struct live_function *function);
/* One line about a change of state: to stderr when in the foreground, else to the log. */
void supervisor_say(struct supervisor *s, const char *fmt, ...) _printf_(2, 3);
/* The same of a function (NULL: the gadget), how bad it is being one of syslog.h's words. */
void supervisor_say_of(struct supervisor *s, const char *function, int priority, const char *fmt,
		       ...) _printf_(4, 5);
void supervisor_say_line(struct supervisor *s, const char *function, int priority,
			 const char *text);

/* Begins to go down; `why` (taken over) becomes the failure unless there is one. */
void supervisor_go_down(struct supervisor *s, struct error *why);

/*
 * Chooses the UDC, and waits for one to appear for so many seconds (HUGE_VAL: for ever). 0 with
 * s->udc set, or with the gadget stopping when that was asked for meanwhile.
 */
int supervisor_await_udc(struct supervisor *s, double seconds, struct error *err);

/* signals.c: learns of children that have ended. */
void supervisor_reap(struct supervisor *s);
/* TERM and INT: go down. HUP: reload. CHLD: keepers, workers and orphans. */
int supervisor_watch_signals(struct supervisor *s, struct error *err);

/* Writes RUN/NAME/record: before the first step, and before a change of the plan takes effect. */
int supervisor_write_record(struct supervisor *s, struct error *err);

/* status.c: writes RUN/NAME/status. */
void supervisor_write_status(struct supervisor *s);

/*
 * reexec.c: executes another program (an absolute path of an ffsctl) in place of this one, as
 *     PROGRAM --configfs … --run-dir … SUPERVISOR_RESUME NAME LOCK CLIENT
 * [SUPERVISOR_RESUME_FOREGROUND] with the descriptors of the lock and of the command's socket.
 * Returns when that fails.
 */
#define SUPERVISOR_RESUME "resume-supervisor"
#define SUPERVISOR_RESUME_FOREGROUND "foreground"
int supervisor_reexec(struct supervisor *s, const char *program, int client_fd, struct error *err);
