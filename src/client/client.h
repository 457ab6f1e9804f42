/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions for commands: start a supervisor, send it a command, or do its work after it died. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/paths.h"
#include "gadgetfile/gadget.h"
#include "plan/plan.h"
#include "rundir/control.h"

struct client_options {
	const struct paths *paths;
	const char *udc; /* --udc; NULL */
	bool no_bind;
	const char *const *dirs; /* directories of gadget files, ends with NULL */
	double timeout;		 /* seconds in which the gadget must come up */
	double wait_udc;	 /* seconds; 0: do not wait, HUGE_VAL: no limit */
	double hold;   /* seconds that keepers and workers wait for a takeover after the supervisor
			  died */
	gid_t group;   /* the group whose members may send commands; 0: only root may */
	int notify_fd; /* client_run writes a newline to it when the gadget is up; -1: none */
};

#define CLIENT_HOLD_DEFAULT 10

enum client_result {
	CLIENT_DONE,	  /* the gadget came up, went down, was bound or unbound */
	CLIENT_UNCHANGED, /* nothing to do: it was up already (up), was not up (down), and so on */
	CLIENT_CLEARED,	  /* down: its supervisor had died; its steps were undone */
	CLIENT_FORCED, /* down: there was no record; what configfs and the mounts show was removed
			*/
	CLIENT_TAKEN_OVER, /* up: the supervisor had died; keepers and workers continue */
};

/* Makes the plan that `up` would run, for --dry-run. Works without root. */
int client_plan(const struct gadget *g, const struct client_options *options, struct plan *plan,
		struct error *err);

/* What a detached child sends to the command that waits for it. */
struct client_report {
	enum client_result result;
	char name[256];
	char udc[256]; /* "" not bound */
};

/*
 * Forks the process that becomes the supervisor.
 *
 * Child (*report_fd >= 0): runs in a new session; returns 0 at once.
 * Parent (*report_fd < 0): waits for the child. Returns 0 after the child's report, the exit code
 * of a child that ended (and has printed its error), or EX_OSERR with err set when it was killed.
 * SIGINT and SIGTERM to the parent make the child undo its steps.
 *
 * Callers fork before they read gadget files, so that there is little memory to copy.
 */
int client_detach(int *report_fd, struct client_report *report, struct error *err);

/*
 * Runs in the child: brings the gadget up, reports, closes the caller's descriptors, and supervises
 * the gadget until it goes down. Reports CLIENT_UNCHANGED and returns when the same gadget is up.
 * Returns 0 or a negative errno with err set; *reported is true after the report. `document` is
 * that of the gadget file. On failure *output is the last output of the workers, or NULL; the
 * caller frees it.
 */
int client_up(const struct gadget *g, const json_t *document, const struct client_options *options,
	      int report_fd, bool *reported, char **output, struct error *err);

/* Returns whether the supervisor of a gadget has died, so that client_take_over may be possible. */
bool client_is_orphaned(const struct paths *paths, const char *name);
/*
 * Runs in the child: continues a gadget whose supervisor died, with the same keepers and workers.
 * It uses the record and does not read the gadget file. Otherwise as client_up; reports
 * CLIENT_TAKEN_OVER, or CLIENT_UNCHANGED when another process took it over first. EX_UNAVAILABLE
 * when a takeover is not possible.
 */
int client_take_over(const struct paths *paths, const char *name, int report_fd, bool *reported,
		     struct error *err);

/* Brings a gadget up in the foreground. Returns after SIGTERM or SIGINT, or when the gadget failed.
 */
int client_run(const struct gadget *g, const json_t *document, const struct client_options *options,
	       struct error *err);

/*
 * Runs `fn` in a child process, for one of several gadgets. Returns its exit code, or EX_OSERR with
 * err set. `fn` may call client_detach. `stdout_fd` becomes its stdout; -1: it shares this one.
 * After SIGINT or SIGTERM the child undoes its steps: EX_TEMPFAIL, with ECANCELED in err.
 */
int client_run_in_child(int (*fn)(void *data), void *data, int stdout_fd, struct error *err);

/* Which gadgets `down` may take down. */
enum client_down_scope {
	CLIENT_DOWN_OURS,
	CLIENT_DOWN_ANY, /* also gadgets that ffsctl did not make or has no record of */
};

/*
 * Takes a gadget down, with or without its supervisor. EX_CANTCREAT, with nothing changed, when
 * ffsctl did not make it, or (CLIENT_DOWN_ANY) a process uses its FunctionFS.
 */
int client_down(const struct paths *paths, const char *name, enum client_down_scope scope,
		enum client_result *result, struct error *err);

/* Reads the log of a gadget (rundir/output.h). The caller frees *text. */
int client_log(const struct paths *paths, const char *name, char **text, size_t *size,
	       struct error *err);

/*
 * Sends a request to the supervisor of a gadget and waits for its reply. `answer`: gets the values
 * of the reply, and is freed by the caller, also on failure; NULL: not needed. EX_UNAVAILABLE when
 * the gadget has no supervisor.
 */
int client_ask(const struct paths *paths, const char *name, const struct control_request *request,
	       struct control_answer *answer, struct error *err);

/*
 * Runs in the new program (supervisor_reexec): continues with the descriptors of the lock and of
 * the command's connection. Returns as client_up and client_run do.
 */
int client_resume(const struct paths *paths, const char *name, int lock_fd, int client_fd,
		  bool foreground, struct error *err);

/* Returns in *file the path of the gadget file of a gadget that is up. The caller frees it. */
int client_gadget_file(const struct paths *paths, const char *name, char **file, struct error *err);
/*
 * Returns in *name the gadget that was brought up from `file` (an absolute path); NULL when there
 * is none. Of several, it is the one with the name from the file; EX_USAGE without such a one. The
 * caller frees it.
 */
int client_find_by_file(const struct paths *paths, const char *file, char **name,
			struct error *err);

struct client_reload {
	enum client_result result; /* CLIENT_UNCHANGED: the file has not changed */
	bool rebound; /* the gadget was unbound and bound again, so the host saw a disconnect */
	char *awaits; /* the missing UDC, to which the gadget is bound when it appears; NULL: none;
			 the caller frees it */
};

/*
 * Applies the gadget file to a gadget that is up, in at most `timeout` seconds, and reverts the
 * changes on failure in as many. `renamed`: the file may have another name for it. After a failure
 * the gadget is unchanged, unless the text of the error says that reverting failed.
 */
int client_reload(const struct paths *paths, const char *name, const char *file, bool renamed,
		  double timeout, struct client_reload *done, struct error *err);
/*
 * Returns the changes that a reload would make, as the array "plan" of `--dry-run --json`, which
 * the caller owns, and whether the gadget would be unbound meanwhile. Changes nothing.
 */
int client_reload_plan(const struct paths *paths, const char *name, const char *file, bool renamed,
		       const char *const *dirs, json_t **changes, bool *rebinds, struct error *err);

/* Waits until a host has configured the gadget, which must be up. */
int client_wait_host(const struct paths *paths, const char *name, double seconds,
		     struct error *err);

/*
 * Waits until the gadget is "ready", "configured" by its host or "disconnected" from it. With a
 * number of seconds, also waits for its supervisor to start; EX_TEMPFAIL when the time is over.
 * HUGE_VAL: no limit. EX_PROTOCOL when a worker has failed for good.
 */
int client_wait(const struct paths *paths, const char *name, enum control_condition condition,
		double seconds, struct error *err);
