/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor: one process and one event loop for each gadget. It applies the plan, watches
 * keepers and workers, handles commands, and undoes the plan. The same code undoes the plan of a
 * dead supervisor, read from its record.
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
#include "supervisor/bus.h"
#include "supervisor/control.h"
#include "supervisor/state.h"

struct supervisor {
	const struct paths *paths;
	const struct gadget *gadget; /* NULL: the supervisor only undoes a record */
	const char *name;
	const char *udc_wanted; /* --udc; NULL */
	bool no_bind;		/* ----no-bind or `unbind`: the gadget must stay unbound */
	gid_t group;		/* ----group: its members may send commands; 0: only root may */
	double linger; /* ----hold: seconds that keepers wait after the death of the supervisor */
	double linger_sent; /* seconds last sent to the keepers; 0: no takeover possible */
	bool taken_over;    /* this supervisor took the gadget over */
	const char *const
		*dirs; /* directories in which names of gadget files are searched; ends with NULL */
	struct record record; /* owned */

	enum gadget_state state; /* changed by gadget_handle only */
	struct loop loop;
	struct rundir rundir; /* owned */
	struct configfs configfs;
	struct plan plan;
	struct functions live;
	char *udc; /* UDC that ffsctl chose or bound it to; NULL: none, or unbound by command */
	char *last_udc; /* UDC before `unbind`; NULL: none */
	char *bind_udc; /* UDC that `bind` names; NULL: none */

	bool changed;	/* plan and status must be updated */
	bool undo_soon; /* an undo step must be called again without an event */
	struct fd_watch signals, deadline, udc_watch, caller;
	struct fd_watch uevents;   /* bus_watch.c; owned */
	bool watches_uevents;	   /* uevents are received, or opening the socket failed */
	char *uevents_of;	   /* UDC whose uevents are received; NULL: all devices */
	bool uevent;		   /* a uevent arrived since the last check */
	bool udc_is_new;	   /* it announced a new UDC */
	struct fd_watch udc_state; /* host.c; owns its descriptor */
	bool configured; /* the UDC's state is "configured"; used where FunctionFS does not report
			    the host */
	struct control control;
	struct output output;	 /* log of the workers' output */
	struct error failure;	 /* reason of a failure, or of going down */
	bool undo_failed;	 /* not all steps could be undone */
	enum bus_state bus;	 /* valid while all steps are applied */
	bool bind_wanted;	 /* `bind` waits for the workers */
	struct error bind_error; /* reason why the last bind or rebind failed */
	struct reload *reload;	 /* not NULL during a reload and in GADGET_BROKEN */
	bool reload_request;	 /* SIGHUP arrived, and the reload has not begun */
	struct reload_result {
		struct error error; /* reason why the last reload failed */
		bool changed, rebound;
		bool awaits_udc; /* the gadget is bound later, when its UDC appears */
	} reloaded;
	struct switching *switching; /* the gadget of a switch; NULL: none */
	double switch_refused;	     /* time of the last refused switch, monotonic */
	struct gadget *own_gadget; /* `gadget`, if a reload loaded it; NULL: owned by the caller */
	bool bounded;		   /* the capability bounding set is empty */
	time_t since;		   /* time when it came up, wall clock */
	struct {		   /* notify.c: the service manager */
		struct fd_watch watchdog;
		double interval; /* half of the watchdog interval, seconds; 0: no watchdog */
		char *last;	 /* last notification */
		int fd;		 /* ----notify-fd; -1: none, or already written; owned */
	} notify;
	void (*on_up)(void *data); /* called once, when the gadget is up */
	void *on_up_data;
};

/* Initializes a supervisor; `gadget` NULL: to undo a record. */
int supervisor_init(struct supervisor *s, const struct paths *paths, const struct gadget *gadget,
		    const char *name, struct error *err);
void supervisor_free(struct supervisor *s);

/*
 * Watches a socket of the command that waits for the gadget: if the command ends before the gadget
 * is up, everything is undone.
 */
int supervisor_watch_caller(struct supervisor *s, int fd, struct error *err);

/*
 * Brings the gadget up and runs until it is down. Returns 0 after `down` or a signal, a negative
 * errno if it cannot come up or fails. In both cases everything has been undone, except for what
 * err names. timeout: seconds to come up in; wait_udc: seconds to wait for a UDC, 0 not at all,
 * HUGE_VAL for ever.
 */
int supervisor_run(struct supervisor *s, double timeout, double wait_udc, struct error *err);

/* Undoes the plan of the record in the locked rundir, and removes the rundir. */
int supervisor_undo_record(struct supervisor *s, struct error *err);

/* Returns which gadget files are trusted; see enum gadgetfile_trust. */
enum gadgetfile_trust supervisor_trust(const struct supervisor *s);
/* Returns which owners of programs and plugins are trusted; `dir` is that of the gadget file. */
enum trust supervisor_program_trust(const struct supervisor *s, const char *dir);
/*
 * read_file.c: reads a gadget file for a supervisor. `name`: see struct gadgetfile_options; `dirs`:
 * gadgetfile_load_found. `say`, unless NULL, is called with each diagnostic as one line. Fails with
 * EX_DATAERR, or like gadgetfile_load.
 */
int supervisor_read_file(const char *path, const char *name, const char *const *dirs,
			 enum gadgetfile_trust trust, void (*say)(void *data, const char *line),
			 void *data, struct gadget **gadget, json_t **document, struct error *err);

/* Notes a change that the plan or the status may depend on. */
void supervisor_changed(struct supervisor *s);
/* The events of live functions, whose owner is a supervisor. */
extern const struct function_events supervisor_function_events;
/* Handles a worker that failed for good. */
void supervisor_worker_failed(struct supervisor *s, struct live_worker *worker);
/*
 * Handles the death of a keeper: starts another one, or sets the gadget's state to GADGET_FAILED.
 */
void supervisor_keeper_died(struct supervisor *s, struct live_function *function);
/* Logs one line about the gadget: to stderr in the foreground, else to the log. */
#define supervisor_say(s, ...) functions_say(&(s)->live, NULL, LOG_INFO, __VA_ARGS__)
/* Logs one line about a function (NULL: the gadget); `priority` as in syslog(3). */
#define supervisor_say_of(s, function, priority, ...)                                              \
	functions_say(&(s)->live, function, priority, __VA_ARGS__)
void supervisor_say_line(struct supervisor *s, const char *function, int priority,
			 const char *text);

/*
 * Begins to take the gadget down; `why` (taken over) becomes the failure unless there is one
 * already.
 */
void supervisor_go_down(struct supervisor *s, struct error *why);

/*
 * Chooses the UDC, and waits for one up to `seconds` (HUGE_VAL: for ever). Returns 0 with s->udc
 * set, or with the gadget stopping if `down` came first.
 */
int supervisor_await_udc(struct supervisor *s, double seconds, struct error *err);

/* signals.c: reaps child processes. */
void supervisor_reap(struct supervisor *s);
/* Watches SIGTERM and SIGINT (down), SIGHUP (reload) and SIGCHLD (keepers, workers and orphans). */
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
